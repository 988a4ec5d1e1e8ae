//! Numbers as JSON writes them, by their value, and bytes as hexadecimal digits.

use serde_json::{Number, Value};

/// Largest number in a limit: a JSON integer that every client reads exactly (2⁵³ − 1).
pub const MAX_COUNT: i64 = (1 << 53) - 1;

/// A JSON number by its value, not by how it is written: `digits` × 10^`exponent`.
pub struct Decimal {
    /// Whether it is below zero.
    pub negative: bool,
    /// Without zeros at either end; empty for zero.
    pub digits: String,
    /// Where 64 bits can't hold it, half of what they can, so that sums with it are still sums.
    pub exponent: i64,
    /// Whether 64 bits can hold the exponent.
    pub is_exact: bool,
}

impl Decimal {
    /// The value of a number.
    pub fn of(number: &Number) -> Self {
        let text = number.as_str();
        let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let unsigned = text.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = [whole, fraction].concat();
        let significant = all.trim_end_matches('0');
        let digits = significant.trim_start_matches('0').to_owned();
        let places = |length: usize| i64::try_from(length).unwrap_or(i64::MAX / 4);
        let moved = places(all.len() - significant.len()) - places(fraction.len());
        let written: Option<i64> = exponent.parse().ok();
        let exact = written.and_then(|written| written.checked_add(moved));
        let end = if exponent.starts_with('-') {
            i64::MIN / 2
        } else {
            i64::MAX / 2
        };
        Self {
            negative: text.len() > unsigned.len() && !digits.is_empty(),
            digits,
            exponent: exact.unwrap_or(end),
            is_exact: exact.is_some(),
        }
    }
}

/// What a JSON number is as a whole number.
pub enum Whole {
    /// This one.
    Of(i64),
    /// One that 64 bits can't hold.
    TooLarge,
    /// None.
    Fraction,
}

/// A number by its value: `4.0` and `4e0` are 4, as JSON Schema has it.
pub fn read_whole(number: &Number) -> Whole {
    if let Ok(plain) = number.as_str().parse() {
        return Whole::Of(plain);
    }
    let decimal = Decimal::of(number);
    if decimal.digits.is_empty() {
        return Whole::Of(0);
    }
    let Ok(zeros) = u32::try_from(decimal.exponent) else {
        return if decimal.exponent < 0 {
            Whole::Fraction
        } else {
            Whole::TooLarge
        };
    };
    let sign = if decimal.negative { "-" } else { "" };
    let value = format!("{sign}{}", decimal.digits).parse::<i64>().ok();
    let power = 10_i64.checked_pow(zeros);
    let value = value
        .zip(power)
        .and_then(|(value, power)| value.checked_mul(power));
    value.map_or(Whole::TooLarge, Whole::Of)
}

/// Writes every number of a value in one way, so that `1`, `1.0` and `10e-1` are the same text.
pub fn normalise(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(normal) = normal(number) {
                *number = normal;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(fields) => fields.values_mut().for_each(normalise),
        _ => {}
    }
}

/// The significant digits without a point, and the power of ten they are multiplied by; `None` when that can't be counted.
fn normal(number: &Number) -> Option<Number> {
    let decimal = Decimal::of(number);
    if decimal.digits.is_empty() {
        return Some(Number::from(0));
    }
    let sign = if decimal.negative { "-" } else { "" };
    let text = format!("{sign}{}e{}", decimal.digits, decimal.exponent);
    text.parse().ok().filter(|_| decimal.is_exact)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_by_their_value() {
        let read = |text: &str| match read_whole(&text.parse().unwrap()) {
            Whole::Of(value) => value.to_string(),
            Whole::TooLarge => "too large".to_owned(),
            Whole::Fraction => "fraction".to_owned(),
        };
        for (text, expected) in [
            ("4", "4"),
            ("-4.0", "-4"),
            ("4.5", "fraction"),
            ("40e-1", "4"),
            ("41e-1", "fraction"),
            ("1.5e3", "1500"),
            ("0.000", "0"),
            ("-0e99999999999999999999", "0"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "too large"),
            ("-9223372036854775808.0", "-9223372036854775808"),
            ("1e99999999999999999999", "too large"),
            ("1e-99999999999999999999", "fraction"),
            ("1e9223372036854775807", "too large"),
            ("1e-9223372036854775808", "fraction"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_of_one_value_are_written_in_one_way() {
        let written = |text: &str| {
            let mut value: Value = serde_json::from_str(text).unwrap();
            normalise(&mut value);
            value.to_string()
        };
        for (one, other) in [
            ("[1, {\"a\": 1.50}]", "[1.0, {\"a\": 15e-1}]"),
            ("0", "-0.00e7"),
            ("1200", "1.2E+3"),
            ("-0.010", "-1e-2"),
        ] {
            assert_eq!(written(one), written(other));
        }
        for (one, other) in [
            ("1", "10"),
            ("1", "-1"),
            ("1", "\"1\""),
            ("0.1", "0.01"),
            ("12", "1.2"),
        ] {
            assert_ne!(written(one), written(other));
        }
        let far = "1e+99999999999999999999";
        assert_eq!(written(far), far);
    }
}
