//! How often a budget or rate limit starts anew, and how often keys rotate.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::period::{Period, Unit};
use crate::domain::body::input::Node;
use crate::domain::body::json::Json;
use crate::domain::body::{BodySchema, ValueKind};

/// How often a limit starts anew: each [`Period`], or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResetDuration {
    /// Its windows are so long.
    Every(Period),
    /// It has one window without an end; budgets only.
    Never,
}

impl ResetDuration {
    /// One day.
    pub const DAY: Self = Self::Every(Period::DAY);
    /// One month, the default of a budget.
    pub const MONTH: Self = Self::Every(Period::MONTH);
    /// One quarter, the only duration that knows a fiscal year.
    pub const QUARTER: Self = Self::Every(Period::QUARTER);

    /// How long its windows are; none when there is one that has no end.
    pub fn period(self) -> Option<Period> {
        match self {
            Self::Every(period) => Some(period),
            Self::Never => None,
        }
    }

    /// Writes it, such as `1M`.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Every(period) => period.write(out),
            Self::Never => out.write_str(NEVER),
        }
    }
}

const NEVER: &str = "never";

impl FromStr for ResetDuration {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == NEVER {
            return Ok(Self::Never);
        }
        text.parse().map(Self::Every)
    }
}

impl From<Period> for ResetDuration {
    fn from(period: Period) -> Self {
        Self::Every(period)
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

/// How often a budget starts anew, in a request.
pub fn budget_duration() -> ValueKind<'static, ResetDuration> {
    ValueKind::new(
        || BodySchema::pattern("^([1-9][0-9]{0,9}[smhdwMQY]|never)$"),
        |node| {
            let text = node.string(32)?;
            text.parse().ok().or_else(|| {
                refuse_duration(node, text, "s, m, h, d, w, M, Q or Y", ", or \"never\"")
            })
        },
    )
}

/// How often a rate limit starts anew, in a request.
pub fn rate_limit_duration() -> ValueKind<'static, Period> {
    ValueKind::new(
        || BodySchema::pattern("^[1-9][0-9]{0,9}[smhdwMY]$"),
        |node| {
            let text = node.string(32)?;
            let sentence = match text.parse() {
                Ok(ResetDuration::Every(period)) if period.unit() != Unit::Quarter => {
                    return Some(period);
                }
                Ok(ResetDuration::Every(_)) => "quarters (Q) are for budgets only; use \"3M\"",
                Ok(ResetDuration::Never) => {
                    "\"never\" is for budgets only: a rate limit that never resets would let nothing in any more once it is reached; \
                     use a span such as \"1h\""
                }
                Err(()) => return refuse_duration(node, text, "s, m, h, d, w, M or Y", ""),
            };
            node.refuse("invalid_reset_duration", sentence)
        },
    )
}

fn refuse_duration<T>(node: &Node<'_>, text: &str, units: &str, or: &str) -> Option<T> {
    node.refuse(
        "invalid_reset_duration",
        format_args!("expected a number and a unit ({units}) such as \"1h\" or \"1M\", at most 100 years{or}, found {text:?}"),
    )
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
