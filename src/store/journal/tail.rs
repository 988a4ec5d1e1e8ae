//! The tail of the journal: what counters and lines of the history are since their rows were last written.
//!
//! Calls touch counters all over their table, and writing each at once would cost a page of the disk for each. So a batch appends
//! what they are now to one row of the tail, and their own rows follow in the order of their keys, many of a page at a time. A crash
//! in between loses nothing: the tail is read at the start, and the last that it says of a counter or a line holds.

use rusqlite::params;
use serde::de::DeserializeOwned;

use super::write::{add_usage, put_counters};
use crate::domain::journal::{CatchUp, CounterRow, TailCounter, TailUsage, UsageKey, UsageSum};
use crate::error::{Error, Result};
use crate::store::fault::Doing;
use crate::store::{Reading, Writing};

type StoredCounter = (i64, i64, i64, i64, i64, i64, u8, i64);
type StoredUsage = (i64, i64, i64, String, String, i64, i64, i64);

/// Appends a row.
///
/// # Errors
/// When the database can't be written.
pub(super) fn append(
    writing: &Writing<'_>,
    id: i64,
    counters: &[TailCounter],
    usage: &[TailUsage],
) -> Result<()> {
    if counters.is_empty() && usage.is_empty() {
        return Ok(());
    }
    let counters: Vec<StoredCounter> = counters.iter().map(stored_counter).collect();
    let usage: Vec<_> = usage.iter().map(stored_usage).collect();
    let written = |error| Error::internal("writing the tail of the journal", error);
    let counters = serde_json::to_string(&counters).map_err(written)?;
    let usage = serde_json::to_string(&usage).map_err(written)?;
    writing
        .connection
        // What a commit left that was taken for failed must not be in the way.
        .prepare_cached(
            "INSERT OR REPLACE INTO journal_tail (id, counters, used) VALUES (?1, ?2, ?3)",
        )
        .and_then(|mut statement| statement.execute(params![id, counters, usage]))
        .doing("appending to the tail of the journal")?;
    Ok(())
}

/// Forgets the rows up to one: the tables say the same by now.
///
/// # Errors
/// When the database can't be written.
pub(super) fn forget(writing: &Writing<'_>, up_to: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached("DELETE FROM journal_tail WHERE id <= ?1")
        .and_then(|mut statement| statement.execute(params![up_to]))
        .doing("shortening the tail of the journal")?;
    Ok(())
}

/// Brings everything into the tables, unless the tail has come there already.
///
/// # Errors
/// When the database can't be written.
pub fn catch_up(writing: &Writing<'_>, rows: &CatchUp) -> Result<()> {
    let last: Option<i64> = writing
        .connection
        .prepare_cached("SELECT max(id) FROM journal_tail")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("reading the tail of the journal")?;
    let Some(last) = last else {
        return Ok(());
    };
    put_counters(writing, &rows.counters)?;
    add_usage(writing, &rows.usage)?;
    forget(writing, last)
}

/// Reads the tail, the oldest row first: its id, and what it says.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_of_tail(
    reading: &Reading<'_>,
    mut each: impl FnMut(i64, Vec<TailCounter>, Vec<TailUsage>) -> Result<()>,
) -> Result<()> {
    const DOING: &str = "reading the tail of the journal";
    let mut statement = reading
        .connection
        .prepare_cached("SELECT id, counters, used FROM journal_tail ORDER BY id")
        .doing(DOING)?;
    let mut rows = statement.query([]).doing(DOING)?;
    while let Some(row) = rows.next().doing(DOING)? {
        let counters: Vec<StoredCounter> = list(&row.get::<_, String>(1).doing(DOING)?)?;
        let usage: Vec<StoredUsage> = list(&row.get::<_, String>(2).doing(DOING)?)?;
        each(
            row.get(0).doing(DOING)?,
            counters.into_iter().map(counter).collect(),
            usage.into_iter().map(line).collect(),
        )?;
    }
    Ok(())
}

fn list<T: DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal("reading the tail of the journal", error))
}

fn stored_counter((user_id, row): &TailCounter) -> StoredCounter {
    (
        *user_id,
        row.copy_id,
        row.place_id,
        row.settled,
        row.starts_at,
        row.resets_at,
        row.window_rule,
        row.counted_from,
    )
}

fn counter(stored: StoredCounter) -> TailCounter {
    let (user_id, copy_id, place_id, settled, starts_at, resets_at, window_rule, counted_from) =
        stored;
    let row = CounterRow {
        copy_id,
        place_id,
        settled,
        starts_at,
        resets_at,
        window_rule,
        counted_from,
    };
    (user_id, row)
}

fn stored_usage((key, sum): &TailUsage) -> (i64, i64, i64, &str, &str, i64, i64, i64) {
    (
        key.day,
        key.user_id,
        key.access_profile_id,
        &key.provider,
        &key.model,
        sum.calls,
        sum.tokens,
        sum.cost,
    )
}

fn line(stored: StoredUsage) -> TailUsage {
    let (day, user_id, access_profile_id, provider, model, calls, tokens, cost) = stored;
    let key = UsageKey {
        day,
        user_id,
        access_profile_id,
        provider: provider.into(),
        model: model.into(),
    };
    let sum = UsageSum {
        calls,
        tokens,
        cost,
    };
    (key, sum)
}
