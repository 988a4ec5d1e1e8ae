//! Rates as operators write them, in dollars, read and written digit by digit.

use serde_json::Number;

use super::unit_kind::{DollarsFor, UnitKind};
use crate::domain::values::money::write_dollars;
use crate::domain::values::number::Decimal;

/// Highest rate, in nanodollars for a million units: a billion dollars for a million tokens, a thousand for one picture.
pub const MAX_RATE: i64 = 1_000_000_000_000_000_000;

impl UnitKind {
    /// The rate of so many dollars, to the nanodollar per million units (per hour of sound): what is finer is rounded up.
    ///
    /// # Errors
    /// A sentence about what is wrong with the number.
    pub fn rate(self, dollars: &Number) -> Result<i64, String> {
        self.rate_for(self.dollars_for(), dollars)
    }

    /// The same where the dollars are for another number of units.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub fn rate_for(self, units: DollarsFor, dollars: &Number) -> Result<i64, String> {
        let to_million = if units == DollarsFor::One { 6 } else { 0 };
        scaled_up(dollars, 9 + to_million)
    }

    /// A rate in dollars for as many units as an operator writes them, exactly.
    pub fn dollars(self, rate: i64) -> Number {
        if self.dollars_for() == DollarsFor::One {
            let exact = Number::from_string_unchecked(format!("{rate}e-15"));
            return Number::from_string_unchecked(written(&Decimal::of(&exact)));
        }
        let mut text = String::new();
        // Nothing fails that is written to a text.
        let _ = write_dollars(&mut text, rate);
        Number::from_string_unchecked(text)
    }
}

/// A number of no more than a few digits without an exponent.
fn written(decimal: &Decimal) -> String {
    if decimal.digits.is_empty() {
        return "0".to_owned();
    }
    let exponent = decimal.exponent;
    if exponent >= 0 {
        let zeros = usize::try_from(exponent).unwrap_or_default();
        return format!("{}{}", decimal.digits, "0".repeat(zeros));
    }
    let places = usize::try_from(-exponent).unwrap_or_default();
    let digits = format!("{:0>width$}", decimal.digits, width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{whole}.{fraction}")
}

/// A number times a power of ten, rounded up to a whole one.
fn scaled_up(number: &Number, power: i64) -> Result<i64, String> {
    let decimal = Decimal::of(number);
    if decimal.negative {
        return Err("must be 0 or more".to_owned());
    }
    let too_much = || {
        let most = Decimal::of(&Number::from_string_unchecked(format!("1e{}", 18 - power)));
        format!("must be at most {} dollars", written(&most))
    };
    let exponent = decimal.exponent.saturating_add(power);
    let length = i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX / 4);
    // The value is 0.<digits> × 10^places.
    let places = length.saturating_add(exponent);
    if decimal.digits.is_empty() {
        return Ok(0);
    }
    if places > 19 {
        return Err(too_much());
    }
    let kept = usize::try_from(places).unwrap_or_default();
    let zeros = "0".repeat(kept.saturating_sub(decimal.digits.len()));
    let (whole, below) = decimal.digits.split_at(kept.min(decimal.digits.len()));
    let whole: i128 = format!("0{whole}{zeros}").parse().map_err(|_| too_much())?;
    let up = whole + i128::from(!below.is_empty());
    let up = i64::try_from(up).map_err(|_| too_much())?;
    (up <= MAX_RATE).then_some(up).ok_or_else(too_much)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(kind: UnitKind, text: &str) -> Result<i64, String> {
        kind.rate(&text.parse().unwrap())
    }

    #[test]
    fn dollars_are_read_digit_by_digit_and_rounded_up() {
        for (text, expected) in [
            ("0", 0),
            ("0e-999999999999", 0),
            ("2.5", 2_500_000_000),
            ("0.000000001", 1),
            ("1e-9", 1),
            ("1e-99999999999999999999", 1),
            ("0.0833333333333333", 83_333_334),
            ("1e9", MAX_RATE),
        ] {
            assert_eq!(rate(UnitKind::Input, text), Ok(expected), "{text}");
        }
        for text in [
            "-1e-99",
            "1000000000.0000000001",
            "1e10",
            "1e99999999999999999999",
        ] {
            assert!(rate(UnitKind::Input, text).is_err(), "{text}");
        }
        let too_much = rate(UnitKind::Image, "1000.1").unwrap_err();
        assert_eq!(too_much, "must be at most 1000 dollars");
        assert_eq!(rate(UnitKind::Image, "0.04"), Ok(40_000_000_000_000));
        assert_eq!(rate(UnitKind::Image, "1000"), Ok(MAX_RATE));
        let each = "3e-07".parse().unwrap();
        let token = UnitKind::Input.rate_for(DollarsFor::One, &each);
        assert_eq!(token, Ok(300_000_000));
    }

    proptest! {
        #[test]
        fn a_rate_is_read_as_it_is_written(rate in 0..=MAX_RATE, at in 0..UnitKind::ALL.len()) {
            let kind = UnitKind::ALL[at];
            let dollars = kind.dollars(rate);
            prop_assert!(!dollars.as_str().contains('e'));
            let json: Number = serde_json::from_str(dollars.as_str()).unwrap();
            prop_assert_eq!(kind.rate(&json), Ok(rate));
        }
    }
}
