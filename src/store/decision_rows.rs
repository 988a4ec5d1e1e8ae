//! What decisions depend on, as it is stored: keys, copies, overrides, counters and tool groups, of one user or of all.

use rusqlite::{Row, params};

use super::fault::Doing;
use super::user_access_profiles::id_list;
use super::{Reading, Writing};
use crate::domain::budget_override::BudgetOverride;
use crate::domain::credential::ID_LENGTH;
use crate::domain::journal::CounterRow;
use crate::domain::money::Money;
use crate::error::{Error, Result};

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
///
/// # Errors
/// When the database can't be read.
pub fn is_user(reading: &Reading<'_>, id: i64) -> Result<bool> {
    reading
        .connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1)")
        .and_then(|mut statement| statement.query_row(params![id], |row| row.get(0)))
        .doing("looking for a user")
}

/// How many virtual keys and users there are.
///
/// # Errors
/// When the database can't be read.
pub fn sizes(reading: &Reading<'_>) -> Result<(usize, usize)> {
    let total = |name: &str| -> Result<usize> {
        let total: i64 = reading
            .connection
            .query_row(
                "SELECT total FROM row_counts WHERE name = ?1",
                params![name],
                |row| row.get(0),
            )
            .doing("counting")?;
        Ok(usize::try_from(total).unwrap_or(0))
    };
    Ok((total("virtual_keys")?, total("users")?))
}

fn each_row<T>(
    reading: &Reading<'_>,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    mut each: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    const DOING: &str = "reading what decisions depend on";
    let mut statement = reading.connection.prepare_cached(sql).doing(DOING)?;
    let rows = statement.query_map(parameters, read).doing(DOING)?;
    for row in rows {
        each(row.doing(DOING)?)?;
    }
    Ok(())
}

/// Reads the keys of a user, or all.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_key(
    reading: &Reading<'_>,
    user_id: Option<i64>,
    each: impl FnMut(KeyRow) -> Result<()>,
) -> Result<()> {
    let read = |row: &Row<'_>| {
        Ok(KeyRow {
            id: row.get(0)?,
            public_id: row
                .get_ref(1)?
                .as_str()?
                .as_bytes()
                .try_into()
                .unwrap_or_default(),
            user_id: row.get(2)?,
            expires_at: row.get(3)?,
            secret_hash: row.get(4)?,
        })
    };
    match user_id {
        Some(user_id) => each_row(
            reading,
            "SELECT id, public_id, user_id, expires_at, secret_hash FROM virtual_keys
             WHERE user_id = ?1",
            params![user_id],
            read,
            each,
        ),
        None => each_row(
            reading,
            "SELECT id, public_id, user_id, expires_at, secret_hash FROM virtual_keys",
            [],
            read,
            each,
        ),
    }
}

/// Reads the copies of a user, or all, in the order of assignment.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_copy(
    reading: &Reading<'_>,
    user_id: Option<i64>,
    each: impl FnMut(CopyRow) -> Result<()>,
) -> Result<()> {
    match user_id {
        Some(user_id) => each_row(
            reading,
            "SELECT id, user_id, access_profile_id, policy_id, template_version, created_at, expires_at FROM user_access_profiles
             WHERE user_id = ?1 ORDER BY id",
            params![user_id],
            copy,
            each,
        ),
        None => each_row(
            reading,
            "SELECT id, user_id, access_profile_id, policy_id, template_version, created_at, expires_at FROM user_access_profiles
             ORDER BY id",
            [],
            copy,
            each,
        ),
    }
}

