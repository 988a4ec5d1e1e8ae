//! Reading reservations and answers back.

use rusqlite::{OptionalExtension, params};

use super::KEPT_MILLISECONDS;
use crate::domain::clock_high_water::HighWater;
use crate::domain::decision::{Party, RequestId};
use crate::domain::journal::{
    CallAnswer, Charge, ReservationEnd, ReservationRow, ReservationState,
};
use crate::error::{Error, Result};
use crate::store::Reading;
use crate::store::fault::Doing;

/// The answer that a request id got in the last 24 hours.
///
/// # Errors
/// When the database can't be read.
pub fn find_answer(
    reading: &Reading<'_>,
    virtual_key_id: i64,
    request_id: &str,
    now_ms: i64,
) -> Result<Option<CallAnswer>> {
    reading
        .connection
        .prepare_cached(
            "SELECT body_hash, answer, created_at FROM request_ids
             WHERE virtual_key_id = ?1 AND request_id = ?2 AND created_at > ?3",
        )
        .and_then(|mut statement| {
            let oldest = now_ms - KEPT_MILLISECONDS;
            statement
                .query_row(params![virtual_key_id, request_id, oldest], |row| {
                    Ok(CallAnswer {
                        virtual_key_id,
                        request: RequestId {
                            id: request_id.to_owned(),
                            body_hash: row.get(0)?,
                        },
                        answer: row.get(1)?,
                        created_at: row.get(2)?,
                    })
                })
                .optional()
        })
        .doing("looking for a request id")
}

/// The newest request ids that were answered, the newest first: the row, the key and the id.
///
/// # Errors
/// When the database can't be read.
pub fn for_each_request(
    reading: &Reading<'_>,
    most: usize,
    mut each: impl FnMut(i64, i64, &str),
) -> Result<()> {
    const DOING: &str = "reading request ids";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = reading
        .connection
        .prepare_cached(
            "SELECT id, virtual_key_id, request_id FROM request_ids ORDER BY id DESC LIMIT ?1",
        )
        .doing(DOING)?;
    let mut rows = statement.query(params![most]).doing(DOING)?;
    while let Some(row) = rows.next().doing(DOING)? {
        let id = row.get_ref(2).doing(DOING)?;
        each(
            row.get(0).doing(DOING)?,
            row.get(1).doing(DOING)?,
            id.as_str().unwrap_or_default(),
        );
    }
    Ok(())
}

/// The first and the last row of the request ids that were answered, if there are any.
///
/// # Errors
/// When the database can't be read.
pub fn find_request_rows(reading: &Reading<'_>) -> Result<Option<(i64, i64)>> {
    let rows: (Option<i64>, Option<i64>) = reading
        .connection
        .prepare_cached(
            "SELECT (SELECT min(id) FROM request_ids), (SELECT max(id) FROM request_ids)",
        )
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .doing("reading request ids")?;
    Ok(rows.0.zip(rows.1))
}

/// Who has seen which time of the clock, as it was last stored.
///
/// # Errors
/// When the database can't be read.
pub fn find_high_water(reading: &Reading<'_>) -> Result<HighWater> {
    let stored: Option<String> = reading
        .connection
        .prepare_cached("SELECT value FROM settings WHERE name = 'clock_peaks'")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing("reading the times of the clock")?;
    stored.map_or_else(
        || Ok(HighWater::default()),
        |text| {
            serde_json::from_str(&text)
                .map_err(|error| Error::internal("reading the times of the clock", error))
        },
    )
}

/// The columns of [`row`].
const COLUMNS: &str = "id, nonce, virtual_key_id, user_id, user_access_profile_id, access_profile_id, provider, model, mcp_server, \
     mcp_tool, estimated_tokens, estimated_cost, held_tokens, held_cost, request_id, created_at, expires_at, state, \
     expired_number, expired_tokens, expired_cost, settled_number, tokens, cost, finished_at, requests, max_hold, owner, \
     ended_by";

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(ReservationRow, String)> {
    let charge = |at: usize| -> rusqlite::Result<Option<Charge>> {
        let number: Option<i64> = row.get(at)?;
        number
            .map(|number| {
                Ok(Charge {
                    number,
                    tokens: row.get(at + 1)?,
                    cost: row.get(at + 2)?,
                })
            })
            .transpose()
    };
    let finished_at: Option<i64> = row.get(24)?;
    let (expired, settled) = (charge(18)?, charge(21)?);
    let ended_by = Party::of_stored(row.get(28)?);
    let found = ReservationRow {
        id: row.get(0)?,
        nonce: row.get(1)?,
        virtual_key_id: row.get(2)?,
        user_id: row.get(3)?,
        copy_id: row.get(4)?,
        access_profile_id: row.get(5)?,
        provider: row.get::<_, String>(6)?.into(),
        model: row.get::<_, String>(7)?.into(),
        mcp_server: row.get(8)?,
        mcp_tool: row.get(9)?,
        estimated_tokens: row.get(10)?,
        estimated_cost: row.get(11)?,
        held_tokens: row.get(12)?,
        held_cost: row.get(13)?,
        request_id: row.get(14)?,
        created_at: row.get(15)?,
        expires_at: row.get(16)?,
        end: finished_at.map(|finished_at| ReservationEnd {
            state: ReservationState::Expired,
            expired,
            settled,
            finished_at,
            by: ended_by,
        }),
        requests: row.get(25)?,
        max_hold: row.get(26)?,
        owner: Party::of_stored(row.get(27)?),
    };
    Ok((found, row.get(17)?))
}

fn with_state((mut row, state): (ReservationRow, String)) -> Result<ReservationRow> {
    let state = ReservationState::parse(&state)?;
    if let Some(end) = &mut row.end {
        end.state = state;
    }
    Ok(row)
}

/// A reservation by its number.
///
/// # Errors
/// When the database can't be read.
pub fn find(reading: &Reading<'_>, id: i64) -> Result<Option<ReservationRow>> {
    reading
        .connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM reservations WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row(params![id], row).optional())
        .doing("looking for a reservation")?
        .map(with_state)
        .transpose()
}

/// Reads every reservation that is open, or every one, the oldest first.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each(
    reading: &Reading<'_>,
    open_only: bool,
    mut each: impl FnMut(ReservationRow) -> Result<()>,
) -> Result<()> {
    let sql = if open_only {
        format!(
            "SELECT {COLUMNS} FROM reservations
             WHERE id >= (SELECT open_from FROM journal) AND state = 'open' ORDER BY id"
        )
    } else {
        format!("SELECT {COLUMNS} FROM reservations ORDER BY id")
    };
    let mut statement = reading
        .connection
        .prepare_cached(&sql)
        .doing("reading reservations")?;
    let rows = statement.query_map([], row).doing("reading reservations")?;
    for row in rows {
        each(with_state(row.doing("reading reservations")?)?)?;
    }
    Ok(())
}
