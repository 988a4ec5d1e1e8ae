//! The windows of budgets and rate limits: when each begins and ends, rolling or by the calendar of a time zone.
//!
//! Times are milliseconds since 1970. What lies beyond the instants that jiff can represent (the years -9999 to 9999) is cut off
//! there, so that every time can be shown and nothing overflows.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Span, Timestamp};

use crate::domain::values::duration::ResetDuration;
use crate::domain::values::period::Unit;

/// [`Timestamp::MIN`], the first instant that can be shown; the first window begins here.
const FIRST_MS: i64 = -377_705_023_201_000;
/// The last whole second of [`Timestamp::MAX`], the last that `from_millisecond` takes; the last window ends here, and one that has no end.
const LAST_MS: i64 = 253_402_207_200_000;
const MONTHS_PER_YEAR: i64 = 12;
const MONTHS_PER_QUARTER: i64 = 3;
const DAYS_PER_WEEK: i64 = 7;

/// How the windows of one limit follow each other: without gap or overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows(Lattice);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Lattice {
    /// One window from here on.
    Endless { anchor_ms: i64 },
    /// `anchor_ms + k × length_ms`
    Rolling { anchor_ms: i64, length_ms: i64 },
    /// The local midnights of days `first_day + k × step`, counted from 1970-01-01.
    Days {
        first_day: i8,
        step: i32,
        zone: TimeZone,
    },
    /// The local midnights of the first days of months `first_month + k × step`, counted from January 1970.
    Months {
        first_month: i8,
        step: i32,
        zone: TimeZone,
    },
}

/// One window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first instant that belongs to it, in milliseconds since 1970.
    pub starts_at: i64,
    /// The first instant after it, in milliseconds since 1970.
    pub resets_at: i64,
    /// Its place among the windows of its limit: one more than that of the window before. Only days that a zone left out
    /// (Samoa, 30 December 2011) are passed over.
    pub number: i64,
}

impl Windows {
    /// The windows of a limit.
    ///
    /// Calendar-aligned ones begin at midnight, on Monday, on the 1st, with the fiscal quarter (which begins the fiscal year in
    /// month `quarter_start_month`, 1 to 12, January if not given) or on 1 January, in `zone`; those of several units lie on the
    /// grid that is counted from 1970-01-01, for weeks from Monday 1970-01-05. Units under a day never align. The others are
    /// rolling: `anchor_ms + k × duration`, a month being 30 days, a quarter 90 and a year 365. A limit that never resets has one window,
    /// from `anchor_ms` on, and none before.
    pub fn new(
        duration: ResetDuration,
        calendar_aligned: bool,
        quarter_start_month: Option<i64>,
        anchor_ms: i64,
        zone: &TimeZone,
    ) -> Self {
        let anchor_ms = anchor_ms.clamp(FIRST_MS, LAST_MS - 1);
        let ResetDuration::Every(period) = duration else {
            return Self(Lattice::Endless { anchor_ms });
        };
        let count = period.count().max(1);
        // A hundred years, the longest duration, are 36,500 days: it always fits.
        let step = |units: i64| i32::try_from(count.saturating_mul(units)).unwrap_or(i32::MAX);
        let days = |first_day: i8, units: i64| Lattice::Days {
            first_day,
            step: step(units),
            zone: zone.clone(),
        };
        let months = |first_month: i8, units: i64| Lattice::Months {
            first_month,
            step: step(units),
            zone: zone.clone(),
        };
        let quarter_start = quarter_start_month.unwrap_or(1).clamp(1, MONTHS_PER_YEAR) - 1;
        Self(match period.unit() {
            Unit::Day if calendar_aligned => days(0, 1),
            // 1970-01-01 was a Thursday, the first Monday the 5th.
            Unit::Week if calendar_aligned => days(4, DAYS_PER_WEEK),
            Unit::Month if calendar_aligned => months(0, 1),
            Unit::Quarter if calendar_aligned => {
                months(i8::try_from(quarter_start).unwrap_or(0), MONTHS_PER_QUARTER)
            }
            Unit::Year if calendar_aligned => months(0, MONTHS_PER_YEAR),
            unit => Lattice::Rolling {
                anchor_ms,
                length_ms: count.saturating_mul(unit.rolling_seconds() * 1_000),
            },
        })
    }

    /// The window that holds `now_ms`, before the anchor too; the one that has no end whenever it is asked for.
    ///
    /// Rolling windows cost a division; those of the calendar a look into the time zone.
    pub fn at(&self, now_ms: i64) -> Window {
        let now_ms = now_ms.clamp(FIRST_MS, LAST_MS - 1);
        let mut number = self.0.guess(now_ms);
        // A date that comes twice, because clocks were put back over midnight, begins with the first; so the guess, which goes by
        // the local date, may be a window that is over. And a date that never comes is an empty window.
        let mut starts_at = self.0.start(number);
        loop {
            let resets_at = self.0.start(number.saturating_add(1));
            if resets_at > now_ms {
                return Window {
                    starts_at,
                    resets_at,
                    number,
                };
            }
            number += 1;
            starts_at = resets_at;
        }
    }

