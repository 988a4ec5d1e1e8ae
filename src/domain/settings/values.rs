//! Values of settings with their bounds, which stand beside the field: `#[serde(deserialize_with = "whole::<1, 3_650, _, _>")]`.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::domain::values::money::Money;
use crate::domain::values::period::{Period, Unit};

/// A whole number from `MIN` to `MAX`.
pub fn whole<'de, const MIN: u32, const MAX: u32, D: Deserializer<'de>, T: TryFrom<u32>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = i64::deserialize(deserializer)?;
    u32::try_from(value)
        .ok()
        .filter(|value| (MIN..=MAX).contains(value))
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| D::Error::custom(format_args!("must be from {MIN} to {MAX}, is {value}")))
}

/// A span of time from `MIN` to `MAX` seconds, such as `"10m"`.
pub fn span<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    const EXPECTED: &str = "expected a span of time such as \"10m\" (units s, m, h, d, w)";
    let text = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    match span_seconds(text.trim()) {
        Some(seconds) if (MIN..=MAX).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(D::Error::custom(format_args!(
            "must be from {} to {}, is {text:?}",
            written(MIN),
            written(MAX)
        ))),
        None => Err(D::Error::custom(format_args!("{EXPECTED}, found {text:?}"))),
    }
}

/// The seconds of a span, in units up to weeks; unlike the length of a window it may be 0.
fn span_seconds(text: &str) -> Option<u64> {
    match text.trim_start_matches('0') {
        "" | "s" | "m" | "h" | "d" | "w" if text.starts_with('0') => Some(0),
        span => {
            let span: Period = span.parse().ok()?;
            let seconds = span.count() * span.unit().rolling_seconds();
            (span.unit() <= Unit::Week).then(|| seconds.unsigned_abs())
        }
    }
}

/// A number of seconds as a span, in the longest unit but weeks that it is whole in.
fn written(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let fits = units.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    match fits {
        Some((name, unit)) if seconds > 0 => format!("{}{name}", seconds / unit),
        _ => "0".to_owned(),
    }
}

/// A span as it is written.
pub fn span_text(span: Duration) -> String {
    written(span.as_secs())
}

/// The same, where it is shown.
pub fn as_span<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&span_text(*span))
}

/// An amount of US dollars above zero, as a number or as text.
pub fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected an amount of US dollars such as 2.50")]
    enum Written {
        Whole(i64),
        // TOML has no other fractions. The shortest decimal that is this float is what was written, up to 15 digits.
        Fraction(f64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Whole(dollars) => dollars.to_string(),
        Written::Fraction(dollars) => dollars.to_string(),
        Written::Text(text) => text.trim().to_owned(),
    };
    let number: serde_json::Number = text.parse().map_err(|_| {
        D::Error::custom(format_args!(
            "expected an amount of US dollars such as 2.50, found {text:?}"
        ))
    })?;
    let amount = Money::from_number(&number).ok();
    let above = amount.filter(|amount| *amount > Money::ZERO);
    above.map(Some).ok_or_else(|| {
        let most = Money::MAX;
        D::Error::custom(format_args!(
            "must be above 0 and at most {most} dollars, is {number}"
        ))
    })
}

/// A number of bytes from `MIN` to `MAX`, as a whole number or as text such as `"32 MiB"`.
pub fn bytes<'de, const MIN: usize, const MAX: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<usize, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a number of bytes, or a size such as \"32 MiB\""
    )]
    enum Size {
        Bytes(i64),
        Text(String),
    }
    let (size, shown) = match Size::deserialize(deserializer)? {
        Size::Bytes(bytes) => (usize::try_from(bytes).ok(), bytes.to_string()),
        Size::Text(text) => (size_of(&text), text),
    };
    let size = size.filter(|size| (MIN..=MAX).contains(size));
    size.ok_or_else(|| {
        D::Error::custom(format_args!(
            "expected a size from {MIN} to {MAX} bytes such as \"32 MiB\", found {shown:?}"
        ))
    })
}

/// A number of bytes as it is written, in the greatest unit that it is whole in.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "it is called with a reference"
)]
pub fn as_bytes<S: Serializer>(bytes: &usize, serializer: S) -> Result<S::Ok, S::Error> {
    let units = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("B", 1),
    ];
    let fits = units.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
    let (name, unit) = fits.unwrap_or(&units[3]);
    serializer.serialize_str(&format!("{} {name}", bytes / unit))
}

fn size_of(text: &str) -> Option<usize> {
    let at = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(at.unwrap_or(text.len()));
    let unit = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}
