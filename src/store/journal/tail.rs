//! The tail of the journal: what counters and lines of the history are since their rows were last written.
//!
//! Calls touch counters all over their table, and writing each at once would cost a page of the disk for each. So a batch appends
//! what they are now to one row of the tail, and their own rows follow in the order of their keys, many of a page at a time. A crash
//! in between loses nothing: the tail is read at the start, and the last that it says of a counter or a line holds.

use rusqlite::params;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::decision::amounts::TokenSplit;
use crate::domain::decision::journal::{CounterRow, TailCounter, TailUsage, UsageKey, UsageSum};
use crate::error::{Error, Result};
use crate::store::sql::{Reading, Writing};

type StoredCounter = (i64, i64, i64, i64, i64, i64, u8, i64, i64);

/// A line as it is read: a list, of which the last three may be missing.
#[derive(Deserialize)]
struct StoredUsage {
    day: i64,
    user_id: i64,
    access_profile_id: i64,
    provider: String,
    model: String,
    calls: i64,
    tokens: i64,
    cost: i64,
    #[serde(default)]
    input: i64,
    #[serde(default)]
    cached_input: i64,
    #[serde(default)]
    output: i64,
}

/// Appends a row.
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
    let usage: Vec<_> = usage.iter().map(WrittenUsage).collect();
    let written = |error| Error::internal("writing the tail of the journal", error);
    let counters = serde_json::to_string(&counters).map_err(written)?;
    let usage = serde_json::to_string(&usage).map_err(written)?;
    // What a commit left that was taken for failed must not be in the way.
    writing.run(
        "appending to the tail of the journal",
        "INSERT OR REPLACE INTO journal_tail (id, counters, used) VALUES (?1, ?2, ?3)",
        params![id, counters, usage],
    )
}

/// Forgets the rows up to one: the tables say the same by now.
pub(super) fn forget(writing: &Writing<'_>, up_to: i64) -> Result<()> {
    writing.run(
        "shortening the tail of the journal",
        "DELETE FROM journal_tail WHERE id <= ?1",
        params![up_to],
    )
}

/// The last row, if there is any.
pub(super) fn find_last(reading: &Reading<'_>) -> Result<Option<i64>> {
    reading.value(
        "reading the tail of the journal",
        "SELECT max(id) FROM journal_tail",
        [],
    )
}

/// Reads the tail, the oldest row first: its id, and what it says.
pub fn for_each_of_tail(
    reading: &Reading<'_>,
    mut each: impl FnMut(i64, Vec<TailCounter>, Vec<TailUsage>) -> Result<()>,
) -> Result<()> {
    let sql = "SELECT id, counters, used FROM journal_tail ORDER BY id";
    reading.each("reading the tail of the journal", sql, [], |row| {
        let id = row.get("id")?;
        let counters: Vec<StoredCounter> = row.json("counters")?;
        let usage: Vec<StoredUsage> = row.json("used")?;
        let counters = counters.into_iter().map(counter).collect();
        Ok(each(id, counters, usage.into_iter().map(line).collect()))
    })
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
        row.let_in_from,
    )
}

fn counter(stored: StoredCounter) -> TailCounter {
    let (
        user_id,
        copy_id,
        place_id,
        settled,
        starts_at,
        resets_at,
        window_rule,
        counted_from,
        let_in_from,
    ) = stored;
    let row = CounterRow {
        copy_id,
        place_id,
        settled,
        starts_at,
        resets_at,
        window_rule,
        let_in_from,
        counted_from,
    };
    (user_id, row)
}

/// A line as it is written: a list, without the tokens by kind where they are not known.
struct WrittenUsage<'l>(&'l TailUsage);

impl Serialize for WrittenUsage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let (key, sum) = self.0;
        let UsageSum {
            calls,
            tokens,
            cost,
            split,
        } = sum;
        let (day, user, profile) = (key.day, key.user_id, key.access_profile_id);
        let (provider, model) = (&*key.provider, &*key.model);
        if *split == TokenSplit::default() {
            return (day, user, profile, provider, model, calls, tokens, cost)
                .serialize(serializer);
        }
        let TokenSplit {
            input,
            cached_input,
            output,
        } = split;
        (
            day,
            user,
            profile,
            provider,
            model,
            calls,
            tokens,
            cost,
            input,
            cached_input,
            output,
        )
            .serialize(serializer)
    }
}

fn line(stored: StoredUsage) -> TailUsage {
    let key = UsageKey {
        day: stored.day,
        user_id: stored.user_id,
        access_profile_id: stored.access_profile_id,
        provider: stored.provider.into(),
        model: stored.model.into(),
    };
    let sum = UsageSum {
        calls: stored.calls,
        tokens: stored.tokens,
        cost: stored.cost,
        split: TokenSplit {
            input: stored.input,
            cached_input: stored.cached_input,
            output: stored.output,
        },
    };
    (key, sum)
}