    /// The window that a counter is in at `now_ms` whose window was `current`, one of these.
    ///
    /// It only moves forward: with a clock before its window, the counter stays in it (R9 of the promises), so that no window is
    /// opened twice.
    pub fn follow(&self, current: Window, now_ms: i64) -> Window {
        if now_ms < current.resets_at {
            return current;
        }
        let next = self.at(now_ms);
        if next.starts_at > current.starts_at {
            next
        } else {
            current
        }
    }
}

impl Lattice {
    /// The number of the window that holds `now_ms`, or of one shortly before it.
    fn guess(&self, now_ms: i64) -> i64 {
        match self {
            Self::Endless { .. } => 0,
            Self::Rolling {
                anchor_ms,
                length_ms,
            } => (now_ms - anchor_ms).div_euclid(*length_ms),
            Self::Days {
                first_day,
                step,
                zone,
            } => {
                let day = days_since_1970(local_date(now_ms, zone));
                (day - i64::from(*first_day)).div_euclid(i64::from(*step))
            }
            Self::Months {
                first_month,
                step,
                zone,
            } => {
                let date = local_date(now_ms, zone);
                let month =
                    (i64::from(date.year()) - 1970) * MONTHS_PER_YEAR + i64::from(date.month() - 1);
                (month - i64::from(*first_month)).div_euclid(i64::from(*step))
            }
        }
    }

    /// When window `number` begins; never before the window before it.
    fn start(&self, number: i64) -> i64 {
        let at = |first: i8, step: i32| {
            number
                .saturating_mul(i64::from(step))
                .saturating_add(i64::from(first))
        };
        match self {
            Self::Endless { anchor_ms } if number <= 0 => *anchor_ms,
            Self::Endless { .. } => LAST_MS,
            Self::Rolling {
                anchor_ms,
                length_ms,
            } => number
                .saturating_mul(*length_ms)
                .saturating_add(*anchor_ms)
                .clamp(FIRST_MS, LAST_MS),
            Self::Days {
                first_day,
                step,
                zone,
            } => {
                let day = at(*first_day, *step);
                midnight(date_of_day(day), day, zone)
            }
            Self::Months {
                first_month,
                step,
                zone,
            } => {
                let month = at(*first_month, *step);
                midnight(date_of_month(month), month, zone)
            }
        }
    }
}

fn local_date(at_ms: i64, zone: &TimeZone) -> Date {
    let beyond = |_| {
        if at_ms < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        }
    };
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_else(beyond);
    zone.to_datetime(at).date()
}

/// Days from 1970-01-01 to a date.
pub fn days_since_1970(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

fn date_of_day(day: i64) -> Option<Date> {
    let span = Span::new().try_days(day).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

fn date_of_month(month: i64) -> Option<Date> {
    let year = month.div_euclid(MONTHS_PER_YEAR).checked_add(1970)?;
    let month = month.rem_euclid(MONTHS_PER_YEAR) + 1;
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()
}

/// When a day begins in `zone`, which is not always at midnight.
pub fn begin_of_day(date: Date, zone: &TimeZone) -> i64 {
    midnight(Some(date), days_since_1970(date), zone)
}

/// When `date` begins in `zone`. Without a date or an instant for it, the end of time on the side of `count` (since 1970).
fn midnight(date: Option<Date>, count: i64, zone: &TimeZone) -> i64 {
    date.and_then(|date| first_instant(date.to_datetime(jiff::civil::Time::midnight()), zone))
        .map_or(
            if count < 0 { FIRST_MS } else { LAST_MS },
            Timestamp::as_millisecond,
        )
}

/// The first instant at which the clocks of `zone` show `local` or later, having shown less.
fn first_instant(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let instant = |offset: Offset| offset.to_timestamp(local).ok();
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => instant(offset),
        // Shown twice; the offset before the change gives the first time.
        AmbiguousOffset::Fold { before, .. } => instant(before),
        // Never shown. The clocks are put forward some time before `local` would have been, read with the offset before.
        AmbiguousOffset::Gap { before, after } => {
            let (early, late) = (instant(after)?, instant(before)?);
            let change = zone
                .following(early)
                .take_while(|change| change.timestamp() <= late)
                .find(|change| change.offset() == after);
            Some(change.map_or(late, |change| change.timestamp()))
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
