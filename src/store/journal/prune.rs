//! Forgetting what is too old, a little at a time.

use rusqlite::params;

use super::KEPT_MILLISECONDS;
use crate::error::Result;
use crate::store::Writing;
use crate::store::fault::Doing;

/// Rows looked at in one step, so that no other write waits long.
const STEP: i64 = 500;

/// Forgets reservations that were over a day ago, among the next few after the one with the number `after`. Answers where to go
/// on; none when everything old was seen.
///
/// # Errors
/// When the database can't be written.
pub fn prune_reservations(writing: &Writing<'_>, after: i64, now_ms: i64) -> Result<Option<i64>> {
    const DOING: &str = "forgetting old reservations";
    let oldest = now_ms - KEPT_MILLISECONDS;
    let seen: (Option<i64>, i64) = writing
        .connection
        .prepare_cached(
            "SELECT max(id), count(*) FROM (
                 SELECT id FROM reservations WHERE id > ?1 AND created_at <= ?2 ORDER BY id LIMIT ?3)",
        )
        .and_then(|mut statement| {
            statement.query_row(params![after, oldest, STEP], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .doing(DOING)?;
    let (Some(last), count) = seen else {
        return Ok(None);
    };
    writing
        .connection
        .prepare_cached(
            "UPDATE journal SET pruned_to = max(pruned_to, (
                 SELECT coalesce(max(max(id, coalesce(expired_number, 0), coalesce(settled_number, 0))), 0) FROM reservations
                 WHERE id > ?1 AND id <= ?2 AND finished_at <= ?3))",
        )
        .and_then(|mut statement| statement.execute(params![after, last, oldest]))
        .doing(DOING)?;
    writing
        .connection
        .prepare_cached("DELETE FROM reservations WHERE id > ?1 AND id <= ?2 AND finished_at <= ?3")
        .and_then(|mut statement| statement.execute(params![after, last, oldest]))
        .doing(DOING)?;
    Ok((count == STEP).then_some(last))
}

/// Forgets some answers to request ids that are older than a day; answers whether there may be more.
///
/// # Errors
/// When the database can't be written.
pub fn prune_answers(writing: &Writing<'_>, now_ms: i64) -> Result<bool> {
    // The oldest have the smallest numbers.
    let removed = writing
        .connection
        .prepare_cached(
            "DELETE FROM request_ids WHERE created_at <= ?1 AND id IN (SELECT id FROM request_ids ORDER BY id LIMIT ?2)",
        )
        .and_then(|mut statement| statement.execute(params![now_ms - KEPT_MILLISECONDS, STEP]))
        .doing("forgetting answers to request ids")?;
    Ok(i64::try_from(removed).unwrap_or(0) == STEP)
}

/// Forgets some of the history before `day` (days since 1970-01-01); answers whether there may be more.
///
/// # Errors
/// When the database can't be written.
pub fn prune_history(writing: &Writing<'_>, day: i64) -> Result<bool> {
    const DOING: &str = "forgetting the history of use";
    let used = writing
        .connection
        .prepare_cached(
            "DELETE FROM usage_days WHERE (day, user_id, access_profile_id, provider, model) IN (
                 SELECT day, user_id, access_profile_id, provider, model FROM usage_days WHERE day < ?1 LIMIT ?2)",
        )
        .and_then(|mut statement| statement.execute(params![day, STEP]))
        .doing(DOING)?;
    let refused = writing
        .connection
        .prepare_cached(
            "DELETE FROM refusal_days WHERE (day, user_id, access_profile_id, provider, model, reason) IN (
                 SELECT day, user_id, access_profile_id, provider, model, reason FROM refusal_days WHERE day < ?1 LIMIT ?2)",
        )
        .and_then(|mut statement| statement.execute(params![day, STEP]))
        .doing(DOING)?;
    Ok(used.max(refused) > 0)
}