fn copy(row: &Row<'_>) -> rusqlite::Result<CopyRow> {
    Ok(CopyRow {
        id: row.get(0)?,
        user_id: row.get(1)?,
        access_profile_id: row.get(2)?,
        policy_id: row.get(3)?,
        template_version: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}

/// Reads the rows of all counters, each with the user. What the tail of the journal says of them is newer.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_counter(
    reading: &Reading<'_>,
    each: impl FnMut((i64, CounterRow)) -> Result<()>,
) -> Result<()> {
    each_row(
        reading,
        "SELECT c.user_id, k.user_access_profile_id, k.place_id, k.settled, k.window_starts_at, k.window_resets_at,
             k.window_rule, k.counted_from
         FROM counters k CROSS JOIN user_access_profiles c ON c.id = k.user_access_profile_id",
        [],
        counter,
        each,
    )
}

/// Reads the counters of some copies, each with when the copy was given, in milliseconds since 1970.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_counter_of(
    reading: &Reading<'_>,
    copy_ids: &[i64],
    each: impl FnMut((i64, CounterRow)) -> Result<()>,
) -> Result<()> {
    each_row(
        reading,
        "SELECT c.created_at, k.user_access_profile_id, k.place_id, k.settled, k.window_starts_at, k.window_resets_at,
             k.window_rule, k.counted_from
         FROM json_each(?1) wanted CROSS JOIN counters k ON k.user_access_profile_id = wanted.value
         CROSS JOIN user_access_profiles c ON c.id = k.user_access_profile_id",
        params![id_list(copy_ids)],
        counter,
        each,
    )
}

fn counter(row: &Row<'_>) -> rusqlite::Result<(i64, CounterRow)> {
    let counter = CounterRow {
        copy_id: row.get(1)?,
        place_id: row.get(2)?,
        settled: row.get(3)?,
        starts_at: row.get(4)?,
        resets_at: row.get(5)?,
        window_rule: row.get(6)?,
        counted_from: row.get(7)?,
    };
    Ok((row.get(0)?, counter))
}

/// Removes a counter: it starts at zero.
///
/// # Errors
/// When the database can't be written.
pub fn delete_counter(writing: &Writing<'_>, copy_id: i64, place_id: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached("DELETE FROM counters WHERE user_access_profile_id = ?1 AND place_id = ?2")
        .and_then(|mut statement| statement.execute(params![copy_id, place_id]))
        .doing("removing a counter")?;
    Ok(())
}

/// Reads the overrides of a copy, or all, each with user and copy.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_override(
    reading: &Reading<'_>,
    copy_id: Option<i64>,
    each: impl FnMut((i64, i64, BudgetOverride)) -> Result<()>,
) -> Result<()> {
    let read = |row: &Row<'_>| {
        let over = BudgetOverride {
            place_id: row.get(2)?,
            amount: Money::from_nanodollars(row.get(3)?).unwrap_or(Money::MAX),
            cycles: row.get(4)?,
            anchor_at: row.get(5)?,
        };
        Ok((row.get(0)?, row.get(1)?, over))
    };
    match copy_id {
        Some(copy_id) => each_row(
            reading,
            "SELECT c.user_id, o.user_access_profile_id, o.place_id, o.amount, o.cycles, o.anchor_at
             FROM budget_overrides o JOIN user_access_profiles c ON c.id = o.user_access_profile_id
             WHERE o.user_access_profile_id = ?1",
            params![copy_id],
            read,
            each,
        ),
        None => each_row(
            reading,
            "SELECT c.user_id, o.user_access_profile_id, o.place_id, o.amount, o.cycles, o.anchor_at
             FROM budget_overrides o CROSS JOIN user_access_profiles c ON c.id = o.user_access_profile_id",
            [],
            read,
            each,
        ),
    }
}

/// Reads the tool groups: id, whether it is enabled, and its tools as JSON.
///
/// # Errors
/// When the database can't be read.
pub fn tool_groups(reading: &Reading<'_>) -> Result<Vec<(i64, bool, serde_json::Value)>> {
    let mut found = Vec::new();
    each_row(
        reading,
        "SELECT id, enabled, tools FROM mcp_tool_groups",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)),
        |(id, enabled, tools)| {
            let tools = serde_json::from_str(&tools)
                .map_err(|error| Error::internal("reading a tool group", error))?;
            found.push((id, enabled, tools));
            Ok(())
        },
    )?;
    Ok(found)
}

/// The number of what happens next in the journal, and the latest time that the clock has shown.
///
/// # Errors
/// When the database can't be read.
pub fn position(reading: &Reading<'_>) -> Result<(i64, i64)> {
    reading
        .connection
        .query_row(
            "SELECT max(next_number, (SELECT coalesce(max(id), 0) + 1 FROM reservations)), seen_at FROM journal",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .doing("reading the journal's position")
}
