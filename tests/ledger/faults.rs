//! A write that fails leaves memory as it was, and what needs no write goes on.

use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::values::money::Money;
use tollkeeper::error::Error;
use tollkeeper::ledger::OpenQuery;

use crate::house::{House, call, owner, quick};
use crate::plan::{DOLLAR, PLANS};

const ALL: OpenQuery = OpenQuery {
    user_id: None,
    own_of: None,
    offset: 0,
    limit: 100,
};

#[test]
fn a_decision_that_cannot_be_written_down_is_undone_and_refusals_go_on() {
    let house = House::new(quick());
    let profile = house.profile("first", &PLANS[0]);
    let (_, key) = house.give(house.user(0), profile);
    let mut asked = call(key, Some("openai"), "gpt-4o");
    asked.particulars.estimated_cost = Money::from_nanodollars(DOLLAR);
    let made = house.ledger.reserve(asked.clone()).wait().unwrap().unwrap();
    house.store.health().set_damaged("as asked");

    let explained = house.ledger.explain(asked.clone()).wait().unwrap();
    for _ in 0..3 {
        let refused = house.ledger.reserve(asked.clone()).wait();
        assert!(
            matches!(refused, Err(Error::Unavailable { .. })),
            "{refused:?}"
        );
        let cost = Money::from_nanodollars(DOLLAR / 2).unwrap();
        let settled = house
            .ledger
            .settle(made.reservation, Spent::of(1, cost), owner())
            .wait();
        assert!(
            matches!(settled, Err(Error::Unavailable { .. })),
            "{settled:?}"
        );
        let cancelled = house.ledger.cancel(made.reservation, owner()).wait();
        assert!(
            matches!(cancelled, Err(Error::Unavailable { .. })),
            "{cancelled:?}"
        );
    }
    // Nothing of it counts, and what needs no write is answered.
    assert_eq!(house.ledger.explain(asked).wait().unwrap(), explained);
    assert_eq!(house.ledger.open_reservations(ALL).unwrap().total, 1);
    let blocked = call(key, Some("openai"), "gpt-bad");
    let refusal = house.ledger.reserve(blocked).wait().unwrap().unwrap_err();
    assert_eq!(refusal.kind.code(), "model_blocked");
}
