//! Instants as text (RFC 3339, UTC). Every decision and every line of the access log shows some, and jiff's own printer, which can do
//! more, takes several times as long.

use jiff::Timestamp;
use jiff::tz::Offset;

/// An instant to the millisecond, without the zone.
const FORM: [u8; 23] = *b"0000-00-00T00:00:00.000";
/// Where the fraction of the second begins in it.
const FRACTION: usize = 19;

/// Appends an instant in milliseconds since 1970, with as many digits of the second as it has. What lies beyond the times that jiff
/// knows, on either side, is shown as the last millisecond of them.
pub fn write_instant(out: &mut String, at_ms: i64) {
    write_cut(out, at_ms, |fraction| {
        fraction.trim_end_matches('0').trim_end_matches('.')
    });
}

/// Appends it with three digits of the second.
pub fn write_instant_in_full(out: &mut String, at_ms: i64) {
    write_cut(out, at_ms, |fraction| fraction);
}

fn write_cut(out: &mut String, at_ms: i64, cut: impl FnOnce(&str) -> &str) {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX);
    let time = Offset::UTC.to_datetime(at);
    let mut form = FORM;
    for (place, number) in [
        (0..4, time.year()),
        (5..7, time.month().into()),
        (8..10, time.day().into()),
        (11..13, time.hour().into()),
        (14..16, time.minute().into()),
        (17..19, time.second().into()),
        (20..23, time.millisecond()),
    ] {
        // Years before the first, in which nothing happened here, are shown without their sign.
        let mut rest = number.unsigned_abs();
        for digit in form[place].iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    }
    // All of it is ASCII.
    let text = std::str::from_utf8(&form).unwrap_or_default();
    let (seconds, fraction) = text.split_at(FRACTION);
    out.push_str(seconds);
    out.push_str(cut(fraction));
    out.push('Z');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(at_ms: i64) {
        let at = Timestamp::from_millisecond(at_ms).unwrap();
        let (mut short, mut full) = (String::new(), String::new());
        write_instant(&mut short, at_ms);
        write_instant_in_full(&mut full, at_ms);
        assert_eq!(short, at.to_string());
        assert_eq!(full, format!("{at:.3}"));
    }

    #[test]
    fn the_edges_of_seconds_days_and_leap_years_are_what_jiff_shows() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "2024-02-29T12:00:00.1Z",
            "2100-02-28T23:59:59.01Z",
            "2000-12-31T23:59:59.12Z",
            "0001-01-01T00:00:00.1Z",
            "9999-12-30T21:59:59.99Z",
        ] {
            check(text.parse::<Timestamp>().unwrap().as_millisecond());
        }
    }

    #[test]
    fn what_is_beyond_all_times_is_shown_as_the_last() {
        let mut out = String::new();
        write_instant(&mut out, i64::MAX);
        assert_eq!(out, "9999-12-30T22:00:00.999Z");
    }

    proptest! {
        #[test]
        fn any_instant_is_what_jiff_shows(at_ms in -62_135_596_800_000_i64..=253_402_207_200_000) {
            check(at_ms);
        }
    }
}
