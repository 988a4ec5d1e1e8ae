//! The answers of requests that carried an idempotency key, stored in the transaction of their effect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Params, params};

use super::sql::Reading;
use super::unit_of_work::Work;
use crate::domain::idempotency::Once;
use crate::error::{Error, Result};

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Where the new thing is.
    pub location: Option<String>,
    /// Its validator.
    pub etag: Option<String>,
    /// The JSON body.
    pub body: String,
}

impl StoredAnswer {
    /// 200 with a body and nothing else.
    pub fn ok(body: String) -> Self {
        Self {
            status: 200,
            location: None,
            etag: None,
            body,
        }
    }

    /// The same with a value as JSON.
    ///
    /// # Errors
    /// [`Error::Internal`] when it can't be written as JSON.
    pub fn json(value: &impl serde::Serialize) -> Result<Self> {
        serde_json::to_string(value)
            .map(Self::ok)
            .map_err(|error| Error::internal("writing an answer", error))
    }
}

/// How long a key is remembered, in milliseconds.
pub const KEPT_MILLISECONDS: i64 = 24 * 3_600 * 1_000;
/// Most answers that are kept for one caller.
const MAX_ANSWERS: i64 = 10_000;
/// Most bytes of their bodies; the last one may go past that.
const MAX_BYTES: i64 = 64 * 1024 * 1024;
/// Rows removed in one step, so that no write waits long for it.
const STEP: i64 = 500;

/// The hash of the request that used this key before, and its answer.
pub fn find(
    reading: &Reading<'_>,
    once: &Once,
    now: Timestamp,
) -> Result<Option<([u8; 32], StoredAnswer)>> {
    let oldest = now.as_millisecond() - KEPT_MILLISECONDS;
    reading.find(
        "looking for an idempotency key",
        "SELECT request_hash, status, location, etag, body FROM idempotency_keys
         WHERE owner = ?1 AND route = ?2 AND idempotency_key = ?3 AND created_at > ?4",
        params![once.owner, once.route, once.key, oldest],
        |row| {
            let answer = StoredAnswer {
                status: row.get("status")?,
                location: row.get("location")?,
                etag: row.get("etag")?,
                body: row.get("body")?,
            };
            Ok((row.get("request_hash")?, answer))
        },
    )
}

/// Whether one more answer may be kept for a caller.
pub fn has_room(reading: &Reading<'_>, owner: &str) -> Result<bool> {
    let kept: Option<(i64, i64)> = reading.find(
        "looking for an idempotency key",
        "SELECT answers, bytes FROM idempotency_callers WHERE owner = ?1",
        [owner],
        |row| Ok((row.get("answers")?, row.get("bytes")?)),
    )?;
    Ok(kept.is_none_or(|(answers, bytes)| answers < MAX_ANSWERS && bytes < MAX_BYTES))
}

/// Makes sure that one more answer may be kept for a caller, before anything is done that it would tell of. What is a day old makes room,
/// and nothing else.
///
/// # Errors
/// [`Error::TooMany`].
pub fn make_room(work: &Work<'_>, owner: &str) -> Result<()> {
    let until = full_until(work, owner)?;
    until.map_or(Ok(()), |until| Err(too_many(until, work.now())))
}

/// Makes room for one more answer by what is a day old; where that is not enough, answers when the oldest makes room, in Unix
/// milliseconds.
pub fn full_until(work: &Work<'_>, owner: &str) -> Result<Option<i64>> {
    if has_room(work, owner)? {
        return Ok(None);
    }
    forget(
        work,
        "DELETE FROM idempotency_keys WHERE owner = ?1 AND created_at <= ?2
         RETURNING owner, octet_length(body) AS bytes",
        params![owner, work.now().as_millisecond() - KEPT_MILLISECONDS],
    )?;
    if has_room(work, owner)? {
        return Ok(None);
    }
    let oldest: i64 = work.value(
        "looking for an idempotency key",
        "SELECT min(created_at) FROM idempotency_keys WHERE owner = ?1",
        [owner],
    )?;
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
fn count(work: &Work<'_>, owner: &str, answers: i64, bytes: i64) -> Result<()> {
    let sql = if answers > 0 {
        "INSERT INTO idempotency_callers (owner, answers, bytes) VALUES (?1, ?2, ?3)
         ON CONFLICT (owner) DO UPDATE SET answers = answers + ?2, bytes = bytes + ?3"
    } else {
        "UPDATE idempotency_callers SET answers = answers + ?2, bytes = bytes + ?3 WHERE owner = ?1"
    };
    work.run(
        "counting idempotency keys",
        sql,
        params![owner, answers, bytes],
    )
}

/// Deletes by a statement that answers whose each was and how long its body; answers how many they were.
fn forget(work: &Work<'_>, sql: &str, values: impl Params) -> Result<usize> {
    let gone: Vec<(String, i64)> = work.all("forgetting idempotency keys", sql, values, |row| {
        Ok((row.get("owner")?, row.get("bytes")?))
    })?;
    let forgotten = gone.len();
    let mut of_owners: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (owner, length) in gone {
        let (answers, bytes) = of_owners.entry(owner).or_default();
        *answers += 1;
        *bytes += length;
    }
    for (owner, (answers, bytes)) in &of_owners {
        work.run(
            "counting idempotency keys",
            "DELETE FROM idempotency_callers WHERE owner = ?1 AND answers <= ?2",
            params![owner, answers],
        )?;
        count(work, owner, -answers, -bytes)?;
    }
    Ok(forgotten)
}

/// Remembers the answer to a request.
pub fn insert(work: &Work<'_>, once: &Once, answer: &StoredAnswer) -> Result<()> {
    // One that is too old and not forgotten yet.
    forget(
        work,
        "DELETE FROM idempotency_keys WHERE owner = ?1 AND route = ?2 AND idempotency_key = ?3
         RETURNING owner, octet_length(body) AS bytes",
        params![once.owner, once.route, once.key],
    )?;
    let bytes = i64::try_from(answer.body.len()).unwrap_or(i64::MAX);
    count(work, &once.owner, 1, bytes)?;
    work.run(
        "storing an idempotency key",
        "INSERT INTO idempotency_keys
             (owner, route, idempotency_key, request_hash, status, location, etag, body, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            once.owner,
            once.route,
            once.key,
            once.request_hash,
            answer.status,
            answer.location,
            answer.etag,
            answer.body,
            work.now().as_millisecond(),
        ],
    )
}

/// Forgets some of the keys that are too old; answers how many.
pub fn prune(work: &Work<'_>) -> Result<usize> {
    forget(
        work,
        "DELETE FROM idempotency_keys WHERE rowid IN (
             SELECT rowid FROM idempotency_keys WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)
         RETURNING owner, octet_length(body) AS bytes",
        params![work.now().as_millisecond() - KEPT_MILLISECONDS, STEP],
    )
}
