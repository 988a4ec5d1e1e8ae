//! Tables of windows, each written down from a calendar; what holds for all windows is in `properties`.

use jiff::tz::TimeZoneDatabase;

use super::*;

/// A zone as the tests bundle it, whatever the machine has.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

pub(super) fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
        .as_millisecond()
}

fn shown(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

pub(super) fn aligned(duration: &str, zone_name: &str) -> Windows {
    Windows::new(duration.parse().unwrap(), true, None, 0, &zone(zone_name))
}

pub(super) fn rolling(duration: &str, anchor_ms: i64) -> Windows {
    let duration = duration.parse().unwrap();
    Windows::new(duration, false, None, anchor_ms, &TimeZone::UTC)
}

/// Compares windows with lines of `duration | now | starts at | resets at`.
#[track_caller]
fn assert_table(windows: impl Fn(&str) -> Windows, table: &str) {
    for line in table.lines().filter(|line| line.contains('|')) {
        let [duration, now, starts, resets] =
            line.split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("{line}");
        };
        let window = windows(duration).at(ms(now));
        assert_eq!(
            (shown(window.starts_at), shown(window.resets_at)),
            (shown(ms(starts)), shown(ms(resets))),
            "{line}"
        );
    }
}

#[test]
fn rolling_windows_lie_on_the_lattice_of_their_anchor() {
    assert_table(
        |duration| rolling(duration, ms("2024-02-28T10:20:30.456Z")),
        "1s  | 2024-02-28T10:20:31.455Z | 2024-02-28T10:20:30.456Z | 2024-02-28T10:20:31.456Z
         90s | 2024-02-28T10:22:00.456Z | 2024-02-28T10:22:00.456Z | 2024-02-28T10:23:30.456Z
         5m  | 2024-02-28T10:26:00Z     | 2024-02-28T10:25:30.456Z | 2024-02-28T10:30:30.456Z
         1h  | 2024-02-28T10:20:30.455Z | 2024-02-28T09:20:30.456Z | 2024-02-28T10:20:30.456Z
         36h | 2024-03-01T00:00:00Z     | 2024-02-29T22:20:30.456Z | 2024-03-02T10:20:30.456Z
         1d  | 2024-02-29T12:00:00Z     | 2024-02-29T10:20:30.456Z | 2024-03-01T10:20:30.456Z
         2w  | 2024-03-20T12:00:00Z     | 2024-03-13T10:20:30.456Z | 2024-03-27T10:20:30.456Z
         1M  | 2024-02-28T10:20:30.456Z | 2024-02-28T10:20:30.456Z | 2024-03-29T10:20:30.456Z
         1M  | 2024-03-29T10:20:30.456Z | 2024-03-29T10:20:30.456Z | 2024-04-28T10:20:30.456Z
         1Q  | 2024-03-01T00:00:00Z     | 2024-02-28T10:20:30.456Z | 2024-05-28T10:20:30.456Z
         1Y  | 2024-03-01T00:00:00Z     | 2024-02-28T10:20:30.456Z | 2025-02-27T10:20:30.456Z
         1Y  | 2024-02-28T10:20:30.455Z | 2023-02-28T10:20:30.456Z | 2024-02-28T10:20:30.456Z",
    );
}

#[test]
fn aligned_windows_begin_with_the_calendar() {
    assert_table(
        |duration| aligned(duration, "UTC"),
        "1d | 2024-02-29T23:59:59.999Z | 2024-02-29T00:00:00Z | 2024-03-01T00:00:00Z
         1d | 2023-02-28T12:00:00Z     | 2023-02-28T00:00:00Z | 2023-03-01T00:00:00Z
         1d | 1969-12-31T23:59:59.999Z | 1969-12-31T00:00:00Z | 1970-01-01T00:00:00Z
         1w | 2024-03-01T12:00:00Z     | 2024-02-26T00:00:00Z | 2024-03-04T00:00:00Z
         1w | 1970-01-01T00:00:00Z     | 1969-12-29T00:00:00Z | 1970-01-05T00:00:00Z
         1M | 2024-02-29T12:00:00Z     | 2024-02-01T00:00:00Z | 2024-03-01T00:00:00Z
         1M | 2100-02-28T12:00:00Z     | 2100-02-01T00:00:00Z | 2100-03-01T00:00:00Z
         1M | 2024-12-31T23:59:59.999Z | 2024-12-01T00:00:00Z | 2025-01-01T00:00:00Z
         1Q | 2024-03-31T12:00:00Z     | 2024-01-01T00:00:00Z | 2024-04-01T00:00:00Z
         1Q | 2024-12-31T12:00:00Z     | 2024-10-01T00:00:00Z | 2025-01-01T00:00:00Z
         1Y | 2024-12-31T23:59:59.999Z | 2024-01-01T00:00:00Z | 2025-01-01T00:00:00Z
         1Y | 2025-01-01T00:00:00Z     | 2025-01-01T00:00:00Z | 2026-01-01T00:00:00Z",
    );
    // A year is as long as the calendar has it.
    let days = |year: &str| {
        let window = aligned("1Y", "UTC").at(ms(&format!("{year}-06-01T00:00:00Z")));
        (window.resets_at - window.starts_at) / 86_400_000
    };
    assert_eq!(
        ["1900", "2000", "2023", "2024"].map(days),
        [365, 366, 365, 366]
    );
}

