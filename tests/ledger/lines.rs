//! Lines of the history: names that stand in a policy keep theirs, and of others so many and no more do.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::decision::Presented;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::values::money::Money;

use crate::house::{House, call, quick};

/// Names in the policy: more than made up ones may have lines.
const NAMED: usize = 210;
const OWN: usize = 200;

fn named(number: usize) -> String {
    format!("Named-Model-{number}")
}

/// A user who may use whatever model, some of which the policy names.
fn open_house() -> (House, Presented) {
    let house = House::new(quick());
    let mut models: Vec<String> = (0..NAMED).map(named).collect();
    models.push("*".to_owned());
    let profile = house.profile_of(&json!({
        "name": "open",
        "provider_configs": [{ "provider_name": "OpenAI", "allowed_models": models, "blacklisted_models": ["blocked"] }],
        "rate_limit": { "request_max_limit": 1_000_000, "request_reset_duration": "1h" },
    }));
    let key = house.give(house.user(0), profile).1;
    (house, key)
}

fn charge(house: &House, key: Presented, models: impl Iterator<Item = String>) {
    let cost = Money::from_nanodollars(1).unwrap();
    let pending: Vec<_> = models
        .map(|model| {
            house
                .ledger
                .charge(call(key, Some("openai"), &model), Spent::of(1, cost))
        })
        .collect();
    for one in pending {
        one.wait().unwrap().unwrap();
    }
}

/// Calls by model, as the table has them, once everything is in it.
fn lines(house: &House, table: &str) -> BTreeMap<String, i64> {
    house.ledger.flush().wait().unwrap();
    let database = Connection::open(house.root.path().join("tollkeeper.db")).unwrap();
    let mut statement = database
        .prepare(&format!(
            "SELECT model, sum(calls) FROM {table} GROUP BY model"
        ))
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn of_names_that_callers_make_up_two_hundred_have_a_line_also_after_a_crash() {
    let (house, key) = open_house();
    let made_up = |number| format!("made up {number:04}");
    // Written down while calls come, and at the end.
    for first in (0..600).step_by(100) {
        charge(&house, key, (first..first + 100).map(made_up));
        if first == 100 {
            assert_eq!(lines(&house, "usage_days").len(), OWN);
        }
    }
    charge(&house, key, (0..NAMED).map(named));
    let found = lines(&house, "usage_days");
    assert_eq!(found.len(), NAMED + OWN + 1);
    assert_eq!(found["\u{1}other"], 400);
    let house = house.crash();
    // In any letter case and with the provider before it a name that stands in the policy is the same, and keeps its line.
    let spelled = |number| match number % 3 {
        0 => named(number).to_uppercase(),
        1 => format!("openai/{}", named(number)),
        _ => named(number).to_lowercase(),
    };
    charge(&house, key, (0..NAMED).map(spelled));
    charge(&house, key, (0..1_000).map(made_up));
    let house = house.crash();
    let found = lines(&house, "usage_days");
    assert_eq!(found.len(), NAMED + OWN + 1);
    assert_eq!(found["\u{1}other"], 400 + 800);
    assert!(
        (0..NAMED).all(|number| found[&named(number)] == 2),
        "{found:?}"
    );
    assert!(
        (0..OWN).all(|number| found[&made_up(number)] == 2),
        "{found:?}"
    );
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn what_has_a_line_keeps_it_also_where_it_stands_in_the_policy_no_more() {
    let (house, key) = open_house();
    let made_up = |number| format!("made up {number:04}");
    charge(&house, key, (0..OWN).map(made_up));
    let before = lines(&house, "usage_days");
    assert_eq!(before.len(), OWN);
    // One that was named, and more that are not than would get a line today.
    Connection::open(house.root.path().join("tollkeeper.db"))
        .unwrap()
        .execute_batch(
            "INSERT INTO usage_days (day, user_id, access_profile_id, provider, model, calls, tokens, cost, named)
             SELECT day, user_id, access_profile_id, provider, 'once named', 1, 1, 1, 1 FROM usage_days LIMIT 1;
             INSERT INTO usage_days (day, user_id, access_profile_id, provider, model, calls, tokens, cost, named)
             SELECT day, user_id, access_profile_id, provider, 'earlier ' || model, 1, 1, 1, 0 FROM usage_days WHERE named = 0",
        )
        .unwrap();
    let earlier = format!("earlier {}", made_up(7));
    let all = ["once named".to_owned(), earlier.clone(), "new".to_owned()];
    charge(&house, key, all.into_iter());
    let found = lines(&house, "usage_days");
    assert_eq!((found["once named"], found[&earlier]), (2, 2));
    assert_eq!(found["\u{1}other"], 1);
    assert_eq!(found.len(), 2 * OWN + 2);
}

#[test]
fn each_user_and_each_day_has_lines_of_its_own() {
    let (house, key) = open_house();
    charge(
        &house,
        key,
        (0..300).map(|number| format!("made up {number}")),
    );
    let profile = house.profile_of(&json!({
        "name": "other",
        "provider_configs": [{ "provider_name": "OpenAI", "all_models_allowed": true }],
    }));
    let other = house.give(house.user(1), profile).1;
    charge(
        &house,
        other,
        (0..3).map(|number| format!("of the other {number}")),
    );
    house.advance(86_400_000);
    charge(
        &house,
        key,
        (0..2).map(|number| format!("tomorrow's {number}")),
    );
    assert_eq!(lines(&house, "usage_days").len(), OWN + 1 + 3 + 2);
}

#[test]
fn refusals_of_names_that_stand_in_the_policy_keep_their_lines_too() {
    let house = House::new(quick());
    let models: Vec<String> = (0..NAMED).map(named).collect();
    let profile = house.profile_of(&json!({
        "name": "nothing",
        "budgets": [{"max_limit": 0}],
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true, "allowed_models": models }],
    }));
    let key = house.give(house.user(0), profile).1;
    let refuse = |models: &mut dyn Iterator<Item = String>| {
        let pending: Vec<_> = models
            .map(|model| house.ledger.reserve(call(key, None, &model)))
            .collect();
        for one in pending {
            assert!(one.wait().unwrap().is_err());
        }
    };
    // More at once than wait apart, so that one caller does not take the room of all.
    for first in (0..5_000).step_by(1_000) {
        refuse(&mut (first..first + 1_000).map(|number| format!("made up {number}")));
    }
    refuse(&mut (0..NAMED).map(named));
    let found = lines(&house, "refusal_days");
    assert_eq!(found.len(), NAMED + OWN + 1);
    assert_eq!(found.values().sum::<i64>(), 5_000 + 210);
    assert!(
        (0..NAMED).all(|number| found[&named(number)] == 1),
        "{found:?}"
    );
}
