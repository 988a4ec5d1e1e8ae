//! When something that is made on the command line ends: a span from now, a moment, or never.

use jiff::{Timestamp, ToSpan};

use crate::domain::values::period::Period;

/// When it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    Never,
    /// So long from now.
    After(Period),
    /// At a moment.
    At(Timestamp),
}

/// Reads `never`, a span such as `90d`, or a moment such as `2027-01-31T00:00:00Z`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_expiry(text: &str) -> std::result::Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let span = text.parse().map(Expiry::After);
    span.or_else(|()| text.parse().map(Expiry::At))
        .map_err(|_| {
            "expected a span such as 90d, a time such as 2027-01-31T00:00:00Z, or never".to_owned()
        })
}

impl Expiry {
    /// The moment, if there is one that a clock can show.
    pub fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::After(span) => {
                let seconds = span.count() * span.unit().rolling_seconds();
                now.checked_add(seconds.seconds()).ok()
            }
            Self::At(moment) => Some(moment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_a_moment_and_never_are_understood() {
        let now = Timestamp::UNIX_EPOCH;
        let at =
            |text: &str| parse_expiry(text).map(|expiry| expiry.at(now).map(Timestamp::as_second));
        assert_eq!(at("2d"), Ok(Some(172_800)));
        assert_eq!(at("1970-01-03T00:00:00Z"), Ok(Some(172_800)));
        assert_eq!(at("never"), Ok(None));
        assert!(at("soon").is_err());
    }
}