#[test]
fn aligned_windows_of_several_units_lie_on_a_grid_from_1970() {
    assert_table(
        |duration| aligned(duration, "UTC"),
        "2d   | 1970-01-02T12:00:00Z | 1970-01-01T00:00:00Z | 1970-01-03T00:00:00Z
         2d   | 2024-03-01T12:00:00Z | 2024-02-29T00:00:00Z | 2024-03-02T00:00:00Z
         10d  | 2024-03-01T12:00:00Z | 2024-02-27T00:00:00Z | 2024-03-08T00:00:00Z
         2w   | 2024-03-01T12:00:00Z | 2024-02-19T00:00:00Z | 2024-03-04T00:00:00Z
         2w   | 1970-01-18T12:00:00Z | 1970-01-05T00:00:00Z | 1970-01-19T00:00:00Z
         2M   | 2024-02-29T12:00:00Z | 2024-01-01T00:00:00Z | 2024-03-01T00:00:00Z
         5M   | 2024-02-29T12:00:00Z | 2023-10-01T00:00:00Z | 2024-03-01T00:00:00Z
         2Q   | 2024-05-01T12:00:00Z | 2024-01-01T00:00:00Z | 2024-07-01T00:00:00Z
         3Q   | 1969-12-31T12:00:00Z | 1969-04-01T00:00:00Z | 1970-01-01T00:00:00Z
         2Y   | 2025-12-31T12:00:00Z | 2024-01-01T00:00:00Z | 2026-01-01T00:00:00Z
         3Y   | 2024-02-29T12:00:00Z | 2024-01-01T00:00:00Z | 2027-01-01T00:00:00Z
         100Y | 2024-02-29T12:00:00Z | 1970-01-01T00:00:00Z | 2070-01-01T00:00:00Z",
    );
}

#[test]
fn windows_under_a_day_never_align() {
    for duration in ["1s", "60s", "5m", "60m", "1h", "24h", "48h"] {
        let anchor = ms("2024-02-28T10:20:30.456Z");
        let asked = Windows::new(
            duration.parse().unwrap(),
            true,
            None,
            anchor,
            &zone("Europe/Berlin"),
        );
        assert_eq!(asked, rolling(duration, anchor), "{duration}");
        assert_eq!(asked.at(anchor).starts_at, anchor, "{duration}");
    }
}

