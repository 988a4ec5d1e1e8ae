//! Overrides of budgets.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::fault::Doing;
use super::user_access_profiles::id_list;
use super::{Reading, Writing};
use crate::domain::budget_override::BudgetOverride;
use crate::domain::money::Money;
use crate::error::Result;

/// Stores an override in place of the one before, if there was one.
///
/// # Errors
/// When the database can't be written.
pub fn put(
    writing: &Writing<'_>,
    copy_id: i64,
    over: &BudgetOverride,
    now: Timestamp,
) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO budget_overrides (user_access_profile_id, place_id, amount, cycles, anchor_at, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                copy_id,
                over.place_id,
                over.amount.nanodollars(),
                over.cycles,
                over.anchor_at,
                now.as_millisecond(),
            ])
        })
        .doing("storing an override")?;
    Ok(())
}

/// Removes an override; answers whether there was one.
///
/// # Errors
/// When the database can't be written.
pub fn delete(writing: &Writing<'_>, copy_id: i64, place_id: i64) -> Result<bool> {
    let deleted = writing
        .connection
        .prepare_cached(
            "DELETE FROM budget_overrides WHERE user_access_profile_id = ?1 AND place_id = ?2",
        )
        .and_then(|mut statement| statement.execute(params![copy_id, place_id]))
        .doing("removing an override")?;
    Ok(deleted > 0)
}

/// When the window began, and when it ends, that a limit of a copy counted in when it was last used; none if it never was.
///
/// # Errors
/// When the database can't be read.
pub fn find_window(
    reading: &Reading<'_>,
    copy_id: i64,
    place_id: i64,
) -> Result<Option<(i64, i64)>> {
    reading
        .connection
        .prepare_cached(
            "SELECT window_starts_at, window_resets_at FROM counters
             WHERE user_access_profile_id = ?1 AND place_id = ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![copy_id, place_id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing("reading the window of a limit")
}

/// The overrides of a copy.
///
/// # Errors
/// When the database can't be read.
pub fn list_of_copy(reading: &Reading<'_>, copy_id: i64) -> Result<Vec<BudgetOverride>> {
    let all = list_of_copies(reading, &[copy_id])?;
    Ok(all.into_iter().map(|(_, over)| over).collect())
}

/// The overrides of some copies, each with its copy.
///
/// # Errors
/// When the database can't be read.
pub fn list_of_copies(
    reading: &Reading<'_>,
    copy_ids: &[i64],
) -> Result<Vec<(i64, BudgetOverride)>> {
    reading
        .connection
        .prepare_cached(
            "SELECT user_access_profile_id, place_id, amount, cycles, anchor_at FROM budget_overrides
             WHERE user_access_profile_id IN (SELECT value FROM json_each(?1)) ORDER BY user_access_profile_id, place_id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![id_list(copy_ids)], |row| {
                    let over = BudgetOverride {
                        place_id: row.get(1)?,
                        amount: Money::nearest(row.get(2)?),
                        cycles: row.get(3)?,
                        anchor_at: row.get(4)?,
                    };
                    Ok((row.get(0)?, over))
                })?
                .collect()
        })
        .doing("listing overrides")
}
