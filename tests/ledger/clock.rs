//! The clock jumps: what was reset stays reset.

use serde_json::json;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Call, LimitState, Presented};
use tollkeeper::domain::values::money::Money;
use tollkeeper::ledger::Extension;

use crate::house::{House, call, owner, quick};
use crate::plan::DOLLAR;

const HOUR: i64 = 3_600_000;

fn furnished() -> (House, Presented) {
    let house = House::new(quick());
    let profile = house.profile_of(&json!({
        "name": "hourly",
        "budgets": [{"max_limit": 5, "reset_duration": "1h"}],
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let (_, key) = house.give(house.user(0), profile);
    (house, key)
}

fn dollars(amount: i64) -> Money {
    Money::from_nanodollars(amount * DOLLAR).unwrap()
}

fn ask(key: Presented, amount: i64) -> Call {
    let mut call = call(key, None, "m");
    call.particulars.estimated_cost = Some(dollars(amount));
    call
}

fn budget(house: &House, key: Presented) -> LimitState {
    let explained = house.ledger.explain(ask(key, 1)).wait().unwrap();
    explained.copies[0].limits[0].state.clone()
}

#[test]
fn a_window_that_was_reset_stays_reset_when_the_clock_goes_back() {
    let (house, key) = furnished();
    let reserve = |amount| house.ledger.reserve(ask(key, amount)).wait().unwrap().ok();
    let made = reserve(5).unwrap();
    let settled = house
        .ledger
        .settle(made.reservation, Spent::of(1, dollars(5)), owner())
        .wait();
    settled.unwrap();
    house.advance(HOUR);
    reserve(3).unwrap();
    house.advance(-HOUR);
    let state = budget(&house, key);
    assert_eq!((state.used, state.held), (0, 3 * DOLLAR));
    assert!(reserve(3).is_none());
    let house = house.crash();
    let state = budget(&house, key);
    assert_eq!((state.used, state.held), (0, 3 * DOLLAR));
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn what_an_extension_adds_stays_in_the_window_of_its_call_wherever_the_clock_goes() {
    let (house, key) = furnished();
    let made = house.ledger.reserve(ask(key, 1)).wait().unwrap().unwrap();
    let cost = dollars(2);
    house
        .ledger
        .charge(call(key, None, "m"), Spent::of(1, cost))
        .wait()
        .unwrap()
        .unwrap();
    let extend = |amount| {
        let by = Extension {
            estimated_cost: Some(dollars(amount)),
            ttl: Some(std::time::Duration::from_hours(2)),
            ..Extension::default()
        };
        let extended = house.ledger.extend(made.reservation, by, owner());
        extended.wait().unwrap().map_err(Box::new)
    };
    extend(1).unwrap();
    house.advance(HOUR);
    extend(2).unwrap();
    // Nobody was let in since, so the clock finds the first window again, with all that was added.
    house.advance(-HOUR);
    let state = budget(&house, key);
    assert_eq!((state.used, state.held), (2 * DOLLAR, 2 * DOLLAR));
    house.advance(HOUR);
    house.ledger.reserve(ask(key, 4)).wait().unwrap().unwrap();
    house.advance(-HOUR);
    let state = budget(&house, key);
    assert_eq!((state.used, state.held), (0, 4 * DOLLAR));
    extend(3).unwrap();
    assert!(extend(4).is_err());
    house.assert_counters_follow_from_the_journal();
}
