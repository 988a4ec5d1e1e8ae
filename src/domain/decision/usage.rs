//! The history of use: which part of it is wanted, and how it is summed up.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::amounts::TokenSplit;
use crate::domain::limits::window::days_since_1970;
use crate::domain::list::{Page, Query};
use crate::domain::values::money::write_dollars;

/// Days that are shown when nothing else is asked for.
const DEFAULT_DAYS: i64 = 30;
/// The day that day numbers count from.
const FIRST_DAY: Date = jiff::civil::date(1970, 1, 1);

/// What rows of the history are told apart by, in the order in which they are sorted.
pub const GROUPS: [&str; 5] = ["day", "user", "access_profile", "provider", "model"];

/// What models, and providers, are called in the line in which those are counted together that have none of their own.
pub const OTHER: &str = "other";

/// Which part of the history is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// The first day, counted from 1970-01-01.
    pub from_day: i64,
    /// The last day.
    pub to_day: i64,
    /// Which of [`GROUPS`] rows are told apart by.
    pub groups: [bool; 5],
    /// Only this user.
    pub user_id: Option<i64>,
    /// Only this access profile.
    pub access_profile_id: Option<i64>,
    /// Which rows.
    pub page: Page,
}

/// A sum over a part of the history. What it is not told apart by is absent; so is what a refused call never came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageRow {
    /// Days since 1970-01-01.
    pub day: Option<i64>,
    /// The user.
    pub user_id: Option<i64>,
    /// The access profile.
    pub access_profile_id: Option<i64>,
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Whether models beyond those that keep a line of their own are counted together in it.
    pub is_other: bool,
    /// Calls that were made.
    pub calls: i64,
    /// Calls that were refused, by reason.
    pub refusals: BTreeMap<String, i64>,
    /// Tokens that were used.
    pub tokens: i64,
    /// Which tokens these were, as far as it was told.
    pub split: TokenSplit,
    /// What they cost, in nanodollars.
    pub cost_nanodollars: i64,
}

impl UsageRow {
    /// The cost as a JSON number in dollars.
    pub fn cost(&self) -> String {
        let mut text = String::new();
        // A string takes whatever is written.
        let _ = write_dollars(&mut text, self.cost_nanodollars);
        text
    }
}

impl UsageQuery {
    /// Reads `from`, `to`, `group_by`, `access_profile_id` and the page; the user is read by whoever may name one. Violations are
    /// noted in `query`.
    pub fn read(query: &Query, now: Timestamp, zone: &TimeZone) -> Self {
        let today = days_since_1970(zone.to_datetime(now).date());
        let last_day = query.day("to").map_or(today, days_since_1970);
        let from_day = query.day("from");
        let from_day = from_day.map_or(last_day - (DEFAULT_DAYS - 1), days_since_1970);
        if from_day > last_day {
            query.refuse_days();
        }
        Self {
            from_day,
            to_day: last_day,
            groups: read_groups(query),
            user_id: None,
            access_profile_id: query.integer("access_profile_id", 1, i64::MAX),
            page: query.page(),
        }
    }

    /// The names of what rows are told apart by.
    pub fn group_names(&self) -> Vec<&'static str> {
        let chosen = GROUPS.iter().zip(self.groups);
        chosen
            .filter(|(_, chosen)| *chosen)
            .map(|(name, _)| *name)
            .collect()
    }
}

/// The date of a day number.
pub fn date_of(day: i64) -> Date {
    let days = jiff::Span::new().try_days(day).unwrap_or_default();
    FIRST_DAY.saturating_add(days)
}

fn read_groups(query: &Query) -> [bool; 5] {
    let text = query.text("group_by", 100);
    let mut groups = [false; 5];
    for name in text
        .as_deref()
        .unwrap_or(GROUPS[0])
        .split(',')
        .map(str::trim)
    {
        // What the field of a row is called names its group too.
        let name = name
            .strip_suffix("_id")
            .filter(|name| matches!(*name, "user" | "access_profile"))
            .unwrap_or(name);
        if let Some(at) = GROUPS.iter().position(|known| *known == name) {
            groups[at] = true;
        } else {
            let known = GROUPS.join(", ");
            let sentence = format_args!("expected some of {known}, found {name:?}").to_string();
            query.refuse("group_by", "invalid_value", sentence);
        }
    }
    groups
}
