//! Whoever asks is answered, whatever is asked.

use serde_json::json;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::values::money::Money;
use tollkeeper::ledger::{Ended, Extension, OpenQuery};

use crate::house::{House, call, owner, quick};

#[test]
fn every_question_is_answered() {
    let house = House::new(quick());
    let profile = house.profile_of(&json!({
        "name": "open",
        "budgets": [{"max_limit": 5, "reset_duration": "1h"}],
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let user = house.user(0);
    let (copy, key) = house.give(user, profile);
    let (ledger, now) = (&house.ledger, house.now_ms());
    let ask = || call(key, None, "m");
    let cost = Money::from_nanodollars(1).unwrap();

    let settled = ledger.reserve(ask()).wait().unwrap().unwrap().reservation;
    let cancelled = ledger.reserve(ask()).wait().unwrap().unwrap().reservation;
    ledger
        .extend(settled, Extension::default(), owner())
        .wait()
        .unwrap()
        .unwrap();
    ledger
        .settle(settled, Spent::of(1, cost), owner())
        .wait()
        .unwrap();
    ledger.cancel(cancelled, owner()).wait().unwrap();
    ledger.admit(ask()).wait().unwrap().unwrap();
    ledger
        .charge(ask(), Spent::of(1, cost))
        .wait()
        .unwrap()
        .unwrap();
    ledger.explain(ask()).wait().unwrap();
    ledger.explain_known(ask()).wait().unwrap();
    ledger.who(key).wait().unwrap().unwrap();
    let tools = ledger.mcp_tools(key, "files".to_owned());
    tools.wait().unwrap().unwrap();
    ledger.counts_of(vec![(user, copy)], now).unwrap();
    ledger.near_limits_of(vec![(user, copy)], now).unwrap();
    let page = OpenQuery {
        user_id: None,
        own_of: None,
        offset: 0,
        limit: 1,
    };
    ledger.open_reservations(page).unwrap();
    ledger.flush().wait().unwrap();
    ledger.sweep(house.now()).unwrap();
    house.change(|_| Ok(())).unwrap();
    ledger.end(Ended::default()).unwrap();
    ledger.ends_are_stored().unwrap();
}
