//! Lists of open holds, and of refusals that wait to be written down.

use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::decision::Presented;
use tollkeeper::domain::values::money::Money;
use tollkeeper::ledger::OpenQuery;

use crate::house::{House, call, quick};

fn holders() -> (House, [i64; 2], [Presented; 2]) {
    let house = House::new(quick());
    let profile = house.profile_of(&json!({
        "name": "open",
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let users = [house.user(0), house.user(1)];
    let keys = users.map(|user| house.give(user, profile).1);
    (house, users, keys)
}

#[test]
fn pages_of_thousands_of_holds_are_whole_and_in_order() {
    const HOLDS: usize = 5_000;
    let (house, users, keys) = holders();
    let mut made = Vec::with_capacity(HOLDS);
    for first in (0..HOLDS).step_by(100) {
        let pending: Vec<_> = (first..first + 100)
            .map(|number| house.ledger.reserve(call(keys[number % 2], None, "m")))
            .collect();
        made.extend(
            pending
                .into_iter()
                .map(|one| one.wait().unwrap().unwrap().reservation),
        );
    }
    let page = |user_id, offset, limit| {
        let query = OpenQuery {
            user_id,
            own_of: None,
            offset,
            limit,
        };
        let page = house.ledger.open_reservations(query).unwrap();
        let ids: Vec<_> = page.reservations.iter().map(|one| one.record.id).collect();
        (ids, page.total)
    };
    assert_eq!(page(None, 0, 3), (made[..3].to_vec(), HOLDS));
    assert_eq!(page(None, 1_999, 4), (made[1_999..2_003].to_vec(), HOLDS));
    assert_eq!(page(None, 4_998, 10), (made[4_998..].to_vec(), HOLDS));
    assert_eq!(page(None, 9_000, 10), (Vec::new(), HOLDS));
    let second: Vec<_> = made.iter().copied().skip(1).step_by(2).collect();
    assert_eq!(
        page(Some(users[1]), 999, 3),
        (second[999..1_002].to_vec(), HOLDS / 2)
    );
    assert_eq!(
        page(Some(users[1]), 2_499, 9),
        (second[2_499..].to_vec(), HOLDS / 2)
    );
    assert_eq!(page(Some(0), 0, 9), (Vec::new(), 0));
    assert_eq!(page(None, 0, usize::MAX), (made, HOLDS));
}

#[test]
fn a_hold_shows_what_it_holds() {
    let (house, _, keys) = holders();
    let mut asked = call(keys[0], None, "m");
    asked.particulars.estimated_cost = Money::from_nanodollars(900);
    asked.particulars.estimated_tokens = Some(7);
    asked.particulars.max_hold = Money::from_nanodollars(100);
    house.ledger.reserve(asked).wait().unwrap().unwrap();
    let query = OpenQuery {
        user_id: None,
        own_of: None,
        offset: 0,
        limit: 1,
    };
    let open = &house.ledger.open_reservations(query).unwrap().reservations[0];
    assert_eq!((open.record.held.tokens, open.record.held.cost), (7, 100));
}

/// Lines and calls of refusals that are written down.
fn refused(house: &House) -> (i64, i64) {
    Connection::open(house.root.path().join("tollkeeper.db"))
        .unwrap()
        .query_row(
            "SELECT count(*), coalesce(sum(calls), 0) FROM refusal_days",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap()
}

#[test]
fn refusals_are_written_down_although_nothing_else_is() {
    let (house, _, keys) = holders();
    let refusal = house
        .ledger
        .reserve(call(keys[0], Some("nobody"), "m"))
        .wait();
    assert!(refusal.unwrap().is_err());
    // Nobody asks for it; the ledger does it by itself after a while.
    while refused(&house) != (1, 1) {
        std::thread::yield_now();
    }
}

#[test]
fn refusals_of_ever_new_models_share_lines() {
    let house = House::new(quick());
    let profile = house.profile_of(&json!({
        "name": "nothing",
        "budgets": [{"max_limit": 0}],
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let (_, key) = house.give(house.user(0), profile);
    for part in 0..3 {
        for number in 0..200 {
            let model = format!("model {part} {number}");
            assert!(
                house
                    .ledger
                    .reserve(call(key, None, &model))
                    .wait()
                    .unwrap()
                    .is_err()
            );
        }
        house.ledger.flush().wait().unwrap();
    }
    // A model that has a line keeps it.
    assert!(
        house
            .ledger
            .reserve(call(key, None, "model 0 7"))
            .wait()
            .unwrap()
            .is_err()
    );
    house.ledger.flush().wait().unwrap();
    assert_eq!(refused(&house), (201, 601));
}