#[test]
fn fiscal_quarters_begin_with_every_month() {
    for first in 1..=12 {
        let windows = |duration: &str| {
            Windows::new(
                duration.parse().unwrap(),
                true,
                Some(first),
                0,
                &TimeZone::UTC,
            )
        };
        for month in 1..=12_i8 {
            let begins = |at: i64| {
                let date = local_date(at, &TimeZone::UTC);
                assert_eq!((at % 86_400_000, date.day()), (0, 1));
                (i64::from(date.year()), i64::from(date.month()))
            };
            let now = ms(&format!("2024-{month:02}-29T00:00:00Z"));
            let window = windows("1Q").at(now);
            // Walk back from the month to the nearest one in which a quarter of that fiscal year begins.
            let mut expected = (2024, i64::from(month));
            while (expected.1 - first).rem_euclid(3) != 0 {
                expected = if expected.1 == 1 {
                    (expected.0 - 1, 12)
                } else {
                    (expected.0, expected.1 - 1)
                };
            }
            assert_eq!(begins(window.starts_at), expected, "{first} {month}");
            let after = expected.1 + 3;
            let expected = (expected.0 + i64::from(after > 12), (after - 1) % 12 + 1);
            assert_eq!(begins(window.resets_at), expected, "{first} {month}");
        }
        // Several quarters are counted from the fiscal year that began in 1970; four of them are that year.
        let year = windows("4Q").at(ms("2024-02-29T00:00:00Z"));
        assert_eq!(
            i64::from(local_date(year.starts_at, &TimeZone::UTC).month()),
            first
        );
        let begun = windows("2Q").at(ms(&format!("1970-{first:02}-01T00:00:00Z")));
        assert_eq!(
            (shown(begun.starts_at), begun.number),
            (format!("1970-{first:02}-01T00:00:00Z"), 0)
        );
        // Other units know no fiscal year.
        assert_eq!(windows("1Y"), aligned("1Y", "UTC"));
        assert_eq!(windows("3M"), aligned("3M", "UTC"));
    }
}

#[test]
fn days_are_as_long_as_daylight_saving_makes_them() {
    let berlin = "
        1d | 2024-03-31T12:00:00+02:00 | 2024-03-31T00:00:00+01:00 | 2024-04-01T00:00:00+02:00
        1d | 2024-10-27T02:30:00+02:00 | 2024-10-27T00:00:00+02:00 | 2024-10-28T00:00:00+01:00
        1d | 2024-10-27T02:30:00+01:00 | 2024-10-27T00:00:00+02:00 | 2024-10-28T00:00:00+01:00
        1d | 2024-10-27T23:59:59+01:00 | 2024-10-27T00:00:00+02:00 | 2024-10-28T00:00:00+01:00
        1w | 2024-03-31T12:00:00+02:00 | 2024-03-25T00:00:00+01:00 | 2024-04-01T00:00:00+02:00
        1M | 2024-03-31T22:30:00Z      | 2024-04-01T00:00:00+02:00 | 2024-05-01T00:00:00+02:00
        1M | 2024-10-31T23:30:00+01:00 | 2024-10-01T00:00:00+02:00 | 2024-11-01T00:00:00+01:00
        1Q | 2024-03-31T12:00:00+02:00 | 2024-01-01T00:00:00+01:00 | 2024-04-01T00:00:00+02:00
        1Y | 2024-12-31T23:30:00Z      | 2025-01-01T00:00:00+01:00 | 2026-01-01T00:00:00+01:00";
    assert_table(|duration| aligned(duration, "Europe/Berlin"), berlin);
    let new_york = "
        1d | 2024-03-10T12:00:00-04:00 | 2024-03-10T00:00:00-05:00 | 2024-03-11T00:00:00-04:00
        1d | 2024-11-03T01:30:00-04:00 | 2024-11-03T00:00:00-04:00 | 2024-11-04T00:00:00-05:00
        1d | 2024-11-03T01:30:00-05:00 | 2024-11-03T00:00:00-04:00 | 2024-11-04T00:00:00-05:00
        1w | 2024-11-03T23:59:59-05:00 | 2024-10-28T00:00:00-04:00 | 2024-11-04T00:00:00-05:00
        1M | 2024-11-01T03:59:59Z      | 2024-10-01T00:00:00-04:00 | 2024-11-01T00:00:00-04:00
        1Q | 2024-12-31T23:59:59-05:00 | 2024-10-01T00:00:00-04:00 | 2025-01-01T00:00:00-05:00
        1Y | 2024-07-04T12:00:00-04:00 | 2024-01-01T00:00:00-05:00 | 2025-01-01T00:00:00-05:00";
    assert_table(|duration| aligned(duration, "America/New_York"), new_york);
    for (zone_name, day, hours) in [
        ("Europe/Berlin", "2024-03-31T12:00:00Z", 23),
        ("Europe/Berlin", "2024-10-27T12:00:00Z", 25),
        ("America/New_York", "2024-03-10T12:00:00Z", 23),
        ("America/New_York", "2024-11-03T12:00:00Z", 25),
        ("Australia/Lord_Howe", "2024-04-06T23:00:00Z", 24),
    ] {
        let window = aligned("1d", zone_name).at(ms(day));
        let length = (window.resets_at - window.starts_at) / 3_600_000;
        assert_eq!(length, hours, "{zone_name} {day}");
    }
}

