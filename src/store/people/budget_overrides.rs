//! Overrides of budgets.

use rusqlite::params;

use crate::domain::event::Event;
use crate::domain::limits::budget_override::{BudgetOverride, BudgetPlace};
use crate::error::Result;
use crate::store::sql::{Columns, Reading, id_list};
use crate::store::unit_of_work::WorkInTurn;

/// Stores an override in place of the one before, if there was one.
pub fn put(
    work: &mut WorkInTurn<'_>,
    copy_id: i64,
    place: BudgetPlace,
    before: Option<BudgetOverride>,
    after: BudgetOverride,
) -> Result<()> {
    work.run(
        "storing an override",
        "INSERT OR REPLACE INTO budget_overrides (user_access_profile_id, place_id, amount, cycles, anchor_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            copy_id,
            after.place_id,
            after.amount.nanodollars(),
            after.cycles,
            after.anchor_at,
            work.now().as_millisecond(),
        ],
    )?;
    work.record(Event::OverrideSet {
        place,
        before,
        after,
    });
    Ok(())
}

/// Removes an override, if there is one.
pub fn delete(
    work: &mut WorkInTurn<'_>,
    copy_id: i64,
    place: BudgetPlace,
    place_id: i64,
    before: Option<BudgetOverride>,
) -> Result<()> {
    let deleted = work.change(
        "removing an override",
        "DELETE FROM budget_overrides WHERE user_access_profile_id = ?1 AND place_id = ?2",
        [copy_id, place_id],
    )?;
    if deleted > 0 {
        work.record(Event::OverrideRemoved { place, before });
    }
    Ok(())
}

/// When the window began, and when it ends, that a limit of a copy counted in when it was last used; none if it never was.
pub fn find_window(
    reading: &Reading<'_>,
    copy_id: i64,
    place_id: i64,
) -> Result<Option<(i64, i64)>> {
    reading.find(
        "reading the window of a limit",
        "SELECT window_starts_at, window_resets_at FROM counters
         WHERE user_access_profile_id = ?1 AND place_id = ?2",
        [copy_id, place_id],
        |row| Ok((row.get("window_starts_at")?, row.get("window_resets_at")?)),
    )
}

/// The overrides of a copy.
pub fn list_of_copy(reading: &Reading<'_>, copy_id: i64) -> Result<Vec<BudgetOverride>> {
    let all = list_of_copies(reading, &[copy_id])?;
    Ok(all.into_iter().map(|(_, over)| over).collect())
}

/// The overrides of some copies, each with its copy.
pub fn list_of_copies(
    reading: &Reading<'_>,
    copy_ids: &[i64],
) -> Result<Vec<(i64, BudgetOverride)>> {
    reading.all(
        "listing overrides",
        "SELECT user_access_profile_id, place_id, amount, cycles, anchor_at FROM budget_overrides
         WHERE user_access_profile_id IN (SELECT value FROM json_each(?1)) ORDER BY user_access_profile_id, place_id",
        [id_list(copy_ids)],
        |row| {
            Ok((row.get("user_access_profile_id")?, read(row)?))
        },
    )
}

/// An override of a row that has its columns.
pub(in crate::store) fn read(row: &Columns<'_>) -> rusqlite::Result<BudgetOverride> {
    Ok(BudgetOverride {
        place_id: row.get("place_id")?,
        amount: row.get("amount")?,
        cycles: row.get("cycles")?,
        anchor_at: row.get("anchor_at")?,
    })
}
