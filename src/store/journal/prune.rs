//! Forgetting what is too old, a little at a time.

use super::read::KEPT_MILLISECONDS;
use crate::error::Result;
use crate::store::sql::Writing;

/// Rows looked at in one step, so that no other write waits long.
const STEP: i64 = 500;

/// Forgets reservations that were over a day ago, among the next few after the one with the number `after`. Answers where to go
/// on; none when everything old was seen.
pub fn prune_reservations(writing: &Writing<'_>, after: i64, now_ms: i64) -> Result<Option<i64>> {
    const DOING: &str = "forgetting old reservations";
    let oldest = now_ms - KEPT_MILLISECONDS;
    let step = step(
        writing,
        "SELECT id, created_at FROM reservations WHERE id > ?1 ORDER BY id LIMIT ?2",
        after,
        now_ms,
    )?;
    writing.run(
        DOING,
        "UPDATE journal SET pruned_to = max(pruned_to, (
         SELECT coalesce(max(max(id, coalesce(expired_number, 0), coalesce(settled_number, 0))), 0) FROM reservations
         WHERE id > ?1 AND id <= ?2 AND finished_at <= ?3))",
        [after, step.last, oldest],
    )?;
    writing.run(
        DOING,
        "DELETE FROM reservations WHERE id > ?1 AND id <= ?2 AND finished_at <= ?3",
        [after, step.last, oldest],
    )?;
    Ok(step.more.then_some(step.last))
}

/// Forgets answers to request ids that are older than a day, among the next few after the one with the number `after`. Answers
/// where to go on; none when everything old was seen.
pub fn prune_answers(writing: &Writing<'_>, after: i64, now_ms: i64) -> Result<Option<i64>> {
    let step = step(
        writing,
        "SELECT id, created_at FROM request_ids WHERE id > ?1 ORDER BY id LIMIT ?2",
        after,
        now_ms,
    )?;
    writing.run(
        "forgetting answers to request ids",
        "DELETE FROM request_ids WHERE id > ?1 AND id <= ?2 AND created_at <= ?3",
        [after, step.last, now_ms - KEPT_MILLISECONDS],
    )?;
    Ok(step.more.then_some(step.last))
}

/// Rows that may be old, up to the one with the number `last`, and whether there may be more.
struct Step {
    last: i64,
    more: bool,
}

/// The next few rows that `sql` reads, up to the first that is young: numbers ascend with time. A row of a time that is yet to come,
/// from when the clock was ahead, says nothing about those after it.
fn step(writing: &Writing<'_>, sql: &str, after: i64, now_ms: i64) -> Result<Step> {
    let young = now_ms - KEPT_MILLISECONDS + 1..=now_ms;
    let rows: Vec<(i64, i64)> =
        writing.all("looking for what is too old", sql, [after, STEP], |row| {
            Ok((row.get("id")?, row.get("created_at")?))
        })?;
    let (mut last, mut seen) = (after, 0);
    for (id, created_at) in rows {
        if young.contains(&created_at) {
            return Ok(Step { last, more: false });
        }
        last = id;
        seen += 1;
    }
    Ok(Step {
        last,
        more: seen == STEP,
    })
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// Forgets some of the history before `day` (days since 1970-01-01), and the names of what went before it and of
/// which nothing is told any more; answers whether there may be more.
pub fn prune_history(writing: &Writing<'_>, day: i64) -> Result<bool> {
    const DOING: &str = "forgetting the history of use";
    let used = writing.change(
        DOING,
        "DELETE FROM usage_days WHERE (day, user_id, access_profile_id, provider, model) IN (
         SELECT day, user_id, access_profile_id, provider, model FROM usage_days WHERE day < ?1 LIMIT ?2)",
        [day, STEP],
    )?;
    let refused = writing.change(
        DOING,
        "DELETE FROM refusal_days WHERE (day, user_id, access_profile_id, provider, model, reason) IN (
         SELECT day, user_id, access_profile_id, provider, model, reason FROM refusal_days WHERE day < ?1 LIMIT ?2)",
        [day, STEP],
    )?;
    // A day in some time zone begins up to a day before that of UTC.
    let left = writing.change(
        DOING,
        "DELETE FROM gone_names WHERE (kind, id) IN (
         SELECT kind, id FROM gone_names g WHERE gone_at < ?1 AND (kind <> 'user'
             OR NOT EXISTS (SELECT 1 FROM usage_days u WHERE u.user_id = g.id)
                 AND NOT EXISTS (SELECT 1 FROM refusal_days r WHERE r.user_id = g.id)) LIMIT ?2)",
        [(day - 1) * DAY, STEP],
    )?;
    Ok(used.max(refused).max(left) > 0)
}
