//! Noting reservations.

use std::sync::LazyLock;

use super::many_rows::{ManyRows, Values};
use crate::domain::journal::{ReservationRow, ReservationState};
use crate::error::Result;
use crate::store::fault::Doing;
use crate::store::sql::Writing;

/// The columns of a reservation, however it stands.
const COLUMNS: [&str; 21] = [
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
    "owner",
];

/// What is known besides of one that is over.
const END_COLUMNS: [&str; 8] = [
    "expired_number",
    "expired_tokens",
    "expired_cost",
    "settled_number",
    "tokens",
    "cost",
    "finished_at",
    "ended_by",
];

static INSERT_OPEN: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::of("INSERT INTO reservations", &COLUMNS, ""));
static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [&COLUMNS[..], &END_COLUMNS].concat();
    ManyRows::of("INSERT INTO reservations", &columns, "")
});

/// Notes reservations that were made.
pub(super) fn insert(writing: &Writing<'_>, rows: &[&ReservationRow]) -> Result<()> {
    let all_open = rows.iter().all(|row| row.end.is_none());
    let inserted = if all_open {
        INSERT_OPEN.write(writing, rows, |row, values| bind(row, values))
    } else {
        INSERT.write(writing, rows, |row, values| {
            bind(row, values)?;
            bind_end(row, values)
        })
    };
    inserted.doing("noting reservations")
}

/// The values of [`COLUMNS`].
fn bind(row: &ReservationRow, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
    let state = row.end.map_or(ReservationState::Open, |end| end.state);
    values.add(row.id)?;
    values.add(row.nonce)?;
    values.add(state.name())?;
    values.add(row.virtual_key_id)?;
    values.add(row.user_id)?;
    values.add(row.copy_id)?;
    values.add(row.access_profile_id)?;
    values.add(&row.provider)?;
    values.add(&row.model)?;
    values.add(&row.mcp_server)?;
    values.add(&row.mcp_tool)?;
    values.add(row.estimated_tokens)?;
    values.add(row.estimated_cost)?;
    values.add(row.held_tokens)?;
    values.add(row.held_cost)?;
    values.add(&row.request_id)?;
    values.add(row.created_at)?;
    values.add(row.expires_at)?;
    values.add(row.requests)?;
    values.add(row.max_hold)?;
    values.add(row.owner.stored())
}

/// The values of [`END_COLUMNS`].
fn bind_end(row: &ReservationRow, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
    let expired = row.end.and_then(|end| end.expired);
    let settled = row.end.and_then(|end| end.settled);
    values.add(expired.map(|charge| charge.number))?;
    values.add(expired.map_or(0, |charge| charge.tokens))?;
    values.add(expired.map_or(0, |charge| charge.cost))?;
    values.add(settled.map(|charge| charge.number))?;
    values.add(settled.map(|charge| charge.tokens))?;
    values.add(settled.map(|charge| charge.cost))?;
    values.add(row.end.map(|end| end.finished_at))?;
    values.add(row.end.and_then(|end| end.by.stored()))
}
