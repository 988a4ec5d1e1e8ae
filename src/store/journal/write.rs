//! Writing down a batch of decisions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rusqlite::params;

use super::folding::{LineBounds, Table, folded};
use super::many_rows::{ManyRows, Values};
use super::{reservation_rows, tail};
use crate::domain::audit::NamedVersions;
use crate::domain::decision::journal::{
    CallAnswer, CatchUp, ClosedCounter, CounterRow, Entry, Journal, Named, UsageKey, UsageLine,
    UsageSum,
};
use crate::domain::limits::clock_high_water::HighWater;
use crate::error::{Error, Result};
use crate::store::audit::chain;
use crate::store::sql::Writing;

/// The most that a line of the history counts: two of them still fit into a number.
const MOST: i64 = i64::MAX / 2;

/// Writes down a batch. Refusals that can't be counted are left out: they must not stop anything else.
pub fn write(writing: &Writing<'_>, journal: &Journal, bounds: &LineBounds) -> Result<()> {
    // What happened to one of them in the same batch came after it was made.
    let made = journal.entries.iter().filter_map(|entry| match entry {
        Entry::Made(row) => Some(row),
        _ => None,
    });
    reservation_rows::insert(writing, &made.collect::<Vec<_>>())?;
    for entry in &journal.entries {
        match entry {
            Entry::Made(_) => Ok(()),
            Entry::Extended(record) => reservation_rows::extend(writing, record),
            Entry::Finished(record, end) => reservation_rows::finish(writing, record, *end),
        }?;
    }
    tail::append(
        writing,
        journal.tail_id,
        &journal.tail_counters,
        &journal.tail_usage,
    )?;
    put_counters(writing, &journal.counters)?;
    put_closed_counters(writing, &journal.closed_counters)?;
    for name in &journal.ended_counters {
        writing.run(
            "forgetting a closed counter",
            "DELETE FROM closed_counters WHERE user_access_profile_id = ?1 AND place_id = ?2 AND let_in_until = ?3",
            [name.copy_id, name.place_id, name.until],
        )?;
    }
    put_answers(writing, &journal.answers)?;
    add_usage(writing, &journal.usage, bounds)?;
    if journal.tail_over > 0 {
        tail::forget(writing, journal.tail_over)?;
    }
    add_refusals(writing, &journal.refusals, bounds)?;
    for (at, entry) in &journal.audited {
        chain::append(writing, *at, entry, &NamedVersions::default())?;
    }
    writing.run(
        "moving the journal on",
        "UPDATE journal SET next_number = max(next_number, ?1), open_from = ?2, seen_at = max(seen_at, ?3) WHERE only_row = 1",
        params![journal.next_number, journal.open_from, journal.high_water.latest()],
    )?;
    if journal.high_water.differ() {
        put_high_water(writing, &journal.high_water)?;
    }
    Ok(())
}

/// Brings everything into the tables, unless the tail has come there already.
pub fn catch_up(writing: &Writing<'_>, rows: &CatchUp, bounds: &LineBounds) -> Result<()> {
    let Some(last) = tail::find_last(writing)? else {
        return Ok(());
    };
    put_counters(writing, &rows.counters)?;
    add_usage(writing, &rows.usage, bounds)?;
    tail::forget(writing, last)
}

/// Stores who has seen which time of the clock; needed while it is behind what it once showed.
pub fn put_high_water(writing: &Writing<'_>, high_water: &HighWater) -> Result<()> {
    let value = serde_json::to_string(high_water)
        .map_err(|error| Error::internal("writing the times of the clock", error))?;
    writing.run(
        "storing the times of the clock",
        "INSERT OR REPLACE INTO settings (name, value) VALUES ('clock_peaks', ?1)",
        [value],
    )
}

/// The columns of a counter, in the order of [`add_counter`].
const COUNTER: &str = "user_access_profile_id, place_id, settled, window_starts_at, window_resets_at, window_rule, let_in_from, counted_from";

fn add_counter(counter: &CounterRow, values: &mut Values<'_, '_>) -> rusqlite::Result<()> {
    values.add(counter.copy_id)?;
    values.add(counter.place_id)?;
    values.add(counter.settled)?;
    values.add(counter.starts_at)?;
    values.add(counter.resets_at)?;
    values.add(counter.window_rule)?;
    values.add(counter.let_in_from)?;
    values.add(counter.counted_from)
}

static COUNTERS: LazyLock<ManyRows> = LazyLock::new(|| {
    let then =
        "ON CONFLICT (user_access_profile_id, place_id) DO UPDATE SET settled = excluded.settled,
         window_starts_at = excluded.window_starts_at, window_resets_at = excluded.window_resets_at,
         window_rule = excluded.window_rule, let_in_from = excluded.let_in_from, counted_from = excluded.counted_from";
    ManyRows::of("INSERT INTO counters", COUNTER, then)
});

/// Stores counters.
pub fn put_counters(writing: &Writing<'_>, counters: &[CounterRow]) -> Result<()> {
    COUNTERS.write("storing counters", writing, counters, add_counter)
}

static CLOSED_COUNTERS: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = format!("{COUNTER}, let_in_until");
    let then = "ON CONFLICT (user_access_profile_id, place_id, let_in_until) DO UPDATE SET settled = excluded.settled";
    ManyRows::of("INSERT INTO closed_counters", &columns, then)
});

fn put_closed_counters(writing: &Writing<'_>, counters: &[ClosedCounter]) -> Result<()> {
    let bind = |counter: &ClosedCounter, values: &mut Values<'_, '_>| {
        add_counter(&counter.row, values)?;
        values.add(counter.until)
    };
    CLOSED_COUNTERS.write("storing closed counters", writing, counters, bind)
}

