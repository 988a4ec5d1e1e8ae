//! Users who are deleted: what they hold ends at once, as what expires does.

use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Granted, Presented};
use tollkeeper::domain::settings::{DecisionSettings, OnExpiry};
use tollkeeper::domain::values::money::Money;
use tollkeeper::ledger::OpenQuery;
use tollkeeper::service::people::holdings;
use tollkeeper::store::people::users;

use crate::house::{House, call, owner, quick};

/// Two users with a profile each that lets everything through, and their keys.
fn two(on_expiry: OnExpiry) -> (House, [i64; 2], [Presented; 2]) {
    let house = House::new(DecisionSettings {
        on_expiry,
        ..quick()
    });
    let profile = house.profile_of(&json!({
        "name": "open",
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let users = [house.user(0), house.user(1)];
    let keys = users.map(|user| house.give(user, profile).1);
    (house, users, keys)
}

fn hold(house: &House, key: Presented, nanodollars: i64) -> Granted {
    let mut asked = call(key, None, "m");
    asked.particulars.estimated_cost = Money::from_nanodollars(nanodollars);
    house.ledger.reserve(asked).wait().unwrap().unwrap()
}

fn delete(house: &House, user_id: i64) {
    let change = house.change(move |work| {
        holdings::take_all(work, user_id)?;
        users::delete(work, user_id)
    });
    change.unwrap();
}

fn open(house: &House) -> usize {
    let query = OpenQuery {
        user_id: None,
        own_of: None,
        offset: 0,
        limit: usize::MAX,
    };
    house.ledger.open_reservations(query).unwrap().total
}

/// Calls and nanodollars in the history of a user, and how many reservations were ended by the deletion of theirs.
fn told(house: &House, user_id: i64) -> (i64, i64, i64) {
    house.ledger.flush().wait().unwrap();
    Connection::open(house.root.path().join("tollkeeper.db"))
        .unwrap()
        .query_row(
            "SELECT coalesce(sum(calls), 0), coalesce(sum(cost), 0),
                 (SELECT count(*) FROM reservations WHERE user_id = ?1 AND state = 'expired' AND ended_by = -3)
             FROM usage_days WHERE user_id = ?1",
            [user_id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap()
}

#[test]
fn what_a_deleted_user_holds_is_charged_at_once_and_a_late_settlement_is_recorded() {
    let (house, [gone, stays], keys) = two(OnExpiry::Charge);
    let late = hold(&house, keys[0], 700);
    hold(&house, keys[0], 20);
    hold(&house, keys[1], 5);
    delete(&house, gone);
    assert_eq!(open(&house), 1);
    assert_eq!(told(&house, gone), (2, 720, 2));
    assert_eq!(told(&house, stays), (0, 0, 0));
    let cost = Money::from_nanodollars(1_000).unwrap();
    let settled = house
        .ledger
        .settle(late.reservation, Spent::of(1, cost), owner());
    assert_eq!(settled.wait().unwrap().cost, cost);
    assert_eq!(told(&house, gone), (2, 1_020, 1));
    let house = house.crash();
    assert_eq!(told(&house, gone), (2, 1_020, 1));
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn what_a_deleted_user_holds_is_given_back_where_holds_that_expire_are() {
    let (house, [gone, _], keys) = two(OnExpiry::Release);
    let late = hold(&house, keys[0], 700);
    hold(&house, keys[0], 20);
    delete(&house, gone);
    assert_eq!((open(&house), told(&house, gone)), (0, (0, 0, 2)));
    let cost = Money::from_nanodollars(1_000).unwrap();
    let settled = house
        .ledger
        .settle(late.reservation, Spent::of(1, cost), owner());
    settled.wait().unwrap();
    assert_eq!(told(&house, gone), (1, 1_000, 1));
}

#[test]
fn thousands_of_holds_of_a_deleted_user_end_turn_by_turn_and_after_a_crash_in_between() {
    const HOLDS: usize = 2_500;
    let (house, [gone, _], keys) = two(OnExpiry::Charge);
    let pending: Vec<_> = (0..HOLDS)
        .map(|_| {
            let mut asked = call(keys[0], None, "m");
            asked.particulars.estimated_cost = Money::from_nanodollars(3);
            house.ledger.reserve(asked)
        })
        .collect();
    for one in pending {
        one.wait().unwrap().unwrap();
    }
    // What a process leaves that ends after the deletion and before anything else.
    let before = house.snapshot();
    delete(&house, gone);
    while open(&house) > 0 {
        house.ledger.flush().wait().unwrap();
    }
    let all = i64::try_from(HOLDS).unwrap();
    assert_eq!(told(&house, gone), (all, 3 * all, all));
    let database = Connection::open(before.path().join("tollkeeper.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA foreign_keys = ON; DELETE FROM virtual_keys; DELETE FROM user_access_profiles; DELETE FROM users;",
        )
        .unwrap();
    drop(database);
    let again = House::open(before, house.time.clone(), house.settings.clone());
    while open(&again) > 0 {
        again.ledger.flush().wait().unwrap();
    }
    assert_eq!(told(&again, gone), (all, 3 * all, all));
}
