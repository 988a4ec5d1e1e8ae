//! What holds for all windows, whatever the zone, the unit and the clock do.

use proptest::prelude::*;

use super::tests::zone;
use super::*;

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
];
const YEAR_MS: i64 = 365 * 86_400_000;

/// Instants up to the year 2500, half of them around now, where the zones change.
fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![0..60 * YEAR_MS, -100 * YEAR_MS..530 * YEAR_MS,]
}

fn any_windows() -> impl Strategy<Value = Windows> {
    let count = prop_oneof![3 => Just(1_i64), 2 => 1..=13_i64];
    (
        (count, "[smhdwMQY]"),
        prop::bool::weighted(0.8),
        prop::option::of(1..=12_i64),
        instants(),
        prop::sample::select(&ZONES[..]),
    )
        .prop_map(|((count, unit), aligned, first, anchor, name)| {
            let duration = format!("{count}{unit}").parse().unwrap();
            Windows::new(duration, aligned, first, anchor, &zone(name))
        })
}

/// Kiritimati left 31 December 1994 out; its number is passed over.
fn is_next(before: Window, after: Window) -> bool {
    after.number == before.number + 1
        || (after.number == before.number + 2
            && (before.resets_at - 788_868_000_000).abs() < 86_400_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn windows_tile_time_without_gap_or_overlap(windows in any_windows(), now in instants()) {
        let window = windows.at(now);
        prop_assert!(window.starts_at <= now && now < window.resets_at, "{window:?}");
        prop_assert_eq!(windows.at(window.starts_at), window);
        prop_assert_eq!(windows.at(window.resets_at - 1), window);
        let (before, after) = (windows.at(window.starts_at - 1), windows.at(window.resets_at));
        prop_assert_eq!(before.resets_at, window.starts_at);
        prop_assert_eq!(after.starts_at, window.resets_at);
        prop_assert!(is_next(before, window), "{before:?} {window:?}");
        prop_assert!(is_next(window, after), "{window:?} {after:?}");
    }

    #[test]
    fn aligned_windows_begin_when_their_date_does(windows in any_windows(), now in instants()) {
        let (Lattice::Days { zone, .. } | Lattice::Months { zone, .. }) = &windows.0 else {
            return Ok(());
        };
        let at = |at_ms: i64| zone.to_datetime(Timestamp::from_millisecond(at_ms).unwrap());
        let window = windows.at(now);
        let (start, before) = (at(window.starts_at), at(window.starts_at - 1));
        prop_assert!(before.date() < start.date(), "{before} {start}");
        let gap = zone.to_ambiguous_timestamp(start.date().to_datetime(jiff::civil::Time::midnight()));
        prop_assert!(
            start.time() == jiff::civil::Time::midnight()
                || matches!(gap.offset(), AmbiguousOffset::Gap { .. }),
            "{start}"
        );
        if matches!(windows.0, Lattice::Months { .. }) {
            prop_assert_eq!(start.day(), 1);
        }
    }

    #[test]
    fn a_counter_moves_to_the_window_of_now_and_never_back(
        windows in any_windows(),
        begin in instants(),
        jumps in prop::collection::vec(jumps(), 1..60),
    ) {
        let mut now = begin;
        let mut latest = begin;
        let mut current = windows.at(now);
        let mut opened = vec![current.starts_at];
        for jump in jumps {
            now += jump;
            let next = windows.follow(current, now);
            prop_assert!(next.starts_at >= current.starts_at && next.number >= current.number);
            prop_assert_eq!(windows.follow(next, now), next);
            if next == current {
                prop_assert!(now < current.resets_at);
            } else {
                prop_assert!(now >= current.resets_at);
                prop_assert_eq!(next, windows.at(now));
                opened.push(next.starts_at);
            }
            // A counter is where the latest time that was seen put it, however the clock got there.
            latest = latest.max(now);
            prop_assert_eq!(next, windows.at(latest));
            current = next;
        }
        prop_assert!(opened.is_sorted_by(|earlier, later| earlier < later), "{opened:?}");
    }

    #[test]
    fn no_instant_and_no_duration_overflows(
        now in any::<i64>(),
        other in any::<i64>(),
        anchor in any::<i64>(),
        windows in any_windows(),
        rolling in "[1-9][0-9]{0,8}[smhdwMQY]",
    ) {
        let all = rolling.parse().into_iter().map(|duration| {
            Windows::new(duration, false, None, anchor, &TimeZone::UTC)
        });
        for windows in all.chain([windows]) {
            let window = windows.at(now);
            let held = now.clamp(FIRST_MS, LAST_MS - 1);
            prop_assert!(window.starts_at <= held && held < window.resets_at);
            prop_assert!(FIRST_MS <= window.starts_at && window.resets_at <= LAST_MS);
            prop_assert!(windows.follow(window, other).starts_at >= window.starts_at);
        }
    }

    #[test]
    fn what_never_resets_is_in_one_window_at_any_time(
        anchor in any::<i64>(),
        now in any::<i64>(),
        aligned in any::<bool>(),
        first in prop::option::of(1..=12_i64),
    ) {
        let windows = Windows::new(ResetDuration::Never, aligned, first, anchor, &TimeZone::UTC);
        let window = windows.at(now);
        prop_assert_eq!(window.starts_at, anchor.clamp(FIRST_MS, LAST_MS - 1));
        prop_assert_eq!((window.resets_at, window.number), (LAST_MS, 0));
        prop_assert_eq!(windows.at(window.starts_at), window);
        prop_assert_eq!(windows.follow(window, now), window);
    }
}

/// How a clock moves between two looks at it.
fn jumps() -> impl Strategy<Value = i64> {
    let sizes = [
        1,
        999,
        1_000,
        60_000,
        3_600_000,
        86_400_000,
        31 * 86_400_000,
        YEAR_MS,
    ];
    (prop::sample::select(sizes.to_vec()), -1..=2_i64).prop_map(|(size, times)| size * times)
}

#[test]
fn windows_are_small() {
    // A million counters hold one each.
    assert!(size_of::<Windows>() <= 24, "{}", size_of::<Windows>());
}
