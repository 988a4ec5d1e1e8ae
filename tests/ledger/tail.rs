//! The tail of the journal: what stands there alone is lost by no crash, and comes back by none.

use std::sync::Arc;
use std::sync::mpsc::channel;

use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Presented, RequestId};
use tollkeeper::domain::values::money::Money;
use tollkeeper::store::people::user_access_profiles;

use crate::house::{House, call, quick};
use crate::plan::{DOLLAR, PLANS};

/// The id of the first profile of a house.
const PROFILE: i64 = 1;
const DAY: i64 = 24 * 3_600 * 1_000;

fn database(house: &House) -> Connection {
    Connection::open(house.root.path().join("tollkeeper.db")).unwrap()
}

fn number(house: &House, sql: &str) -> i64 {
    database(house)
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

/// What the tail says, in counters and lines of the history.
fn tail_length(house: &House) -> i64 {
    number(
        house,
        "SELECT coalesce(sum(json_array_length(counters) + json_array_length(used)), 0) FROM journal_tail",
    )
}

/// Users with a copy each, of a profile with four limits that hold for a long time.
fn furnished(users: usize) -> (House, Vec<(i64, i64)>, Vec<Presented>) {
    let house = House::new(quick());
    let profile = house.profile_of(&json!({
        "name": "wide",
        "budgets": [{"max_limit": 1_000_000, "reset_duration": "1M"}, {"max_limit": 1_000_000, "reset_duration": "1d"}],
        "rate_limit": {"token_max_limit": 900_000_000, "token_reset_duration": "1d",
                       "request_max_limit": 900_000, "request_reset_duration": "1d"},
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    assert_eq!(profile, PROFILE);
    let (mut copies, mut keys) = (Vec::new(), Vec::new());
    for at in 0..users {
        let user = house.user(at);
        let (copy, key) = house.give(user, profile);
        copies.push((user, copy));
        keys.push(key);
    }
    (house, copies, keys)
}

fn charge(house: &House, keys: &[Presented], numbers: std::ops::Range<usize>) {
    let pending: Vec<_> = numbers
        .map(|number| {
            // Steps through all keys in an order that is not theirs.
            let key = keys[number * 7 % keys.len()];
            let call = call(key, Some("openai"), ["m", "n", "o"][number % 3]);
            let cost = Money::from_nanodollars(DOLLAR / 1_000).unwrap();
            house.ledger.charge(call, Spent::of(10, cost))
        })
        .collect();
    for one in pending {
        one.wait().unwrap().unwrap();
    }
}

#[test]
fn thousands_of_charges_are_there_after_a_crash_at_any_moment_and_the_tail_stays_short() {
    const STEP: usize = 64;
    const ROUNDS: usize = 400;
    let (house, copies, keys) = furnished(97);
    let (mut longest, mut shortened) = (0, 0);
    for round in 0..ROUNDS {
        charge(&house, &keys, round * STEP..(round + 1) * STEP);
        let length = tail_length(&house);
        if length < longest {
            shortened += 1;
        }
        longest = longest.max(length);
        if round % 41 != 0 {
            continue;
        }
        house.assert_counters_follow_from_the_journal();
        let other = House::open(
            house.snapshot(),
            Arc::clone(&house.time),
            house.settings.clone(),
        );
        other.assert_counters_follow_from_the_journal();
        let now = house.now_ms();
        assert_eq!(
            other.ledger.counts_of(copies.clone(), now).unwrap(),
            house.ledger.counts_of(copies.clone(), now).unwrap()
        );
        other.ledger.flush().wait().unwrap();
        let used = number(&other, "SELECT sum(calls) FROM usage_days");
        assert_eq!(used, i64::try_from((round + 1) * STEP).unwrap());
        assert_eq!(tail_length(&other), 0);
        other.assert_counters_follow_from_the_journal();
    }
    assert!(shortened > 2, "the tail was shortened {shortened} times");
    assert!(longest < 40_000, "{longest}");
    house.ledger.flush().wait().unwrap();
    let sums = "SELECT sum(calls) + sum(tokens) + sum(cost) / 1000000 FROM usage_days";
    let calls = i64::try_from(ROUNDS * STEP).unwrap();
    assert_eq!(number(&house, sums), calls + 10 * calls + calls);
    assert_eq!(tail_length(&house), 0);
}

/// Both come while the ledger is busy, so that they are decided in one turn.
#[test]
fn whoever_asks_for_the_tables_to_be_up_to_date_finds_the_calls_decided_with_that_there() {
    let (house, _, keys) = furnished(1);
    for round in 1..=20 {
        let ((begun, busy), (go_on, held)) = (channel(), channel());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let change = house.change(move |_| {
                    begun.send(()).unwrap();
                    held.recv().unwrap();
                    Ok(())
                });
                change.unwrap();
            });
            busy.recv().unwrap();
            let cost = Money::from_nanodollars(1).unwrap();
            let call = call(keys[0], Some("openai"), "m");
            let charged = house.ledger.charge(call, Spent::of(1, cost));
            let flushed = house.ledger.flush();
            go_on.send(()).unwrap();
            flushed.wait().unwrap();
            let used = number(&house, "SELECT sum(calls) FROM usage_days");
            assert_eq!(used, round);
            charged.wait().unwrap().unwrap();
        });
    }
}

#[test]
fn what_was_reset_or_deleted_does_not_come_back_from_the_tail() {
    let (house, copies, keys) = furnished(3);
    charge(&house, &keys, 0..30);
    assert!(tail_length(&house) > 0);
    house.follow(&copies[..1], &PLANS[0], true);
    let (holder, gone) = copies[1];
    let change = house.change(move |work| {
        let copy = user_access_profiles::get(work, holder, PROFILE)?;
        user_access_profiles::delete(work, &copy)
    });
    change.unwrap();
    let house = house.crash();
    let (first, third) = (copies[0].1, copies[2].1);
    let counted = house.ledger.counts_of(copies, house.now_ms());
    let counted = counted.unwrap();
    let used = |copy: i64| {
        counted
            .get(&copy)
            .map(|all| all.iter().map(|(_, count)| count.used).sum())
    };
    assert_eq!(used(first), Some(0));
    assert_eq!(used(gone), None);
    // Two budgets of a cent, a hundred tokens, ten requests.
    assert_eq!(used(third), Some(2 * DOLLAR / 100 + 100 + 10));
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_request_id_is_known_for_a_day_whatever_is_pruned_and_however_often() {
    let (house, _, keys) = furnished(1);
    let ask = |house: &House, number: u8| {
        let mut call = call(keys[0], Some("openai"), "m");
        call.request = Some(RequestId {
            id: format!("call {number}"),
            body_hash: [0; 32],
        });
        let cost = Money::from_nanodollars(DOLLAR).unwrap();
        let charged = house
            .ledger
            .charge(call, Spent::of(1, cost))
            .wait()
            .unwrap();
        charged.unwrap().repeated
    };
    for hour in 0..60 {
        assert!(!ask(&house, hour), "hour {hour}");
        house.ledger.sweep(house.now()).unwrap();
        for earlier in hour.saturating_sub(23)..=hour {
            assert!(ask(&house, earlier), "call {earlier} at hour {hour}");
        }
        house.advance(DAY / 24);
    }
    let house = house.crash();
    assert!(ask(&house, 59));
    assert!(!ask(&house, 20), "it is older than a day");
}
