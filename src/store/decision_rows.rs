//! What decisions depend on, as it is stored: keys, copies, overrides, counters and tool groups, of one user or of all.

use rusqlite::Params;

use super::people::budget_overrides;
use super::sql::{Columns, Reading, Writing, id_list, one_or_all};
use crate::domain::credential::ID_LENGTH;
use crate::domain::decision::journal::{ClosedCounter, CounterRow};
use crate::domain::limits::budget_override::BudgetOverride;
use crate::error::Result;

/// A virtual key.
pub struct KeyRow {
    /// Its number.
    pub id: i64,
    /// Its public id.
    pub public_id: [u8; ID_LENGTH],
    /// Whose it is.
    pub user_id: i64,
    /// When it expires.
    pub expires_at: Option<i64>,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
}

/// A copy of a profile.
pub struct CopyRow {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The profile.
    pub access_profile_id: i64,
    /// What it allows.
    pub policy_id: i64,
    /// The version of the profile that it follows.
    pub template_version: i64,
    /// When it was made.
    pub created_at: i64,
    /// When it expires.
    pub expires_at: Option<i64>,
}

/// Whether there is such a user.
pub fn is_user(reading: &Reading<'_>, id: i64) -> Result<bool> {
    reading.value(
        "looking for a user",
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1)",
        [id],
    )
}

/// How many virtual keys and users there are.
pub fn sizes(reading: &Reading<'_>) -> Result<(usize, usize)> {
    let total = |table| {
        let total = reading.row_count(table)?;
        Ok(usize::try_from(total).unwrap_or(0))
    };
    Ok((total("virtual_keys")?, total("users")?))
}

fn each_row<T>(
    reading: &Reading<'_>,
    sql: &str,
    values: impl Params,
    read: impl Fn(&Columns<'_>) -> rusqlite::Result<T>,
    mut each: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    reading.each(DOING, sql, values, |row| read(row).map(&mut each))
}

const DOING: &str = "reading what decisions depend on";

/// Reads the keys of a user, or all.
pub fn for_each_key(
    reading: &Reading<'_>,
    user_id: Option<i64>,
    each: impl FnMut(KeyRow) -> Result<()>,
) -> Result<()> {
    let which = one_or_all("user_id", user_id);
    let sql = format!(
        "SELECT id, public_id, user_id, expires_at, secret_hash FROM virtual_keys WHERE {which}"
    );
    let read = |row: &Columns<'_>| {
        Ok(KeyRow {
            id: row.get("id")?,
            public_id: row.public_id("public_id")?,
            user_id: row.get("user_id")?,
            expires_at: row.get("expires_at")?,
            secret_hash: row.get("secret_hash")?,
        })
    };
    each_row(reading, &sql, [user_id], read, each)
}

/// Reads the copies of a user, or all, in the order of assignment.
pub fn for_each_copy(
    reading: &Reading<'_>,
    user_id: Option<i64>,
    each: impl FnMut(CopyRow) -> Result<()>,
) -> Result<()> {
    let which = one_or_all("user_id", user_id);
    let sql = format!(
        "SELECT id, user_id, access_profile_id, policy_id, template_version, created_at, expires_at FROM user_access_profiles
         WHERE {which} ORDER BY id"
    );
    let read = |row: &Columns<'_>| {
        Ok(CopyRow {
            id: row.get("id")?,
            user_id: row.get("user_id")?,
            access_profile_id: row.get("access_profile_id")?,
            policy_id: row.get("policy_id")?,
            template_version: row.get("template_version")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    };
    each_row(reading, &sql, [user_id], read, each)
}

/// Reads the rows of all counters, each with the user. What the tail of the journal says of them is newer.
pub fn for_each_counter(
    reading: &Reading<'_>,
    each: impl FnMut((i64, CounterRow)) -> Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT c.user_id, {COUNTER} FROM counters k CROSS JOIN user_access_profiles c ON c.id = k.user_access_profile_id"
    );
    let read = |row: &Columns<'_>| Ok((row.get("user_id")?, counter(row)?));
    each_row(reading, &sql, [], read, each)
}

