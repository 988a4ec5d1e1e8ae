//! The rows of reservations: their columns, how they are written, and how they are read.

use std::sync::LazyLock;

use super::many_rows::{ManyRows, Values};
use crate::domain::decision::Party;
use crate::domain::decision::journal::{Charge, ReservationEnd, ReservationRow, ReservationState};
use crate::error::Result;
use crate::store::sql::{Columns, Writing};

/// The columns of a reservation, however it stands.
const COLUMNS: &str = "id, nonce, state, virtual_key_id, user_id, user_access_profile_id, access_profile_id, provider, \
     model, mcp_server, mcp_tool, estimated_tokens, estimated_cost, held_tokens, held_cost, request_id, \
     created_at, expires_at, requests, max_hold, owner";

/// What is known besides of one that is over.
const END_COLUMNS: &str = "finished_at, expired_number, expired_tokens, expired_cost, settled_number, tokens, cost, ended_by";

static INSERT_OPEN: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::of("INSERT INTO reservations", COLUMNS, ""));
static INSERT: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::of("INSERT INTO reservations", &all_columns(), ""));
/// Selects all columns.
pub(super) static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM reservations", all_columns()));

fn all_columns() -> String {
    format!("{COLUMNS}, {END_COLUMNS}")
}

/// Notes reservations that were made.
pub(super) fn insert(writing: &Writing<'_>, rows: &[&ReservationRow]) -> Result<()> {
    const DOING: &str = "noting reservations";
    let all_open = rows.iter().all(|row| row.end.is_none());
    if all_open {
        INSERT_OPEN.write(DOING, writing, rows, |row, values| bind(row, values))
    } else {
        INSERT.write(DOING, writing, rows, |row, values| {
            bind(row, values)?;
            bind_end(row, values)
        })
    }
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
    values.add(row.end.map(|end| end.finished_at))?;
    values.add(expired.map(|charge| charge.number))?;
    values.add(expired.map_or(0, |charge| charge.tokens))?;
    values.add(expired.map_or(0, |charge| charge.cost))?;
    values.add(settled.map(|charge| charge.number))?;
    values.add(settled.map(|charge| charge.tokens))?;
    values.add(settled.map(|charge| charge.cost))?;
    values.add(row.end.and_then(|end| end.by.stored()))
}

/// The reservation of a row with all columns.
pub(super) fn read(row: &Columns<'_>) -> rusqlite::Result<ReservationRow> {
    let charge = |[number, tokens, cost]: [&str; 3]| -> rusqlite::Result<Option<Charge>> {
        let number: Option<i64> = row.get(number)?;
        let charge = |number| {
            Ok(Charge {
                number,
                tokens: row.get(tokens)?,
                cost: row.get(cost)?,
            })
        };
        number.map(charge).transpose()
    };
    let (id, nonce) = (row.get("id")?, row.get("nonce")?);
    let state = row.read("state", |state: String| ReservationState::parse(&state))?;
    let mut found = ReservationRow {
        id,
        nonce,
        virtual_key_id: row.get("virtual_key_id")?,
        user_id: row.get("user_id")?,
        copy_id: row.get("user_access_profile_id")?,
        access_profile_id: row.get("access_profile_id")?,
        provider: row.get::<String>("provider")?.into(),
        model: row.get::<String>("model")?.into(),
        mcp_server: row.get("mcp_server")?,
        mcp_tool: row.get("mcp_tool")?,
        estimated_tokens: row.get("estimated_tokens")?,
        estimated_cost: row.get("estimated_cost")?,
        held_tokens: row.get("held_tokens")?,
        held_cost: row.get("held_cost")?,
        request_id: row.get("request_id")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        end: None,
        requests: row.get("requests")?,
        max_hold: row.get("max_hold")?,
        owner: Party::of_stored(row.get("owner")?),
    };
    let finished_at: Option<i64> = row.get("finished_at")?;
    if let Some(finished_at) = finished_at {
        found.end = Some(ReservationEnd {
            state,
            expired: charge(["expired_number", "expired_tokens", "expired_cost"])?,
            settled: charge(["settled_number", "tokens", "cost"])?,
            finished_at,
            by: Party::of_stored(row.get("ended_by")?),
        });
    }
    Ok(found)
}
