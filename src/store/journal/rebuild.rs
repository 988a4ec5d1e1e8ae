//! What the counters must be, worked out from the journal alone.

use std::collections::HashMap;

use super::read::for_each;
use super::tail::for_each_of_tail;
use crate::domain::decision::journal::{
    ClosedCounter, CounterRow, NOT_CLOSED, ReservationRow, ReservationState,
};
use crate::domain::values::letter_case::fold;
use crate::error::Result;
use crate::store::decision_rows;
use crate::store::sql::Reading;

/// A counter as it is stored, and what the journal says it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// As it is stored.
    pub stored: CounterRow,
    /// What the journal makes of it.
    pub settled: i64,
}

struct Counting {
    row: CounterRow,
    /// The number up to which it counts, that one excluded.
    until: i64,
    kind: String,
    provider_key: String,
    settled: i64,
}

/// Works every counter out from the journal whose whole window it still holds: the journal goes back a day, so a window that is open
/// for longer is left out once something of it was forgotten. So is what has grown beyond everything that can be counted.
pub fn rebuild(reading: &Reading<'_>) -> Result<Vec<Rebuilt>> {
    let pruned_to: i64 = reading.value(
        "reading the journal's position",
        "SELECT pruned_to FROM journal",
        [],
    )?;
    let mut copies: HashMap<i64, Vec<Counting>> = HashMap::new();
    for ClosedCounter { row, until } in stored(reading)? {
        if row.counted_from > pruned_to && row.settled < i64::MAX {
            let (kind, provider_key) = place(reading, row.place_id)?;
            copies.entry(row.copy_id).or_default().push(Counting {
                row,
                until,
                kind,
                provider_key,
                settled: 0,
            });
        }
    }
    for_each(reading, false, |row| {
        let record = &row.record;
        let key = fold(&record.provider);
        for counter in copies.get_mut(&record.copy_id).into_iter().flatten() {
            if counter.provider_key.is_empty() || counter.provider_key == key {
                counter.settled = counter.settled.saturating_add(counter.share(&row));
            }
        }
        Ok(())
    })?;
    let all = copies.into_values().flatten().map(|counter| Rebuilt {
        stored: counter.row,
        settled: counter.settled,
    });
    Ok(all.collect())
}

/// Every counter as it is stored: in its row, or in the tail; the closed ones behind the others.
fn stored(reading: &Reading<'_>) -> Result<Vec<ClosedCounter>> {
    let mut stored = HashMap::new();
    decision_rows::for_each_counter(reading, |(_, row)| {
        stored.insert((row.copy_id, row.place_id), row);
        Ok(())
    })?;
    for_each_of_tail(reading, |_, counters, _| {
        let counters = counters.into_iter();
        stored.extend(counters.map(|(_, row)| ((row.copy_id, row.place_id), row)));
        Ok(())
    })?;
    let until = NOT_CLOSED;
    let last = stored.into_values().map(|row| ClosedCounter { row, until });
    let mut all: Vec<_> = last.collect();
    decision_rows::for_each_closed_counter(reading, |(_, closed)| {
        all.push(closed);
        Ok(())
    })?;
    Ok(all)
}

impl Counting {
    /// What a reservation counts here: nothing if it was let in in another window.
    fn share(&self, row: &ReservationRow) -> i64 {
        let (from, number) = (self.row.counted_from, row.record.id.number);
        if !(self.row.let_in_from..self.until).contains(&number) {
            return 0;
        }
        let end = row.end;
        if self.kind == "requests" {
            let given_back = end.is_some_and(|end| match end.state {
                ReservationState::Cancelled => true,
                ReservationState::Expired => end.expired.is_none(),
                ReservationState::Open | ReservationState::Settled => false,
            });
            // One that was open when the use was reset still counts.
            let charged = end.and_then(|end| end.expired.or(end.settled));
            let is_later = charged.is_none_or(|charge| charge.number >= from);
            return if (number >= from || is_later) && !given_back {
                row.record.requests
            } else {
                0
            };
        }
        let Some(end) = end else {
            return 0;
        };
        let amount = |tokens: i64, cost: i64| {
            if self.kind == "budget" { cost } else { tokens }
        };
        let expired = end.expired.map(|charge| amount(charge.tokens, charge.cost));
        let settled = end.settled.map(|charge| amount(charge.tokens, charge.cost));
        if end.expired.is_some_and(|charge| charge.number >= from) {
            return settled.or(expired).unwrap_or(0);
        }
        if end.settled.is_some_and(|charge| charge.number >= from) {
            return (settled.unwrap_or(0) - expired.unwrap_or(0)).max(0);
        }
        0
    }
}

fn place(reading: &Reading<'_>, id: i64) -> Result<(String, String)> {
    let sql = "SELECT kind, provider_key FROM limit_places WHERE id = ?1";
    reading.one("reading the place of a limit", sql, [id], |row| {
        Ok((row.get("kind")?, row.get("provider_key")?))
    })
}