/// Reads the counters of some copies, each with when the copy was given, in milliseconds since 1970.
pub fn for_each_counter_of(
    reading: &Reading<'_>,
    copy_ids: &[i64],
    each: impl FnMut((i64, CounterRow)) -> Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT c.created_at, {COUNTER} FROM json_each(?1) wanted CROSS JOIN counters k ON k.user_access_profile_id = wanted.value
         CROSS JOIN user_access_profiles c ON c.id = k.user_access_profile_id"
    );
    let read = |row: &Columns<'_>| Ok((row.get("created_at")?, counter(row)?));
    each_row(reading, &sql, [id_list(copy_ids)], read, each)
}

/// The columns of [`counter`], of the table under the name `k`.
const COUNTER: &str = "k.user_access_profile_id, k.place_id, k.settled, k.window_starts_at, k.window_resets_at, k.window_rule, k.let_in_from, k.counted_from";

fn counter(row: &Columns<'_>) -> rusqlite::Result<CounterRow> {
    Ok(CounterRow {
        copy_id: row.get("user_access_profile_id")?,
        place_id: row.get("place_id")?,
        settled: row.get("settled")?,
        starts_at: row.get("window_starts_at")?,
        resets_at: row.get("window_resets_at")?,
        window_rule: row.get("window_rule")?,
        let_in_from: row.get("let_in_from")?,
        counted_from: row.get("counted_from")?,
    })
}

/// Reads the closed counters of which reservations are open, each with the user.
pub fn for_each_closed_counter(
    reading: &Reading<'_>,
    each: impl FnMut((i64, ClosedCounter)) -> Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT c.user_id, {COUNTER}, k.let_in_until FROM closed_counters k
         CROSS JOIN user_access_profiles c ON c.id = k.user_access_profile_id"
    );
    let read = |row: &Columns<'_>| {
        let closed = ClosedCounter {
            row: counter(row)?,
            until: row.get("let_in_until")?,
        };
        Ok((row.get("user_id")?, closed))
    };
    each_row(reading, &sql, [], read, each)
}

/// Removes a counter: it starts at zero.
pub fn delete_counter(writing: &Writing<'_>, copy_id: i64, place_id: i64) -> Result<()> {
    writing.run(
        "removing a counter",
        "DELETE FROM counters WHERE user_access_profile_id = ?1 AND place_id = ?2",
        [copy_id, place_id],
    )
}

/// Reads the overrides of a copy, or all, each with user and copy.
pub fn for_each_override(
    reading: &Reading<'_>,
    copy_id: Option<i64>,
    each: impl FnMut((i64, i64, BudgetOverride)) -> Result<()>,
) -> Result<()> {
    let which = one_or_all("o.user_access_profile_id", copy_id);
    let sql = format!(
        "SELECT c.user_id, o.user_access_profile_id, o.place_id, o.amount, o.cycles, o.anchor_at
         FROM budget_overrides o CROSS JOIN user_access_profiles c ON c.id = o.user_access_profile_id WHERE {which}"
    );
    let read = |row: &Columns<'_>| {
        let (user_id, copy_id) = (row.get("user_id")?, row.get("user_access_profile_id")?);
        Ok((user_id, copy_id, budget_overrides::read(row)?))
    };
    each_row(reading, &sql, [copy_id], read, each)
}

/// Reads the tool groups: id, whether it is enabled, and its tools as JSON.
pub fn tool_groups(reading: &Reading<'_>) -> Result<Vec<(i64, bool, serde_json::Value)>> {
    reading.all(
        DOING,
        "SELECT id, enabled, tools FROM mcp_tool_groups",
        [],
        |row| Ok((row.get("id")?, row.get("enabled")?, row.json("tools")?)),
    )
}

/// The number of what happens next in the journal, and the latest time that the clock has shown.
pub fn position(reading: &Reading<'_>) -> Result<(i64, i64)> {
    reading.one(
        "reading the journal's position",
        "SELECT max(next_number, (SELECT coalesce(max(id), 0) + 1 FROM reservations)) AS next_number, seen_at FROM journal",
        [],
        |row| Ok((row.get("next_number")?, row.get("seen_at")?)),
    )
}
