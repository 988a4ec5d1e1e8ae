//! The answers of requests that carried an idempotency key, stored in the transaction of their effect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Params, params};

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::error::{Error, Result};

/// How long a key is remembered, in milliseconds.
pub const KEPT_MILLISECONDS: i64 = 24 * 3_600 * 1_000;
/// Most answers that are kept for one caller.
const MAX_ANSWERS: i64 = 10_000;
/// Most bytes of their bodies; the last one may go past that.
const MAX_BYTES: i64 = 64 * 1024 * 1024;
/// Rows removed in one step, so that no write waits long for it.
const STEP: i64 = 500;

/// The hash of the request that used this key before, and its answer.
///
/// # Errors
/// When the database can't be read.
pub fn find(
    reading: &Reading<'_>,
    once: &Once,
    now: Timestamp,
) -> Result<Option<([u8; 32], StoredAnswer)>> {
    reading
        .connection
        .prepare_cached(
            "SELECT request_hash, status, location, etag, body FROM idempotency_keys
             WHERE owner = ?1 AND route = ?2 AND idempotency_key = ?3 AND created_at > ?4",
        )
        .and_then(|mut statement| {
            let oldest = now.as_millisecond() - KEPT_MILLISECONDS;
            statement
                .query_row(params![once.owner, once.route, once.key, oldest], |row| {
                    let answer = StoredAnswer {
                        status: row.get(1)?,
                        location: row.get(2)?,
                        etag: row.get(3)?,
                        body: row.get(4)?,
                    };
                    Ok((row.get(0)?, answer))
                })
                .optional()
        })
        .doing("looking for an idempotency key")
}

/// Whether one more answer may be kept for a caller.
///
/// # Errors
/// When the database can't be read.
pub fn has_room(reading: &Reading<'_>, owner: &str) -> Result<bool> {
    let kept: Option<(i64, i64)> = reading
        .connection
        .prepare_cached("SELECT answers, bytes FROM idempotency_callers WHERE owner = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([owner], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("looking for an idempotency key")?;
    Ok(kept.is_none_or(|(answers, bytes)| answers < MAX_ANSWERS && bytes < MAX_BYTES))
}

/// Makes sure that one more answer may be kept for a caller, before anything is done that it would tell of. What is a day old makes room,
/// and nothing else.
///
/// # Errors
/// [`Error::TooMany`]; when the database can't be written.
pub fn make_room(writing: &Writing<'_>, owner: &str, now: Timestamp) -> Result<()> {
    full_until(writing, owner, now)?.map_or(Ok(()), |until| Err(too_many(until, now)))
}

/// Makes room for one more answer by what is a day old; where that is not enough, answers when the oldest makes room, in Unix
/// milliseconds.
///
/// # Errors
/// When the database can't be written.
pub fn full_until(writing: &Writing<'_>, owner: &str, now: Timestamp) -> Result<Option<i64>> {
    if has_room(writing, owner)? {
        return Ok(None);
    }
    forget(
        writing,
        "DELETE FROM idempotency_keys WHERE owner = ?1 AND created_at <= ?2
         RETURNING owner, octet_length(body)",
        params![owner, now.as_millisecond() - KEPT_MILLISECONDS],
    )?;
    if has_room(writing, owner)? {
        return Ok(None);
    }
    let oldest: i64 = writing
        .connection
        .prepare_cached("SELECT min(created_at) FROM idempotency_keys WHERE owner = ?1")
        .and_then(|mut statement| statement.query_row([owner], |row| row.get(0)))
        .doing("looking for an idempotency key")?;
    Ok(Some(oldest + KEPT_MILLISECONDS))
}

/// The refusal of what would need one more answer than may be kept until then.
pub fn too_many(until: i64, now: Timestamp) -> Error {
    let wait = (until - now.as_millisecond())
        .max(1)
        .unsigned_abs()
        .div_ceil(1_000);
    Error::TooMany {
        code: "too_many_idempotency_keys",
        message: format!(
            "Idempotency-Key: as many answers as may be are kept for this key ({MAX_ANSWERS}, or {} MiB), each for 24 hours; the oldest \
             makes room in {wait} s. Nothing was done; without the header it would be",
            MAX_BYTES / 1024 / 1024
        ),
        retry_after_seconds: wait,
    }
}

/// Adds to what is kept for a caller.
fn count(writing: &Writing<'_>, owner: &str, answers: i64, bytes: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached(if answers > 0 {
            "INSERT INTO idempotency_callers (owner, answers, bytes) VALUES (?1, ?2, ?3)
             ON CONFLICT (owner) DO UPDATE SET answers = answers + ?2, bytes = bytes + ?3"
        } else {
            "UPDATE idempotency_callers SET answers = answers + ?2, bytes = bytes + ?3 WHERE owner = ?1"
        })
        .and_then(|mut statement| statement.execute(params![owner, answers, bytes]))
        .doing("counting idempotency keys")?;
    Ok(())
}

/// Deletes by a statement that answers whose each was and how long its body; answers how many they were.
fn forget(writing: &Writing<'_>, sql: &str, values: impl Params) -> Result<usize> {
    let mut gone: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    writing
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let mut rows = statement.query(values)?;
            while let Some(row) = rows.next()? {
                let (answers, bytes) = gone.entry(row.get(0)?).or_default();
                *answers += 1;
                *bytes += row.get::<_, i64>(1)?;
            }
            Ok(())
        })
        .doing("forgetting idempotency keys")?;
    let mut forgotten = 0;
    for (owner, (answers, bytes)) in &gone {
        forgotten += usize::try_from(*answers).unwrap_or_default();
        writing
            .connection
            .prepare_cached("DELETE FROM idempotency_callers WHERE owner = ?1 AND answers <= ?2")
            .and_then(|mut statement| statement.execute(params![owner, answers]))
            .doing("counting idempotency keys")?;
        count(writing, owner, -answers, -bytes)?;
    }
    Ok(forgotten)
}

/// Remembers the answer to a request.
///
/// # Errors
/// When the database can't be written.
pub fn insert(
    writing: &Writing<'_>,
    once: &Once,
    answer: &StoredAnswer,
    now: Timestamp,
) -> Result<()> {
    // One that is too old and not forgotten yet.
    forget(
        writing,
        "DELETE FROM idempotency_keys WHERE owner = ?1 AND route = ?2 AND idempotency_key = ?3
         RETURNING owner, octet_length(body)",
        params![once.owner, once.route, once.key],
    )?;
    let bytes = i64::try_from(answer.body.len()).unwrap_or(i64::MAX);
    count(writing, &once.owner, 1, bytes)?;
    writing
        .connection
        .prepare_cached(
            "INSERT INTO idempotency_keys
                 (owner, route, idempotency_key, request_hash, status, location, etag, body, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                once.owner,
                once.route,
                once.key,
                once.request_hash,
                answer.status,
                answer.location,
                answer.etag,
                answer.body,
                now.as_millisecond(),
            ])
        })
        .doing("storing an idempotency key")?;
    Ok(())
}

/// Forgets some of the keys that are too old; answers how many.
///
/// # Errors
/// When the database can't be written.
pub fn prune(writing: &Writing<'_>, now: Timestamp) -> Result<usize> {
    forget(
        writing,
        "DELETE FROM idempotency_keys WHERE rowid IN (
             SELECT rowid FROM idempotency_keys WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)
         RETURNING owner, octet_length(body)",
        params![now.as_millisecond() - KEPT_MILLISECONDS, STEP],
    )
}
