//! A call belongs to the windows in which it was let in: what it holds, what an extension adds and what it is charged stay there.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{LimitState, Presented, Refusal, ReservationId};
use tollkeeper::domain::limits::budget_override::{BudgetOverride, BudgetPlace};
use tollkeeper::domain::limits::limit::{CounterKey, LimitKind};
use tollkeeper::domain::settings::{DecisionSettings, OnExpiry};
use tollkeeper::domain::values::money::Money;
use tollkeeper::error::Error;
use tollkeeper::ledger::Extension;
use tollkeeper::store::access_profiles::policies;
use tollkeeper::store::people::budget_overrides;

use crate::house::{House, NOON, call, owner, quick};
use crate::plan::{DOLLAR, duration};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const CENT: i64 = DOLLAR / 100;

/// A budget of a dollar, 100 tokens and 3 requests, each a minute.
fn a_minute() -> serde_json::Value {
    json!({
        "name": "a minute",
        "budgets": [{"max_limit": 1, "reset_duration": "1m"}],
        "rate_limit": {"token_max_limit": 100, "token_reset_duration": "1m",
                       "request_max_limit": 3, "request_reset_duration": "1m"},
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    })
}

/// The same with a prepaid budget of so many dollars.
fn prepaid(dollars: i64) -> serde_json::Value {
    let mut body = a_minute();
    body["budgets"] = json!([{"max_limit": dollars, "reset_duration": "never"}]);
    body
}

type Decided<T> = Result<T, Box<Refusal>>;

/// A user with a copy, by user and copy, and a key.
struct Holder {
    copy: (i64, i64),
    key: Presented,
}

fn furnished(settings: DecisionSettings) -> (House, Holder) {
    furnished_with(settings, &a_minute())
}

fn furnished_with(settings: DecisionSettings, body: &serde_json::Value) -> (House, Holder) {
    let house = House::new(settings);
    let profile = house.profile_of(body);
    let user = house.user(0);
    let (copy, key) = house.give(user, profile);
    let copy = (user, copy);
    (house, Holder { copy, key })
}

fn cents(amount: i64) -> Option<Money> {
    Money::from_nanodollars(amount * CENT)
}

fn spent(tokens: i64, cost: i64) -> Spent {
    Spent::of(tokens, cents(cost).unwrap())
}

/// Asks for a call of so many tokens and cents.
fn reserve(house: &House, holder: &Holder, tokens: i64, cost: i64) -> Decided<ReservationId> {
    let mut asked = call(holder.key, None, "m");
    asked.particulars.estimated_tokens = Some(tokens);
    asked.particulars.estimated_cost = cents(cost);
    let granted = house.ledger.reserve(asked).wait().unwrap();
    granted.map(|granted| granted.reservation).map_err(Box::new)
}

fn settle(house: &House, id: ReservationId, tokens: i64, cost: i64) {
    let settled = house.ledger.settle(id, spent(tokens, cost), owner());
    settled.wait().unwrap();
}

fn extend(house: &House, id: ReservationId, tokens: i64, cost: i64) -> Decided<()> {
    let to = Extension {
        estimated_tokens: Some(tokens),
        estimated_cost: cents(cost),
        ttl: Some(Duration::from_hours(1)),
    };
    let extended = house.ledger.extend(id, to, owner()).wait().unwrap();
    extended.map(drop).map_err(Box::new)
}

/// Used and held of cents, tokens and requests in the windows that are open.
fn open_windows(house: &House, holder: &Holder) -> [(i64, i64); 3] {
    let asked = call(holder.key, None, "m");
    let explained = house.ledger.explain(asked).wait().unwrap();
    let states: Vec<&LimitState> = explained.copies[0]
        .limits
        .iter()
        .map(|limit| &limit.state)
        .collect();
    let shown = house.ledger.counts_of(vec![holder.copy], house.now_ms());
    let shown = &shown.unwrap()[&holder.copy.1];
    let of = |kind, unit| {
        let state = states.iter().find(|state| state.kind == kind).unwrap();
        let count = shown.iter().find(|(place, _)| *place == state.place_id);
        // A copy is shown as it is explained.
        let count = count.unwrap().1;
        assert_eq!(
            (count.used, count.held),
            (state.used, i128::from(state.held))
        );
        (state.used / unit, state.held / unit)
    };
    [
        of(LimitKind::Budget, CENT),
        of(LimitKind::Tokens, 1),
        of(LimitKind::Requests, 1),
    ]
}

