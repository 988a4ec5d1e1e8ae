//! How often a budget or rate limit starts anew, and how often keys rotate.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::body::input::Node;
use crate::domain::body::json::Json;
use crate::domain::body::{BodySchema, ValueKind};

/// The unit of a [`ResetDuration`]. Case matters on the wire: `m` is a minute, `M` a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `M`, 30 days when rolling
    Month,
    /// `Q`, 90 days when rolling; budgets only
    Quarter,
    /// `Y`, 365 days when rolling
    Year,
}

impl Unit {
    const ALL: [(char, Self, i64); 8] = [
        ('s', Self::Second, 1),
        ('m', Self::Minute, 60),
        ('h', Self::Hour, 3_600),
        ('d', Self::Day, 86_400),
        ('w', Self::Week, 7 * 86_400),
        ('M', Self::Month, 30 * 86_400),
        ('Q', Self::Quarter, 90 * 86_400),
        ('Y', Self::Year, 365 * 86_400),
    ];

    fn letter(self) -> char {
        Self::ALL
            .iter()
            .find(|(_, unit, _)| *unit == self)
            .map_or('?', |(letter, ..)| *letter)
    }

    /// The length of one unit of a rolling window, in seconds.
    pub fn rolling_seconds(self) -> i64 {
        Self::ALL
            .iter()
            .find(|(_, unit, _)| *unit == self)
            .map_or(0, |(.., seconds)| *seconds)
    }
}

/// `<n><unit>`: the length of a budget's or rate limit's window, up to 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResetDuration {
    count: i64,
    unit: Unit,
}

impl ResetDuration {
    /// One day.
    pub const DAY: Self = Self {
        count: 1,
        unit: Unit::Day,
    };
    /// One month, the default of a budget.
    pub const MONTH: Self = Self {
        count: 1,
        unit: Unit::Month,
    };
    /// One hour, the default of a rate limit.
    pub const HOUR: Self = Self {
        count: 1,
        unit: Unit::Hour,
    };
    /// One quarter, the only duration that knows a fiscal year.
    pub const QUARTER: Self = Self {
        count: 1,
        unit: Unit::Quarter,
    };
    const MAX_SECONDS: i64 = 100 * 365 * 86_400;

    /// How many units; 1 or more.
    pub fn count(self) -> i64 {
        self.count
    }

    /// The unit.
    pub fn unit(self) -> Unit {
        self.unit
    }
}

impl FromStr for ResetDuration {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let letter = text.chars().last().ok_or(())?;
        let digits = text.strip_suffix(letter).ok_or(())?;
        let (_, unit, seconds) = Unit::ALL
            .into_iter()
            .find(|(known, ..)| *known == letter)
            .ok_or(())?;
        if digits.is_empty()
            || digits.starts_with('0')
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(());
        }
        let count: i64 = digits.parse().map_err(|_| ())?;
        match count.checked_mul(seconds) {
            Some(total) if total <= Self::MAX_SECONDS => Ok(Self { count, unit }),
            _ => Err(()),
        }
    }
}

impl ResetDuration {
    /// Writes it, such as `1M`.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(itoa::Buffer::new().format(self.count))?;
        out.write_char(self.unit.letter())
    }
}

impl fmt::Display for ResetDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Serialize for ResetDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResetDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|()| D::Error::custom(format_args!("{text:?} is no reset duration")))
    }
}

/// A reset duration in a request; quarters only where `quarters` allows them.
pub fn reset_duration(quarters: bool) -> ValueKind<'static, ResetDuration> {
    let units = if quarters { "smhdwMQY" } else { "smhdwMY" };
    ValueKind::new(
        move || BodySchema::pattern(format!("^[1-9][0-9]{{0,9}}[{units}]$")),
        move |node| read_reset_duration(node, quarters),
    )
}

fn read_reset_duration(node: &Node<'_>, quarters: bool) -> Option<ResetDuration> {
    let text = node.string(32)?;
    match text.parse::<ResetDuration>() {
        Ok(duration) if duration.unit == Unit::Quarter && !quarters => node.refuse(
            "invalid_reset_duration",
            "quarters (Q) are for budgets only; use \"3M\"",
        ),
        Ok(duration) => Some(duration),
        Err(()) => {
            let units = if quarters {
                "s, m, h, d, w, M, Q or Y"
            } else {
                "s, m, h, d, w, M or Y"
            };
            node.refuse(
                "invalid_reset_duration",
                format_args!("expected a number and a unit ({units}) such as \"1h\" or \"1M\", at most 100 years, found {text:?}"),
            )
        }
    }
}

