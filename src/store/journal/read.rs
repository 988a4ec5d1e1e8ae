//! Reading reservations and answers back.

use rusqlite::params;

use super::reservation_rows;
use crate::domain::decision::RequestId;
use crate::domain::decision::journal::{CallAnswer, ReservationRow};
use crate::domain::limits::clock_high_water::HighWater;
use crate::error::Result;
use crate::store::sql::Reading;

/// How long what is over is kept, in milliseconds.
pub const KEPT_MILLISECONDS: i64 = 24 * 3_600 * 1_000;

/// The answer that a request id got in the last 24 hours.
pub fn find_answer(
    reading: &Reading<'_>,
    virtual_key_id: i64,
    request_id: &str,
    now_ms: i64,
) -> Result<Option<CallAnswer>> {
    reading.find(
        "looking for a request id",
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
    let rows: (Option<i64>, Option<i64>) = reading.one(
        "reading request ids",
        "SELECT (SELECT min(id) FROM request_ids) AS first, (SELECT max(id) FROM request_ids) AS last",
        [],
        |row| Ok((row.get("first")?, row.get("last")?)),
    )?;
    Ok(rows.0.zip(rows.1))
}

/// Who has seen which time of the clock, as it was last stored.
pub fn find_high_water(reading: &Reading<'_>) -> Result<HighWater> {
    let sql = "SELECT value FROM settings WHERE name = 'clock_peaks'";
    let stored = reading.find("reading the times of the clock", sql, [], |row| {
        row.json("value")
    });
    Ok(stored?.unwrap_or_default())
}

/// A reservation by its number.
pub fn find(reading: &Reading<'_>, id: i64) -> Result<Option<ReservationRow>> {
    let sql = format!("{} WHERE id = ?1", *reservation_rows::SELECT);
    reading.find(
        "looking for a reservation",
        &sql,
        [id],
        reservation_rows::read,
    )
}

/// Reads every reservation that is open, or every one, the oldest first.
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
    let sql = format!("{} {which} ORDER BY id", *reservation_rows::SELECT);
    reading.each("reading reservations", &sql, [], |row| {
        reservation_rows::read(row).map(&mut each)
    })
}