#[test]
fn a_midnight_that_does_not_exist_is_the_first_instant_after_the_gap() {
    let tables = [
        (
            "America/Santiago",
            "1d | 2024-09-07T12:00:00-04:00 | 2024-09-07T00:00:00-04:00 | 2024-09-08T01:00:00-03:00
             1d | 2024-09-08T12:00:00-03:00 | 2024-09-08T01:00:00-03:00 | 2024-09-09T00:00:00-03:00
             1d | 2024-04-06T23:30:00-04:00 | 2024-04-06T00:00:00-03:00 | 2024-04-07T00:00:00-04:00",
        ),
        (
            "Asia/Beirut",
            "1d | 2024-03-31T12:00:00+03:00 | 2024-03-31T01:00:00+03:00 | 2024-04-01T00:00:00+03:00
             1d | 2024-10-26T23:30:00+02:00 | 2024-10-26T00:00:00+03:00 | 2024-10-27T00:00:00+02:00",
        ),
        (
            "Africa/Cairo",
            "1d | 2024-04-26T12:00:00+03:00 | 2024-04-26T01:00:00+03:00 | 2024-04-27T00:00:00+03:00",
        ),
        // The gap begins before midnight: half past eleven became half past twelve.
        (
            "America/Toronto",
            "1d | 1919-03-30T23:00:00-05:00 | 1919-03-30T00:00:00-05:00 | 1919-03-31T00:30:00-04:00",
        ),
    ];
    for (zone_name, table) in tables {
        assert_table(|duration| aligned(duration, zone_name), table);
    }
}

#[test]
fn a_midnight_that_comes_twice_counts_once() {
    // One o'clock became midnight again.
    assert_table(
        |duration| aligned(duration, "America/Havana"),
        "1d | 2024-11-03T00:30:00-05:00 | 2024-11-03T00:00:00-04:00 | 2024-11-04T00:00:00-05:00",
    );
    // A minute after midnight became a minute past eleven of the day before; the new day had begun.
    assert_table(
        |duration| aligned(duration, "America/St_Johns"),
        "1d | 2010-11-06T23:30:00-03:30 | 2010-11-07T00:00:00-02:30 | 2010-11-08T00:00:00-03:30
         1d | 2010-11-06T23:59:59-02:30 | 2010-11-06T00:00:00-02:30 | 2010-11-07T00:00:00-02:30",
    );
}

#[test]
fn a_day_that_a_zone_left_out_has_no_window() {
    let windows = aligned("1d", "Pacific/Apia");
    let last = windows.at(ms("2011-12-29T23:00:00-10:00"));
    let next = windows.at(ms("2011-12-31T00:00:00+14:00"));
    assert_eq!(last.resets_at, next.starts_at);
    assert_eq!(next.number, last.number + 2);
    assert_eq!(windows.at(next.starts_at - 1), last);
}

#[test]
fn the_ends_of_time_are_the_last_windows() {
    assert_eq!(FIRST_MS, Timestamp::MIN.as_millisecond());
    assert_eq!(LAST_MS / 1_000, Timestamp::MAX.as_second());
    assert_eq!(ms(&shown(LAST_MS)), LAST_MS);
    let names = ["UTC", "Pacific/Kiritimati", "Pacific/Niue", "Europe/Berlin"];
    for duration in [
        "1s", "7h", "1d", "36500d", "3w", "1M", "1Q", "7Q", "1Y", "100Y",
    ] {
        let all = names.map(|name| aligned(duration, name));
        let far = [i64::MIN, FIRST_MS, 0, LAST_MS, i64::MAX].map(|at| rolling(duration, at));
        for windows in all.into_iter().chain(far) {
            for now in [i64::MIN, FIRST_MS - 1, FIRST_MS, FIRST_MS + 1] {
                let window = windows.at(now);
                assert_eq!(window.starts_at, FIRST_MS, "{windows:?}");
                assert!(window.resets_at > FIRST_MS, "{windows:?}");
            }
            for now in [i64::MAX, LAST_MS + 1, LAST_MS, LAST_MS - 1] {
                let window = windows.at(now);
                assert_eq!(window.resets_at, LAST_MS, "{windows:?}");
                assert!(window.starts_at < LAST_MS, "{windows:?}");
                assert_eq!(windows.follow(window, now), window);
            }
        }
    }
}