/// How often the virtual keys of a profile's holders rotate: 1 hour to 365 days, in nanoseconds on the wire, 0 when off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationInterval {
    nanoseconds: i64,
}

impl RotationInterval {
    const MIN: i64 = 3_600 * 1_000_000_000;
    const MAX: i64 = 365 * 86_400 * 1_000_000_000;

    /// The interval in nanoseconds.
    pub fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// The instant one interval later, to the millisecond.
    pub fn after(self, at: Timestamp) -> Option<Timestamp> {
        Timestamp::from_millisecond(at.as_millisecond() + self.nanoseconds / 1_000_000).ok()
    }

    /// The latest date up to `now`, and the first after it, of the dates that follow `due` at this interval. `due` has come.
    pub fn around(self, due: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let step = self.nanoseconds / 1_000_000;
        let due = due.as_millisecond();
        let missed = (now.as_millisecond() - due).max(0) / step;
        let last = Timestamp::from_millisecond(due + missed * step).ok()?;
        self.after(last).map(|next| (last, next))
    }

    /// An interval of this many nanoseconds, if it is within the bounds.
    pub fn from_nanoseconds(nanoseconds: i64) -> Option<Self> {
        (Self::MIN..=Self::MAX)
            .contains(&nanoseconds)
            .then_some(Self { nanoseconds })
    }
}

/// A rotation interval in a request: `"30d"`, `"12h"` or integer nanoseconds; none is off (`""` or 0).
pub fn rotation_interval() -> ValueKind<'static, Option<RotationInterval>> {
    let schema = || {
        BodySchema::pattern("^(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|\\u00b5s|ms|s|m|h|d|w))+)?$")
            .or(BodySchema::integer(0..=RotationInterval::MAX))
    };
    ValueKind::new(schema, |node| {
        read_nanoseconds(node).map(RotationInterval::from_nanoseconds)
    })
}

/// 0, or as many as an interval may have.
fn read_nanoseconds(node: &Node<'_>) -> Option<i64> {
    let nanoseconds = match node.value {
        Json::Number(_) => Some(node.integer(i64::MIN..=i64::MAX)?),
        Json::String(text) => span_nanoseconds(text.trim()),
        _ => None,
    };
    match nanoseconds {
        Some(0 | RotationInterval::MIN..=RotationInterval::MAX) => nanoseconds,
        Some(_) => node.refuse(
            "out_of_range",
            "must be from 1h to 365d, or 0 for no rotation",
        ),
        None => node.refuse(
            "invalid_interval",
            "expected a span such as \"30d\", \"12h\" or \"1h30m\" (units ns, us, ms, s, m, h, d, w) or whole nanoseconds",
        ),
    }
}

/// The units of a span in nanoseconds; where one begins like another, the longer one first.
const SPAN_UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", DAY),
    ("w", 7 * DAY),
];
/// A day in nanoseconds.
const DAY: u64 = 86_400 * 1_000_000_000;

/// The nanoseconds of a span as Go writes one (`1h30m`, `1.5h`), with days and weeks beside its units; nothing of what is none. What is
/// longer than can be counted is as long as can be.
fn span_nanoseconds(text: &str) -> Option<i64> {
    if text.is_empty() || text == "0" {
        return Some(0);
    }
    let (mut rest, mut sum) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, behind) = rest.split_at(digits(rest));
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => behind.split_at(digits(behind)),
            None => ("", behind),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (behind, unit) = SPAN_UNITS
            .iter()
            .find_map(|(name, unit)| Some((behind.strip_prefix(name)?, *unit)))?;
        // Days and weeks are not of Go, and whole.
        if unit >= DAY && !fraction.is_empty() {
            return None;
        }
        let counted = |digits: &str| {
            digits.bytes().fold(0_u64, |number, digit| {
                number
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit - b'0'))
            })
        };
        // Further digits are less than a nanosecond of any unit that has some.
        let shown = &fraction[..fraction.len().min(15)];
        let scale = 10_u128.pow(u32::try_from(shown.len()).unwrap_or(0));
        let part = u128::from(unit) * u128::from(counted(shown)) / scale;
        let whole = u128::from(unit) * u128::from(counted(whole));
        sum = sum.saturating_add(i64::try_from(whole + part).unwrap_or(i64::MAX));
        rest = behind;
    }
    Some(sum)
}
