//! The values of settings that have bounds. They are checked while they are read, so that a mistake has a line or a variable.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::input::nearest;
use crate::domain::money::Money;

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<const MIN: u32, const MAX: u32>(pub(super) u32);

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i64::deserialize(deserializer)?;
        match u32::try_from(value) {
            Ok(value) if (MIN..=MAX).contains(&value) => Ok(Self(value)),
            _ => Err(D::Error::custom(format_args!(
                "must be from {MIN} to {MAX}, is {value}"
            ))),
        }
    }
}

/// A span of time from `MIN` to `MAX` seconds, such as `"10m"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<const MIN: u64, const MAX: u64>(pub(super) Duration);

/// The units of a span, longest first, in seconds.
const UNITS: [(&str, u64); 5] = [
    ("w", 7 * 86_400),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

/// The seconds of a span; `None` if it is none. One that is too long to count is as long as can be.
fn span_seconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (digits, seconds) = UNITS
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(
        digits
            .parse::<u64>()
            .map_or(u64::MAX, |count| count.saturating_mul(*seconds)),
    )
}

/// A number of seconds as a span, in the longest unit but weeks that it is whole in.
fn span(seconds: u64) -> String {
    let fitting = |(_, unit): &&(&str, u64)| seconds > 0 && seconds.is_multiple_of(*unit);
    UNITS[1..].iter().find(fitting).map_or_else(
        || "0".to_owned(),
        |(name, unit)| format!("{}{name}", seconds / unit),
    )
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Span<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<const MIN: u64, const MAX: u64>(PhantomData<Span<MIN, MAX>>);
        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Reader<MIN, MAX> {
            type Value = Span<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time such as \"10m\" (units s, m, h, d, w)")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                match span_seconds(text.trim()) {
                    Some(seconds) if (MIN..=MAX).contains(&seconds) => {
                        Ok(Span(Duration::from_secs(seconds)))
                    }
                    Some(_) => Err(E::custom(format_args!(
                        "must be from {} to {}, is {text:?}",
                        span(MIN),
                        span(MAX)
                    ))),
                    None => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// An amount of US dollars above zero, as a number or as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dollars(pub(super) Money);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Dollars;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of US dollars such as 2.50")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Dollars, E> {
                let number: serde_json::Number = text
                    .trim()
                    .parse()
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
                match Money::from_number(&number) {
                    Ok(amount) if amount > Money::ZERO => Ok(Dollars(amount)),
                    _ => Err(E::custom(format_args!(
                        "must be above 0 and at most {} dollars, is {number}",
                        Money::MAX
                    ))),
                }
            }

            fn visit_i64<E: Error>(self, dollars: i64) -> Result<Dollars, E> {
                self.visit_str(&dollars.to_string())
            }

            /// TOML has no other fractions. The shortest decimal that is this float is what was written, up to 15 digits.
            fn visit_f64<E: Error>(self, dollars: f64) -> Result<Dollars, E> {
                self.visit_str(&dollars.to_string())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A time zone by its IANA name.
#[derive(Debug, Clone)]
pub(super) struct Zone(pub(super) TimeZone);

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        // The machine's own database is newer than ours, if it has one and that is whole.
        let bundled = TimeZoneDatabase::bundled();
        TimeZone::get(&name)
            .or_else(|_| bundled.get(&name))
            .map(Self)
            .map_err(|_| {
                let hint = zone_hint(&name, &bundled);
                D::Error::custom(format_args!("there is no time zone {name:?}; {hint}"))
            })
    }
}

/// What the name of a time zone was probably meant to be: a city alone, or a name with a slip in it.
fn zone_hint(name: &str, known: &TimeZoneDatabase) -> String {
    let wanted = name.trim().replace(' ', "_");
    let known: Vec<String> = known.available().map(|name| name.to_string()).collect();
    let city = |name: &&String| {
        name.rsplit_once('/')
            .is_some_and(|(_, city)| city.eq_ignore_ascii_case(&wanted))
    };
    known
        .iter()
        .find(city)
        .map(String::as_str)
        .or_else(|| nearest(&wanted, known.iter().map(String::as_str)))
        // Anything is near to next to nothing.
        .filter(|_| wanted.len() > 2)
        .map_or_else(
            || "expected an IANA name such as \"Europe/Berlin\"".to_owned(),
            |name| format!("did you mean {name:?}?"),
        )
}
