//! Lengths of time as they are written: a number and a unit.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The unit of a [`Period`]. Case matters on the wire: `m` is a minute, `M` a month.
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
    /// `Q`, 90 days when rolling
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

/// `<n><unit>`, up to 100 years: the length of a window, or of any other span that somebody writes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    count: i64,
    unit: Unit,
}

impl Period {
    /// One day.
    pub const DAY: Self = Self::one(Unit::Day);
    /// One month.
    pub const MONTH: Self = Self::one(Unit::Month);
    /// One hour, the default of a rate limit.
    pub const HOUR: Self = Self::one(Unit::Hour);
    /// One quarter, the only period that knows a fiscal year.
    pub const QUARTER: Self = Self::one(Unit::Quarter);
    const MAX_SECONDS: i64 = 100 * 365 * 86_400;

    const fn one(unit: Unit) -> Self {
        Self { count: 1, unit }
    }

    /// How many units; 1 or more.
    pub fn count(self) -> i64 {
        self.count
    }

    /// The unit.
    pub fn unit(self) -> Unit {
        self.unit
    }
}

impl FromStr for Period {
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

impl Period {
    /// Writes it, such as `1M`.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(itoa::Buffer::new().format(self.count))?;
        out.write_char(self.unit.letter())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|()| D::Error::custom(format_args!("{text:?} is no number with a unit")))
    }
}
