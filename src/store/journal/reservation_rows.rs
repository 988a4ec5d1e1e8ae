//! Noting reservations: several rows by one statement, since opening the table for each costs almost as much as the row.

use std::sync::LazyLock;

use rusqlite::{Statement, ToSql};

use super::{ReservationRow, ReservationState};
use crate::error::Result;
use crate::store::Writing;
use crate::store::fault::Doing;

/// How many rows a statement takes; the most come first.
const SIZES: [usize; 3] = [16, 4, 1];

/// The statement for each of [`SIZES`].
static STATEMENTS: LazyLock<[String; 3]> = LazyLock::new(|| SIZES.map(statement_for));

/// The columns of a row.
const COLUMNS: [&str; 27] = [
    "id",
    "nonce",
    "state",
    "virtual_key_id",
    "user_id",
    "user_access_profile_id",
    "access_profile_id",
    "provider",
    "model",
    "mcp_server",
    "mcp_tool",
    "estimated_tokens",
    "estimated_cost",
    "held_tokens",
    "held_cost",
    "request_id",
    "created_at",
    "expires_at",
    "requests",
    "max_hold",
    "expired_number",
    "expired_tokens",
    "expired_cost",
    "settled_number",
    "tokens",
    "cost",
    "finished_at",
];

fn statement_for(rows: usize) -> String {
    let row = format!("({})", vec!["?"; COLUMNS.len()].join(", "));
    format!(
        "INSERT INTO reservations ({}) VALUES {}",
        COLUMNS.join(", "),
        vec![row; rows].join(", ")
    )
}

/// Notes reservations that were made.
///
/// # Errors
/// When the database can't be written.
pub(super) fn insert(writing: &Writing<'_>, mut rows: &[&ReservationRow]) -> Result<()> {
    for (size, sql) in SIZES.iter().zip(&*STATEMENTS) {
        while let Some((now, later)) = rows.split_at_checked(*size) {
            let insert = || {
                let mut statement = writing.connection.prepare_cached(sql)?;
                for (position, row) in now.iter().enumerate() {
                    bind(&mut statement, position * COLUMNS.len(), row)?;
                }
                statement.raw_execute()
            };
            insert().doing("noting reservations")?;
            rows = later;
        }
    }
    Ok(())
}

/// Gives a statement the values of a row, in the order of [`COLUMNS`], after so many parameters.
fn bind(statement: &mut Statement<'_>, after: usize, row: &ReservationRow) -> rusqlite::Result<()> {
    let state = row.end.map_or(ReservationState::Open, |end| end.state);
    let expired = row.end.and_then(|end| end.expired);
    let settled = row.end.and_then(|end| end.settled);
    let values: [&dyn ToSql; COLUMNS.len()] = [
        &row.id,
        &row.nonce,
        &state.name(),
        &row.virtual_key_id,
        &row.user_id,
        &row.copy_id,
        &row.access_profile_id,
        &row.provider,
        &row.model,
        &row.mcp_server,
        &row.mcp_tool,
        &row.estimated_tokens,
        &row.estimated_cost,
        &row.held_tokens,
        &row.held_cost,
        &row.request_id,
        &row.created_at,
        &row.expires_at,
        &row.requests,
        &row.max_hold,
        &expired.map(|charge| charge.number),
        &expired.map_or(0, |charge| charge.tokens),
        &expired.map_or(0, |charge| charge.cost),
        &settled.map(|charge| charge.number),
        &settled.map(|charge| charge.tokens),
        &settled.map(|charge| charge.cost),
        &row.end.map(|end| end.finished_at),
    ];
    for (position, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(after + position + 1, value)?;
    }
    Ok(())
}
