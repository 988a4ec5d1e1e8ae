//! Reading reservations and answers back.

use rusqlite::params;

use crate::domain::clock_high_water::HighWater;
use crate::domain::decision::{Party, RequestId};
use crate::domain::journal::{
    CallAnswer, Charge, ReservationEnd, ReservationRow, ReservationState,
};
use crate::error::Result;
use crate::store::fault::Doing;
use crate::store::sql::{Columns, Reading};

/// How long what is over is kept, in milliseconds.
pub const KEPT_MILLISECONDS: i64 = 24 * 3_600 * 1_000;

/// The answer that a request id got in the last 24 hours.
pub fn find_answer(
    reading: &Reading<'_>,
    virtual_key_id: i64,
    request_id: &str,
    now_ms: i64,
) -> Result<Option<CallAnswer>> {
    reading
        .find(
            "SELECT body_hash, answer, created_at FROM request_ids
             WHERE virtual_key_id = ?1 AND request_id = ?2 AND created_at > ?3",
            params![virtual_key_id, request_id, now_ms - KEPT_MILLISECONDS],
            |row| {
                Ok(CallAnswer {
                    virtual_key_id,
                    request: RequestId {
                        id: request_id.to_owned(),
                        body_hash: row.get("body_hash")?,
                    },
                    answer: row.get("answer")?,
                    created_at: row.get("created_at")?,
                })
            },
        )
        .doing("looking for a request id")
}

/// The newest request ids that were answered, the newest first: the row, the key and the id.
pub fn for_each_request(
    reading: &Reading<'_>,
    most: usize,
    mut each: impl FnMut(i64, i64, &str),
) -> Result<()> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let sql = "SELECT id, virtual_key_id, request_id FROM request_ids ORDER BY id DESC LIMIT ?1";
    reading.each("reading request ids", sql, [most], |row| {
        let request_id: String = row.get("request_id")?;
        each(row.get("id")?, row.get("virtual_key_id")?, &request_id);
        Ok(Ok(()))
    })
}

/// The first and the last row of the request ids that were answered, if there are any.
pub fn find_request_rows(reading: &Reading<'_>) -> Result<Option<(i64, i64)>> {
    let rows: (Option<i64>, Option<i64>) = reading
        .one(
            "SELECT (SELECT min(id) FROM request_ids) AS first, (SELECT max(id) FROM request_ids) AS last",
            [],
            |row| Ok((row.get("first")?, row.get("last")?)),
        )
        .doing("reading request ids")?;
    Ok(rows.0.zip(rows.1))
}

/// Who has seen which time of the clock, as it was last stored.
pub fn find_high_water(reading: &Reading<'_>) -> Result<HighWater> {
    let sql = "SELECT value FROM settings WHERE name = 'clock_peaks'";
    let stored = reading.find(sql, [], |row| row.json("value"));
    let stored = stored.doing("reading the times of the clock")?;
    Ok(stored.unwrap_or_default())
}

/// The columns of [`row`].
const COLUMNS: &str = "id, nonce, virtual_key_id, user_id, user_access_profile_id, access_profile_id, provider, model, mcp_server, \
     mcp_tool, estimated_tokens, estimated_cost, held_tokens, held_cost, request_id, created_at, expires_at, requests, \
     max_hold, owner, finished_at, state, expired_number, expired_tokens, expired_cost, settled_number, tokens, cost, ended_by";

fn row(row: &Columns<'_>) -> rusqlite::Result<ReservationRow> {
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
    let mut found = ReservationRow {
        id: row.get("id")?,
        nonce: row.get("nonce")?,
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
            state: row.read("state", |state: String| ReservationState::parse(&state))?,
            expired: charge(["expired_number", "expired_tokens", "expired_cost"])?,
            settled: charge(["settled_number", "tokens", "cost"])?,
            finished_at,
            by: Party::of_stored(row.get("ended_by")?),
        });
    }
    Ok(found)
}

/// A reservation by its number.
pub fn find(reading: &Reading<'_>, id: i64) -> Result<Option<ReservationRow>> {
    let sql = format!("SELECT {COLUMNS} FROM reservations WHERE id = ?1");
    reading
        .find(&sql, [id], row)
        .doing("looking for a reservation")
}

/// Reads every reservation that is open, or every one, the oldest first.
///
/// # Errors
/// What `each` answers.
pub fn for_each(
    reading: &Reading<'_>,
    open_only: bool,
    mut each: impl FnMut(ReservationRow) -> Result<()>,
) -> Result<()> {
    let which = if open_only {
        "WHERE id >= (SELECT open_from FROM journal) AND state = 'open'"
    } else {
        ""
    };
    let sql = format!("SELECT {COLUMNS} FROM reservations {which} ORDER BY id");
    reading.each("reading reservations", &sql, [], |found| {
        row(found).map(&mut each)
    })
}