const NOTHING: [(i64, i64); 3] = [(0, 0); 3];

/// What the history says of each day since noon: calls, tokens, cents.
fn history(house: &House) -> Vec<(i64, i64, i64, i64)> {
    house.ledger.flush().wait().unwrap();
    let first = NOON / DAY;
    let database = Connection::open(house.root.path().join("tollkeeper.db")).unwrap();
    let mut statement = database
        .prepare("SELECT day, sum(calls), sum(tokens), sum(cost) FROM usage_days GROUP BY day HAVING sum(calls) > 0 ORDER BY day")
        .unwrap();
    let days = statement.query_map([], |row| {
        let day: i64 = row.get(0)?;
        let cost: i64 = row.get(3)?;
        Ok((day - first, row.get(1)?, row.get(2)?, cost / CENT))
    });
    days.unwrap().map(Result::unwrap).collect()
}

/// How many counters of closed windows are kept.
fn closed(house: &House) -> i64 {
    let database = Connection::open(house.root.path().join("tollkeeper.db")).unwrap();
    let sql = "SELECT count(*) FROM closed_counters";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_new_window_begins_empty_while_calls_of_the_one_before_run() {
    let (house, ada) = furnished(quick());
    let running = reserve(&house, &ada, 80, 60).unwrap();
    assert_eq!(open_windows(&house, &ada), [(0, 60), (0, 80), (0, 1)]);
    assert!(reserve(&house, &ada, 80, 60).is_err());
    house.advance(MINUTE);
    assert_eq!(open_windows(&house, &ada), NOTHING);
    let next = reserve(&house, &ada, 80, 60).unwrap();
    assert_eq!(open_windows(&house, &ada), [(0, 60), (0, 80), (0, 1)]);
    // Whatever the first really used, the second window knows nothing of it.
    settle(&house, running, 100, 100);
    assert_eq!(open_windows(&house, &ada), [(0, 60), (0, 80), (0, 1)]);
    settle(&house, next, 70, 50);
    assert_eq!(open_windows(&house, &ada), [(50, 0), (70, 0), (1, 0)]);
    assert_eq!(closed(&house), 0);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_restart_changes_nothing_of_it() {
    let (house, ada) = furnished(quick());
    let [first, second] = [40, 20].map(|cost| reserve(&house, &ada, 10, cost).unwrap());
    house.advance(MINUTE);
    let house = house.crash();
    assert_eq!(open_windows(&house, &ada), NOTHING);
    let third = reserve(&house, &ada, 10, 90).unwrap();
    assert_eq!(closed(&house), 3);
    let house = house.crash();
    settle(&house, first, 10, 40);
    assert_eq!(open_windows(&house, &ada), [(0, 90), (0, 10), (0, 1)]);
    // 40 of the dollar are spent and 20 held: 40 may be added, and not 41.
    let house = house.crash();
    house.assert_counters_follow_from_the_journal();
    assert!(extend(&house, second, 10, 61).is_err());
    extend(&house, second, 10, 60).unwrap();
    let house = house.crash();
    assert!(extend(&house, second, 10, 61).is_err());
    settle(&house, second, 10, 60);
    assert_eq!(closed(&house), 0);
    let house = house.crash();
    settle(&house, third, 10, 1);
    assert_eq!(open_windows(&house, &ada), [(1, 0), (10, 0), (1, 0)]);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn what_an_extension_adds_must_fit_where_the_call_was_let_in() {
    let (house, ada) = furnished(quick());
    let [long, other] = [50, 30].map(|cost| reserve(&house, &ada, 10, cost).unwrap());
    // In the open window too, no later one gives it room: nobody is told to wait.
    let refusal = extend(&house, long, 10, 71).unwrap_err();
    assert_eq!(refusal.retry_after_ms, None);
    house.advance(MINUTE);
    // Whether or not somebody has called in the next window.
    for _ in 0..2 {
        let refusal = extend(&house, long, 10, 71).unwrap_err();
        let limit = refusal.limit.unwrap();
        assert_eq!((limit.used, limit.held), (0, 80 * CENT));
        assert_eq!(limit.resets_at, Some(NOON + MINUTE));
        assert_eq!(refusal.retry_after_ms, None);
        assert!(
            refusal.message.contains(
                "what is added stays in the window in which the call was let in, until 2026-06-01T12:01:00Z"
            ),
            "{}",
            refusal.message
        );
        let now = reserve(&house, &ada, 1, 1).unwrap();
        house.ledger.cancel(now, owner()).wait().unwrap();
    }
    extend(&house, long, 10, 70).unwrap();
    assert_eq!(open_windows(&house, &ada), NOTHING);
    settle(&house, other, 0, 0);
    extend(&house, long, 10, 100).unwrap();
    assert!(extend(&house, long, 91, 101).is_err());
    settle(&house, long, 10, 100);
    assert_eq!(open_windows(&house, &ada), NOTHING);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn what_expires_is_charged_or_given_back_where_it_was_held() {
    for on_expiry in [OnExpiry::Charge, OnExpiry::Release] {
        let (house, ada) = furnished(DecisionSettings {
            on_expiry,
            ..quick()
        });
        let expiring = reserve(&house, &ada, 80, 60).unwrap();
        let long = reserve(&house, &ada, 1, 1).unwrap();
        extend(&house, long, 1, 2).unwrap();
        house.advance(20 * MINUTE);
        assert_eq!(open_windows(&house, &ada), NOTHING);
        let left = if on_expiry == OnExpiry::Charge {
            40
        } else {
            100
        };
        assert!(extend(&house, long, 1, left + 1).is_err());
        // A settlement that comes late takes the place of that.
        settle(&house, expiring, 20, 10);
        assert!(extend(&house, long, 1, 91).is_err());
        extend(&house, long, 1, 90).unwrap();
        assert_eq!(open_windows(&house, &ada), NOTHING);
        house.assert_counters_follow_from_the_journal();
    }
}

#[test]
fn when_the_closed_counter_is_gone_the_history_alone_is_corrected() {
    let (house, ada) = furnished(quick());
    let late = reserve(&house, &ada, 80, 60).unwrap();
    house.advance(20 * MINUTE);
    let now = reserve(&house, &ada, 10, 10).unwrap();
    assert_eq!((closed(&house), history(&house)), (0, vec![(0, 1, 80, 60)]));
    settle(&house, late, 200, 300);
    assert_eq!(open_windows(&house, &ada), [(0, 10), (0, 10), (0, 1)]);
    assert_eq!(history(&house), [(0, 1, 200, 300)]);
    settle(&house, now, 10, 10);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn the_day_of_a_call_is_that_on_which_it_was_let_in() {
    let (house, ada) = furnished(quick());
    let ids = [0, 1, 2].map(|_| reserve(&house, &ada, 10, 10).unwrap());
    extend(&house, ids[2], 10, 20).unwrap();
    house.advance(13 * 60 * MINUTE);
    let house = house.crash();
    // The first two have expired by now, and so has the third.
    assert_eq!(history(&house), [(0, 3, 30, 40)]);
    settle(&house, ids[0], 1, 1);
    house.ledger.cancel(ids[1], owner()).wait().unwrap();
    assert_eq!(history(&house), [(0, 2, 11, 21)]);
    // What was never let in belongs to the time of its report.
    let charged = call(ada.key, None, "m");
    house
        .ledger
        .charge(charged, spent(5, 5))
        .wait()
        .unwrap()
        .unwrap();
    assert_eq!(history(&house), [(0, 2, 11, 21), (1, 1, 5, 5)]);
    assert_eq!(open_windows(&house, &ada), [(5, 0), (5, 0), (1, 0)]);
}

#[test]
fn a_reset_by_hand_forgets_what_was_used_and_keeps_what_is_held() {
    let (house, ada) = furnished(quick());
    let used = reserve(&house, &ada, 50, 50).unwrap();
    let held = reserve(&house, &ada, 20, 20).unwrap();
    settle(&house, used, 50, 50);
    house.follow_body(&[ada.copy], &a_minute(), true);
    let house = house.crash();
    assert_eq!(open_windows(&house, &ada), [(0, 20), (0, 20), (0, 1)]);
    extend(&house, held, 20, 100).unwrap();
    assert!(extend(&house, held, 20, 101).is_err());
    house.advance(MINUTE);
    reserve(&house, &ada, 1, 1).unwrap();
    // What the window that is over used is no matter of a reset any more: it has been forgotten by itself.
    house.follow_body(&[ada.copy], &a_minute(), true);
    assert_eq!(open_windows(&house, &ada), [(0, 1), (0, 1), (0, 1)]);
    let house = house.crash();
    assert!(extend(&house, held, 20, 101).is_err());
    settle(&house, held, 20, 100);
    assert_eq!(open_windows(&house, &ada), [(0, 1), (0, 1), (0, 1)]);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_prepaid_budget_goes_on_from_the_assignment_whatever_time_passes() {
    let (house, ada) = furnished(quick());
    house.follow_body(&[ada.copy], &prepaid(1), false);
    let first = reserve(&house, &ada, 1, 40).unwrap();
    house.advance(400 * DAY);
    // What has expired was charged; what is settled late takes its place in the same window.
    assert_eq!(open_windows(&house, &ada), [(40, 0), (0, 0), (0, 0)]);
    let house = house.crash();
    settle(&house, first, 1, 50);
    let second = reserve(&house, &ada, 1, 30).unwrap();
    assert_eq!(open_windows(&house, &ada), [(50, 30), (0, 1), (0, 1)]);
    let refusal = extend(&house, second, 1, 51).unwrap_err();
    assert!(
        refusal.message.ends_with("it never resets: have it raised"),
        "{}",
        refusal.message
    );
    // The clock goes back behind the assignment, and the sum knows nothing of it.
    house.advance(-500 * DAY);
    let house = house.crash();
    assert_eq!(open_windows(&house, &ada)[0], (50, 30));
    house.advance(500 * DAY);
    // Turning the calendar on or off moves nothing of it.
    let mut aligned = prepaid(1);
    aligned["calendar_aligned"] = json!(true);
    house.follow_body(&[ada.copy], &aligned, false);
    assert_eq!(open_windows(&house, &ada)[0], (50, 30));
    let refusal = reserve(&house, &ada, 1, 21).unwrap_err();
    assert_eq!(refusal.retry_after_ms, None);
    let limit = refusal.limit.unwrap();
    assert_eq!((limit.starts_at, limit.resets_at), (NOON, None));
    // Topping it up keeps what was used.
    house.follow_body(&[ada.copy], &prepaid(2), false);
    let house = house.crash();
    assert_eq!(open_windows(&house, &ada)[0], (50, 30));
    reserve(&house, &ada, 1, 121).unwrap_err();
    reserve(&house, &ada, 1, 120).unwrap();
    settle(&house, second, 1, 30);
    assert_eq!(open_windows(&house, &ada)[0], (80, 120));
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_prepaid_budget_that_comes_later_counts_what_is_open() {
    let (house, ada) = furnished(quick());
    let used = reserve(&house, &ada, 1, 30).unwrap();
    let running = reserve(&house, &ada, 1, 20).unwrap();
    settle(&house, used, 1, 30);
    house.advance(2 * MINUTE);
    house.follow_body(&[ada.copy], &prepaid(1), false);
    assert_eq!(open_windows(&house, &ada), [(0, 20), (0, 0), (0, 0)]);
    settle(&house, running, 1, 25);
    assert_eq!(open_windows(&house, &ada), [(25, 0), (0, 0), (0, 0)]);
    // By hand alone it begins anew.
    house.follow_body(&[ada.copy], &prepaid(1), true);
    let house = house.crash();
    assert_eq!(open_windows(&house, &ada), NOTHING);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn what_expired_before_a_reset_counts_after_it_only_what_comes_on_top() {
    let (house, ada) = furnished(quick());
    let mut body = a_minute();
    for rate in ["token_reset_duration", "request_reset_duration"] {
        body["rate_limit"][rate] = json!("1d");
    }
    body["budgets"][0]["reset_duration"] = json!("1d");
    house.follow_body(&[ada.copy], &body, false);
    let expiring = [0, 1].map(|_| reserve(&house, &ada, 10, 10).unwrap());
    let held = reserve(&house, &ada, 1, 1).unwrap();
    extend(&house, held, 1, 2).unwrap();
    house.advance(20 * MINUTE);
    assert_eq!(open_windows(&house, &ada), [(20, 2), (20, 1), (2, 1)]);
    house.ledger.cancel(expiring[0], owner()).wait().unwrap();
    house.follow_body(&[ada.copy], &body, true);
    settle(&house, expiring[0], 15, 15);
    settle(&house, expiring[1], 3, 3);
    assert_eq!(open_windows(&house, &ada), [(5, 2), (5, 1), (0, 1)]);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_new_limit_counts_the_calls_that_were_let_in_in_its_open_window() {
    let (house, ada) = furnished(quick());
    let mut body = a_minute();
    body["budgets"] = json!([{"max_limit": 10, "reset_duration": "1h"}]);
    house.follow_body(&[ada.copy], &body, false);
    let before = reserve(&house, &ada, 10, 200).unwrap();
    house.advance(MINUTE);
    let [paid, running] = [300, 40].map(|cost| reserve(&house, &ada, 10, cost).unwrap());
    settle(&house, paid, 10, 300);
    // What was spent before it came is not its own.
    house.follow_body(&[ada.copy], &a_minute(), false);
    let house = house.crash();
    assert_eq!(open_windows(&house, &ada), [(0, 40), (10, 10), (1, 1)]);
    assert!(extend(&house, running, 10, 101).is_err());
    extend(&house, running, 10, 100).unwrap();
    // Nothing of the call from before its window, which its own limit of tokens goes on to count.
    extend(&house, before, 10, 500).unwrap();
    assert!(extend(&house, before, 101, 500).is_err());
    settle(&house, before, 10, 500);
    assert_eq!(open_windows(&house, &ada), [(0, 100), (10, 10), (1, 1)]);
    // A limit that comes back is a new one.
    house.follow_body(&[ada.copy], &body, false);
    house.follow_body(&[ada.copy], &a_minute(), false);
    assert_eq!(open_windows(&house, &ada), [(0, 100), (10, 10), (1, 1)]);
    let house = house.crash();
    settle(&house, running, 10, 90);
    assert_eq!(open_windows(&house, &ada), [(90, 0), (20, 0), (2, 0)]);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn counters_of_closed_windows_go_with_their_limits() {
    let (house, ada) = furnished(quick());
    let running = reserve(&house, &ada, 10, 50).unwrap();
    house.advance(MINUTE);
    reserve(&house, &ada, 10, 50).unwrap();
    assert_eq!(closed(&house), 3);
    let mut body = a_minute();
    body["budgets"] = json!([]);
    house.follow_body(&[ada.copy], &body, false);
    assert_eq!(closed(&house), 2);
    settle(&house, running, 10, 50);
    assert_eq!(closed(&house), 0);
}

/// Raises the budget from the window on that began at `anchor_at`.
fn raise(house: &House, ada: &Holder, by: i64, cycles: Option<i64>, anchor_at: i64) {
    let (user_id, copy_id) = ada.copy;
    let at = BudgetPlace {
        user_id,
        access_profile_id: 1,
        budget_id: String::new(),
    };
    let put = house.change(move |work| {
        let key = CounterKey {
            kind: LimitKind::Budget,
            provider_key: "".into(),
            reset_duration: duration("1m"),
        };
        let over = BudgetOverride {
            place_id: policies::get_place_id(work, &key)?,
            amount: cents(by).unwrap(),
            cycles,
            anchor_at,
        };
        budget_overrides::put(work, copy_id, at, None, over)
    });
    put.unwrap();
}

#[test]
fn an_override_raises_the_windows_that_it_is_for_and_none_before() {
    let (house, ada) = furnished(quick());
    let running = reserve(&house, &ada, 1, 100).unwrap();
    raise(&house, &ada, 50, Some(1), NOON);
    house.advance(MINUTE);
    // It is over in the open window, and in force where the call was let in.
    assert!(reserve(&house, &ada, 1, 101).is_err());
    extend(&house, running, 1, 150).unwrap();
    assert!(extend(&house, running, 1, 151).is_err());
    for cycles in [Some(3), None] {
        raise(&house, &ada, 500, cycles, NOON + MINUTE);
        assert!(extend(&house, running, 1, 151).is_err());
        let now = reserve(&house, &ada, 1, 600).unwrap();
        house.ledger.cancel(now, owner()).wait().unwrap();
    }
}

#[test]
fn a_clock_that_goes_back_and_forth_moves_no_call_to_another_window() {
    let (house, ada) = furnished(quick());
    let first = reserve(&house, &ada, 10, 60).unwrap();
    house.advance(MINUTE);
    let second = reserve(&house, &ada, 10, 70).unwrap();
    house.advance(-MINUTE);
    // The later window stays open: nothing comes back into the first.
    assert_eq!(open_windows(&house, &ada), [(0, 70), (0, 10), (0, 1)]);
    let third = reserve(&house, &ada, 10, 30).unwrap();
    assert!(reserve(&house, &ada, 10, 1).is_err());
    extend(&house, first, 10, 100).unwrap();
    assert!(extend(&house, second, 10, 71).is_err());
    house.advance(2 * MINUTE);
    for (id, cost) in [(first, 100), (second, 70), (third, 30)] {
        settle(&house, id, 10, cost);
    }
    assert_eq!(open_windows(&house, &ada), NOTHING);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_window_that_was_closed_by_what_could_not_be_written_down_is_open_again() {
    let (house, ada) = furnished(quick());
    let running = reserve(&house, &ada, 10, 60).unwrap();
    let over = reserve(&house, &ada, 10, 10).unwrap();
    house.advance(MINUTE);
    let next = reserve(&house, &ada, 10, 10).unwrap();
    let before = open_windows(&house, &ada);
    let refused = |outcome: Result<(), Error>| {
        assert!(
            matches!(outcome, Err(Error::Unavailable { .. })),
            "{outcome:?}"
        );
    };
    // What is damaged stays so; what is on the disk does not.
    house.store.health().set_damaged("as asked");
    house.advance(MINUTE);
    let asked = call(ada.key, None, "m");
    refused(house.ledger.reserve(asked.clone()).wait().map(drop));
    refused(
        house
            .ledger
            .settle(next, spent(1, 1), owner())
            .wait()
            .map(drop),
    );
    refused(
        house
            .ledger
            .settle(over, spent(1, 1), owner())
            .wait()
            .map(drop),
    );
    refused(
        house
            .ledger
            .settle(running, spent(1, 1), owner())
            .wait()
            .map(drop),
    );
    house.advance(-MINUTE);
    assert_eq!(open_windows(&house, &ada), before);
    assert_eq!(closed(&house), 3);
    // The closed window holds what it held: 30 cents are left.
    assert!(extend_damaged(&house, running, 91).is_some());
    assert!(extend_damaged(&house, running, 90).is_none());
}

/// The refusal of an extension, if it is refused; what would be granted can't be written down.
fn extend_damaged(house: &House, id: ReservationId, cost: i64) -> Option<i64> {
    let to = Extension {
        estimated_cost: cents(cost),
        ..Extension::default()
    };
    match house.ledger.extend(id, to, owner()).wait() {
        Ok(Err(refusal)) => Some(refusal.limit.unwrap().held),
        other => {
            assert!(matches!(other, Err(Error::Unavailable { .. })), "{other:?}");
            None
        }
    }
}

/// What may happen to calls that never cost more than they hold.
#[derive(Debug, Clone)]
enum Step {
    Reserve(i64, i64),
    /// For so many percent of what is held.
    Settle(usize, i64),
    Cancel(usize),
    Extend(usize, i64, i64),
    Advance(i64),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..60_i64, 0..60_i64).prop_map(|(tokens, cost)| Step::Reserve(tokens, cost)),
        5 => (0..1_000_usize, 0..=100_i64).prop_map(|(at, share)| Step::Settle(at, share)),
        1 => (0..1_000_usize).prop_map(Step::Cancel),
        4 => (0..1_000_usize, 0..90_i64, 0..90_i64)
            .prop_map(|(at, tokens, cost)| Step::Extend(at, tokens, cost)),
        4 => prop_oneof![
            6 => 1_000..2 * MINUTE,
            1 => MINUTE..20 * MINUTE,
            1 => Just(DAY),
            2 => -2 * MINUTE..0,
        ].prop_map(Step::Advance),
        1 => Just(Step::Crash),
    ]
}

/// A call as whoever made it knows it.
struct Made {
    id: ReservationId,
    /// When each window ends in which it was let in.
    windows: [i64; 3],
    day: i64,
    /// What it holds: tokens, cents.
    held: (i64, i64),
    expires_at: i64,
    /// What it was charged once it is over, and as how many requests.
    charged: Option<(i64, i64, i64)>,
}

/// What is known of calls from answers alone.
struct Books {
    house: House,
    ada: Holder,
    made: Vec<Made>,
    release: bool,
}

impl Books {
    fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Reserve(tokens, cost) => self.reserve(tokens, cost),
                Step::Settle(at, share) => self.end(at, Some(share)),
                Step::Cancel(at) => self.end(at, None),
                Step::Extend(at, tokens, cost) => self.extend(at, tokens, cost),
                Step::Advance(ms) => {
                    self.house.advance(ms);
                    self.expire();
                }
                Step::Crash => {
                    self.house = self.house.crash();
                    self.expire();
                }
            }
            self.assert_no_window_is_overdrawn();
        }
        self.house.assert_counters_follow_from_the_journal();
        self.assert_the_history_says_what_was_charged();
        for at in 0..self.made.len() {
            if self.made[at].charged.is_none() {
                self.end(at, Some(50));
            }
        }
        assert_eq!(closed(&self.house), 0);
        self.house.assert_counters_follow_from_the_journal();
    }

    fn expire(&mut self) {
        self.house.change(|_| Ok(())).unwrap();
        let now = self.house.now_ms();
        for made in &mut self.made {
            if made.charged.is_none() && made.expires_at <= now {
                let (tokens, cost) = made.held;
                let charged = (tokens, cost, 1);
                made.charged = Some(if self.release { (0, 0, 0) } else { charged });
            }
        }
    }

    fn reserve(&mut self, tokens: i64, cost: i64) {
        let mut asked = call(self.ada.key, None, "m");
        asked.particulars.estimated_tokens = Some(tokens);
        asked.particulars.estimated_cost = cents(cost);
        let explained = self.house.ledger.explain(asked.clone()).wait().unwrap();
        let now = self.house.now_ms();
        match self.house.ledger.reserve(asked).wait().unwrap() {
            Ok(granted) => {
                assert!(explained.refusal.is_none());
                self.made.push(Made {
                    id: granted.reservation,
                    windows: [LimitKind::Budget, LimitKind::Tokens, LimitKind::Requests].map(
                        |kind| {
                            let limit = granted.limits.iter().find(|limit| limit.kind == kind);
                            limit.unwrap().starts_at
                        },
                    ),
                    day: now.div_euclid(DAY) - NOON / DAY,
                    held: (tokens, cost),
                    expires_at: granted.expires_at_ms,
                    charged: None,
                });
            }
            Err(refusal) => assert_eq!(explained.refusal, Some(refusal)),
        }
    }

    fn end(&mut self, at: usize, share: Option<i64>) {
        let Some(at) = at.checked_rem(self.made.len()) else {
            return;
        };
        let made = &mut self.made[at];
        let Some(share) = share else {
            if self.house.ledger.cancel(made.id, owner()).wait().is_ok() {
                made.charged = Some((0, 0, 0));
            }
            return;
        };
        if made.charged.is_some_and(|(_, _, calls)| calls == 0) {
            // What was given back may be taken by others: to make such a call after all is to spend more than was held.
            return;
        }
        let used = (made.held.0 * share / 100, made.held.1 * share / 100);
        let used_of = spent(used.0, used.1);
        if self
            .house
            .ledger
            .settle(made.id, used_of, owner())
            .wait()
            .is_ok()
        {
            made.charged = Some((used.0, used.1, 1));
        }
    }

    fn extend(&mut self, at: usize, tokens: i64, cost: i64) {
        let Some(at) = at.checked_rem(self.made.len()) else {
            return;
        };
        let to = Extension {
            estimated_tokens: Some(tokens),
            estimated_cost: cents(cost),
            ttl: None,
        };
        let made = &mut self.made[at];
        if let Ok(Ok(extended)) = self.house.ledger.extend(made.id, to, owner()).wait() {
            made.held = (made.held.0.max(tokens), made.held.1.max(cost));
            made.expires_at = extended.expires_at_ms;
        }
    }

    /// In each window, what its calls hold and were charged is what its limit allows at most; and in the open ones it is what is shown.
    fn assert_no_window_is_overdrawn(&self) {
        let mut windows: HashMap<(usize, i64), (i64, i64)> = HashMap::new();
        for made in &self.made {
            let (tokens, cost) = made.held;
            let [held, used] = match made.charged {
                None => [(tokens, cost, 1), (0, 0, 0)],
                Some(charged) => [(0, 0, 0), charged],
            };
            let amounts = [(held.1, used.1), (held.0, used.0), (held.2, used.2)];
            for (kind, (held, used)) in amounts.into_iter().enumerate() {
                let window = windows.entry((kind, made.windows[kind])).or_default();
                *window = (window.0 + used, window.1 + held);
            }
        }
        for ((kind, starts_at), (used, held)) in &windows {
            let most = [100, 100, 3][*kind];
            assert!(
                used + held <= most,
                "{kind} from {starts_at}: {used} + {held}"
            );
        }
        let shown = self
            .house
            .ledger
            .counts_of(vec![self.ada.copy], self.house.now_ms());
        let mut shown = shown.unwrap()[&self.ada.copy.1].clone();
        // Places are numbered as limits stand in the policy.
        shown.sort_unstable_by_key(|(place, _)| *place);
        for (kind, (_, count)) in shown.iter().enumerate() {
            let unit = if kind == 0 { CENT } else { 1 };
            let known = windows.get(&(kind, count.starts_at));
            let (used, held) = known.copied().unwrap_or_default();
            assert_eq!(
                (count.used, count.held),
                (used * unit, i128::from(held * unit))
            );
        }
    }

    fn assert_the_history_says_what_was_charged(&self) {
        let mut days: HashMap<i64, (i64, i64, i64)> = HashMap::new();
        for made in &self.made {
            if let Some((tokens, cost, calls)) = made.charged {
                let day = days.entry(made.day).or_default();
                *day = (day.0 + calls, day.1 + tokens, day.2 + cost);
            }
        }
        let mut days: Vec<_> = days
            .into_iter()
            .map(|(day, (calls, tokens, cost))| (day, calls, tokens, cost))
            .filter(|day| day.1 > 0)
            .collect();
        days.sort_unstable();
        assert_eq!(history(&self.house), days);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_is_overdrawn_and_each_holds_what_its_calls_do(
        steps in prop::collection::vec(step(), 1..120),
        release in any::<bool>(),
        is_prepaid in prop::bool::weighted(0.3),
    ) {
        let on_expiry = if release { OnExpiry::Release } else { OnExpiry::Charge };
        let body = if is_prepaid { prepaid(1) } else { a_minute() };
        let (house, ada) = furnished_with(DecisionSettings { on_expiry, ..quick() }, &body);
        Books { house, ada, made: Vec::new(), release }.run(steps);
    }
}
