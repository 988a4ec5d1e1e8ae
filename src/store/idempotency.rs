//! The answers of requests that carried an idempotency key, stored in the transaction of their effect.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::error::Result;

/// How long a key is remembered, in milliseconds.
pub const KEPT_MILLISECONDS: i64 = 24 * 3_600 * 1_000;
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
    writing
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency_keys
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
    writing
        .connection
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE rowid IN (
                 SELECT rowid FROM idempotency_keys WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)",
        )
        .and_then(|mut statement| statement.execute(params![now.as_millisecond() - KEPT_MILLISECONDS, STEP]))
        .doing("forgetting idempotency keys")
}