static ANSWERS: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = "virtual_key_id, request_id, body_hash, answer, created_at";
    ManyRows::of("INSERT OR REPLACE INTO request_ids", columns, "")
});

fn put_answers(writing: &Writing<'_>, answers: &[CallAnswer]) -> Result<()> {
    let bind = |answer: &CallAnswer, values: &mut Values<'_, '_>| {
        values.add(answer.virtual_key_id)?;
        values.add(&answer.request.id)?;
        values.add(answer.request.body_hash)?;
        values.add(&answer.answer)?;
        values.add(answer.created_at)
    };
    ANSWERS.write("storing answers to request ids", writing, answers, bind)
}

/// The bound stands in the text: only values of rows have a place in a statement for many.
static USAGE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = "day, user_id, access_profile_id, provider, model, calls, tokens, cost, input_tokens, cached_input_tokens, output_tokens, named";
    let then = format!(
        "ON CONFLICT DO UPDATE SET calls = calls + excluded.calls,
         tokens = max(-{MOST}, min({MOST}, tokens + excluded.tokens)),
         cost = max(-{MOST}, min({MOST}, cost + excluded.cost)),
         input_tokens = max(-{MOST}, min({MOST}, input_tokens + excluded.input_tokens)),
         cached_input_tokens = max(-{MOST}, min({MOST}, cached_input_tokens + excluded.cached_input_tokens)),
         output_tokens = max(-{MOST}, min({MOST}, output_tokens + excluded.output_tokens)),
         named = max(named, excluded.named)"
    );
    ManyRows::of("INSERT INTO usage_days", columns, &then)
});

const USED: Table = Table {
    is_any: "SELECT EXISTS (SELECT 1 FROM usage_days WHERE day = ?1)",
    count: "SELECT count(*) FROM (SELECT 1 FROM usage_days
            WHERE day = ?1 AND user_id = ?2 AND access_profile_id = ?3 AND named = 0 LIMIT ?4)",
    find: "SELECT 1 FROM usage_days
           WHERE day = ?1 AND user_id = ?2 AND access_profile_id = ?3 AND provider = ?4 AND model = ?5",
};

/// Adds to lines of the history.
fn add_usage(
    writing: &Writing<'_>,
    lines: &[UsageLine<UsageSum>],
    bounds: &LineBounds,
) -> Result<()> {
    let bind = |line: &UsageLine<UsageSum>, values: &mut Values<'_, '_>| {
        let UsageLine { key, named, added } = line;
        values.add(key.day)?;
        values.add(key.user_id)?;
        values.add(key.access_profile_id)?;
        values.add(&*key.provider)?;
        values.add(&*key.model)?;
        values.add(added.calls)?;
        values.add(added.tokens.clamp(-MOST, MOST))?;
        values.add(added.cost.clamp(-MOST, MOST))?;
        let split = &added.split;
        for tokens in [split.input, split.cached_input, split.output] {
            values.add(tokens.clamp(-MOST, MOST))?;
        }
        values.add(*named == Named::Both)
    };
    let write = |lines: &[UsageLine<UsageSum>]| {
        USAGE.write("adding to the history of use", writing, lines, bind)
    };
    let folded = folded(writing, &USED, &bounds.used, lines)?;
    if folded.is_empty() {
        return write(lines);
    }
    let mut together: BTreeMap<&UsageKey, UsageSum> = BTreeMap::new();
    let mut own = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match folded.get(&at) {
            Some(key) => {
                let sum = together.entry(key).or_default();
                *sum = sum.plus(line.added);
            }
            None => own.push(line.clone()),
        }
    }
    own.extend(together.into_iter().map(|(key, added)| UsageLine {
        key: key.clone(),
        named: Named::Both,
        added,
    }));
    write(&own)
}

const REFUSED: Table = Table {
    is_any: "SELECT EXISTS (SELECT 1 FROM refusal_days WHERE day = ?1)",
    count: "SELECT count(*) FROM (SELECT DISTINCT provider, model FROM refusal_days
            WHERE day = ?1 AND user_id = ?2 AND access_profile_id = ?3 AND named = 0 LIMIT ?4)",
    find: "SELECT 1 FROM refusal_days
           WHERE day = ?1 AND user_id = ?2 AND access_profile_id = ?3 AND provider = ?4 AND model = ?5",
};

/// Adds to the history of refusals. What can't be counted is left out: it must not stop anything else.
fn add_refusals(
    writing: &Writing<'_>,
    lines: &[UsageLine<(&'static str, i64)>],
    bounds: &LineBounds,
) -> Result<()> {
    let folded = folded(writing, &REFUSED, &bounds.refused, lines)?;
    for (at, line) in lines.iter().enumerate() {
        let (key, named) = match folded.get(&at) {
            Some(key) => (key, Named::Both),
            None => (&line.key, line.named),
        };
        match add_refusal(writing, key, named, line.added) {
            Err(error @ Error::Internal(_)) => log::error!("refusals were not counted: {error}"),
            other => other?,
        }
    }
    Ok(())
}

fn add_refusal(
    writing: &Writing<'_>,
    key: &UsageKey,
    named: Named,
    (reason, calls): (&'static str, i64),
) -> Result<()> {
    writing.run(
        "adding to the history of refusals",
        "INSERT INTO refusal_days (day, user_id, access_profile_id, provider, model, reason, calls, named)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, named = max(named, excluded.named)",
        params![
            key.day,
            key.user_id,
            key.access_profile_id,
            &*key.provider,
            &*key.model,
            reason,
            calls,
            named == Named::Both
        ],
    )
}
