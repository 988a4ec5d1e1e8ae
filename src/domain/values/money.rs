//! US dollars as an integer count of nanodollars, so that sums are exact.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use super::number::Decimal;
use crate::domain::body::input::Node;
use crate::domain::body::json::Json;
use crate::domain::body::{BodySchema, ValueKind};

const NANOS_PER_DOLLAR: i64 = 1_000_000_000;
const DECIMALS: u8 = 9;

/// An amount of US dollars from 0 to one billion, in nanodollars (10⁻⁹ dollars).
///
/// On the wire it is a JSON number in dollars that is read and written digit by digit, never through a float. What is finer
/// than a nanodollar is rounded to the nearest one (half up), so that a client's binary fraction (`0.30000000000000004`) means
/// what its author wrote; but what was spent is rounded up ([`read_spent`]), however small it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a number is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMoney {
    /// Below zero.
    Negative,
    /// Above one billion dollars.
    TooLarge,
    /// Above zero, but would be rounded to zero, which means something else.
    TooSmall,
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// One billion dollars, the largest amount.
    pub const MAX: Self = Self(1_000_000_000 * NANOS_PER_DOLLAR);

    /// An amount in nanodollars, if it is from 0 to [`Money::MAX`].
    pub fn from_nanodollars(nanodollars: i64) -> Option<Self> {
        (0..=Self::MAX.0)
            .contains(&nanodollars)
            .then_some(Self(nanodollars))
    }

    /// The nearest amount: what is counted may go beyond what one amount can be.
    pub fn nearest(nanodollars: i64) -> Self {
        Self(nanodollars.clamp(0, Self::MAX.0))
    }

    /// The amount in nanodollars.
    pub fn nanodollars(self) -> i64 {
        self.0
    }

    /// Reads a JSON number in dollars.
    ///
    /// # Errors
    /// [`NotMoney`] says which bound was missed.
    pub fn from_number(number: &Number) -> Result<Self, NotMoney> {
        let (whole, rest) = nanodollars(number)?;
        match Self::from_nanodollars(whole.saturating_add(i64::from(rest.is_half))) {
            Some(Self::ZERO) if rest.is_any => Err(NotMoney::TooSmall),
            amount => amount.ok_or(NotMoney::TooLarge),
        }
    }

    /// Reads a JSON number in dollars, rounded up to the nanodollar; what is less than one above the most is the most.
    fn up_from_number(number: &Number) -> Result<Self, NotMoney> {
        let (whole, rest) = nanodollars(number)?;
        let up = whole.saturating_add(i64::from(rest.is_any && whole != Self::MAX.0));
        Self::from_nanodollars(up).ok_or(NotMoney::TooLarge)
    }
}

/// What a number has below a nanodollar.
#[derive(Default)]
struct Rest {
    is_any: bool,
    /// Whether it is half of one or more.
    is_half: bool,
}

/// The whole nanodollars in a number of dollars, and what is below them.
fn nanodollars(number: &Number) -> Result<(i64, Rest), NotMoney> {
    let decimal = Decimal::of(number);
    if decimal.negative {
        return Err(NotMoney::Negative);
    }
    // The value is 0.<digits> × 10^point dollars.
    let length = i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX / 4);
    let point = length.saturating_add(decimal.exponent);
    if decimal.digits.is_empty() {
        return Ok((0, Rest::default()));
    }
    if point > 10 {
        return Err(NotMoney::TooLarge);
    }
    let Ok(kept) = usize::try_from(point + i64::from(DECIMALS)) else {
        let rest = Rest {
            is_any: true,
            is_half: false,
        };
        return Ok((0, rest));
    };
    let digits = decimal.digits.bytes();
    let digits = digits.map(|digit| i64::from(digit - b'0'));
    let mut digits = digits.chain(std::iter::repeat_n(0, kept));
    let whole = digits.by_ref().take(kept);
    let whole = whole.fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(digit)
    });
    let below: Vec<i64> = digits.collect();
    let rest = Rest {
        is_any: below.iter().any(|digit| *digit > 0),
        is_half: below.first().is_some_and(|digit| *digit >= 5),
    };
    Ok((whole, rest))
}

/// US dollars, or none.
pub fn dollars() -> ValueKind<'static, Money> {
    // That nothing lies between 0 and a nanodollar is for words: a choice of two numbers is one that generated clients can't make.
    ValueKind::new(|| BodySchema::Number(0.0..=1e9), read_money)
}

