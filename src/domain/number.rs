//! Whole numbers as JSON writes them.

use serde_json::Number;

/// What a JSON number is as a whole number.
pub enum Whole {
    /// This one.
    Of(i64),
    /// One that 64 bits can't hold.
    TooLarge,
    /// None.
    Fraction,
}

/// A number by its value, not by how it is written: `4.0` and `4e0` are 4, as JSON Schema has it.
pub fn read_whole(number: &Number) -> Whole {
    let text = number.to_string();
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_end_matches('0');
    if significant.trim_start_matches(['-', '0']).is_empty() {
        return Whole::Of(0);
    }
    let places = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let exponent: i64 = match exponent.parse() {
        Ok(exponent) => exponent,
        Err(_) if exponent.starts_with('-') => return Whole::Fraction,
        Err(_) => return Whole::TooLarge,
    };
    let zeros = exponent
        .saturating_sub(places(fraction.len()))
        .saturating_add(places(all.len() - significant.len()));
    let Ok(zeros) = u32::try_from(zeros) else {
        return if zeros < 0 {
            Whole::Fraction
        } else {
            Whole::TooLarge
        };
    };
    let value = significant
        .parse::<i64>()
        .ok()
        .zip(10_i64.checked_pow(zeros))
        .and_then(|(value, power)| value.checked_mul(power));
    value.map_or(Whole::TooLarge, Whole::Of)
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
}