/// An amount in a request, noting what is wrong with it.
pub fn read_money(node: &Node<'_>) -> Option<Money> {
    read(node, Money::from_number)
}

/// An amount that was spent: what is finer than a nanodollar is rounded up, because nothing that was spent is nothing.
pub fn read_spent(node: &Node<'_>) -> Option<Money> {
    read(node, Money::up_from_number)
}

fn read(node: &Node<'_>, amount: impl FnOnce(&Number) -> Result<Money, NotMoney>) -> Option<Money> {
    let Json::Number(number) = node.value else {
        return node.refuse("wrong_type", "expected an amount of US dollars as a number");
    };
    match amount(number) {
        Ok(amount) => Some(amount),
        Err(NotMoney::Negative) => node.refuse("out_of_range", "must be 0 or more dollars"),
        Err(NotMoney::TooLarge) => {
            node.refuse("out_of_range", "must be at most 1000000000 dollars")
        }
        Err(NotMoney::TooSmall) => {
            node.refuse("out_of_range", "must be 0 or at least 0.000000001 dollars")
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(f, self.0)
    }
}

/// Writes nanodollars of any sum as dollars, exactly.
///
/// # Errors
/// When nothing can be written to `out`.
pub fn write_dollars(out: &mut impl fmt::Write, nanodollars: i64) -> fmt::Result {
    if nanodollars < 0 {
        out.write_char('-')?;
    }
    let all = nanodollars.unsigned_abs();
    let (dollars, nanos) = (
        all / NANOS_PER_DOLLAR.unsigned_abs(),
        all % NANOS_PER_DOLLAR.unsigned_abs(),
    );
    out.write_str(itoa::Buffer::new().format(dollars))?;
    if nanos == 0 {
        return Ok(());
    }
    // One before all digits keeps those that are 0 at their beginning; the point takes its place.
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(NANOS_PER_DOLLAR.unsigned_abs() + nanos);
    out.write_char('.')?;
    out.write_str(digits[1..].trim_end_matches('0'))
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Number::from_string_unchecked(self.to_string()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        Self::from_number(&number).map_err(|why| {
            D::Error::custom(format_args!("{number} is no amount of money: {why:?}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, NotMoney> {
        Money::from_number(&text.parse().unwrap()).map(|amount| amount.to_string())
    }

    #[test]
    fn amounts_are_read_digit_by_digit() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.0", "0"),
            ("0e99999999999", "0"),
            ("123", "123"),
            ("123.0", "123"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.3"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("123456789.123456789", "123456789.123456789"),
            ("999999999.9999999994", "999999999.999999999"),
            ("1000000000", "1000000000"),
            ("1e9", "1000000000"),
            ("0.0000000005", "0.000000001"),
            ("10000000000e-1", "1000000000"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn amounts_out_of_bounds_are_refused() {
        for text in ["-1", "-0.000000001", "-1e-99"] {
            assert_eq!(read(text), Err(NotMoney::Negative), "{text}");
        }
        for text in [
            "1000000000.000000001",
            "1e10",
            "1e999",
            "1e99999999999999999999",
            "99999999999999999999999999",
        ] {
            assert_eq!(read(text), Err(NotMoney::TooLarge), "{text}");
        }
        for text in ["0.0000000004", "1e-10", "1e-99999999999999999999"] {
            assert_eq!(read(text), Err(NotMoney::TooSmall), "{text}");
        }
    }

    #[test]
    fn what_was_spent_is_rounded_up_however_small_it_is() {
        for (text, expected) in [
            ("0", "0"),
            ("0e-99999999999", "0"),
            ("1e-10", "0.000000001"),
            ("1e-99999999999999999999", "0.000000001"),
            ("0.0000000011", "0.000000002"),
            ("0.000000001000", "0.000000001"),
            ("0.30000000000000004", "0.300000001"),
            ("1000000000", "1000000000"),
            // The largest amount, and less than a nanodollar more.
            ("1000000000.0000000001", "1000000000"),
        ] {
            let spent = Money::up_from_number(&text.parse().unwrap());
            assert_eq!(
                spent.map(|spent| spent.to_string()).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for (text, why) in [
            ("-1e-99", NotMoney::Negative),
            ("1000000000.000000001", NotMoney::TooLarge),
        ] {
            assert_eq!(Money::up_from_number(&text.parse().unwrap()), Err(why));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanodollars in 0..=Money::MAX.nanodollars()) {
            let amount = Money::from_nanodollars(nanodollars).unwrap();
            let text = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), amount);
        }
    }
}
