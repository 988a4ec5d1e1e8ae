//! What can't be written down stops nobody else, and nothing is told that is not written down.

use std::sync::mpsc::{Receiver, Sender, channel};

use jiff::Timestamp;
use rusqlite::Connection;
use tollkeeper::domain::audit::Actor;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Call, Presented, RequestId};
use tollkeeper::domain::values::money::Money;
use tollkeeper::error::Error;
use tollkeeper::ledger::{Ledger, OpenQuery};
use tollkeeper::store::Occasion;

use crate::house::{House, call, owner, quick};
use crate::plan::DOLLAR;

const ALL: OpenQuery = OpenQuery {
    user_id: None,
    own_of: None,
    offset: 0,
    limit: 100,
};
const DAY: i64 = 24 * 3_600 * 1_000;

fn furnished() -> (House, Presented) {
    let house = House::new(quick());
    let profile = house.profile_of(&serde_json::json!({
        "name": "open",
        "budgets": [{"max_limit": 1_000_000}],
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let (_, key) = house.give(house.user(0), profile);
    (house, key)
}

fn connection(house: &House) -> Connection {
    Connection::open(house.root.path().join("tollkeeper.db")).unwrap()
}

/// The database refuses reservations of the model `bad`, and to end those of the model `stuck` when they expire.
fn poison(house: &House) {
    connection(house)
        .execute_batch(
            "CREATE TRIGGER bad BEFORE INSERT ON reservations WHEN NEW.model = 'bad'
                 BEGIN SELECT RAISE(ABORT, 'as asked'); END;
             CREATE TRIGGER stuck BEFORE UPDATE ON reservations WHEN NEW.model = 'stuck' AND NEW.state = 'expired'
                 BEGIN SELECT RAISE(ABORT, 'as asked'); END;",
        )
        .unwrap();
}

fn dollar(key: Presented, model: &str) -> Call {
    let mut call = call(key, Some("openai"), model);
    call.particulars.estimated_cost = Money::from_nanodollars(DOLLAR);
    call
}

/// Holds the ledger up while `ask` puts several messages into its queue, so that it takes them together.
fn together<T>(ledger: &Ledger, ask: impl FnOnce(&Ledger) -> T) -> T {
    std::thread::scope(|scope| {
        let (started, wait_started): (Sender<()>, Receiver<()>) = channel();
        let (go, wait_go): (Sender<()>, Receiver<()>) = channel();
        let held = scope.spawn(move || {
            let occasion = Occasion::new(Actor::server("test"), Timestamp::UNIX_EPOCH);
            ledger
                .change(occasion, move |_| {
                    started.send(()).unwrap();
                    wait_go.recv().unwrap();
                    Ok(())
                })
                .unwrap();
        });
        wait_started.recv().unwrap();
        let asked = ask(ledger);
        go.send(()).unwrap();
        held.join().unwrap();
        asked
    })
}

#[test]
fn one_decision_that_cannot_be_written_down_fails_alone() {
    let (house, key) = furnished();
    poison(&house);
    let answers = together(&house.ledger, |ledger| {
        let models = ["good", "good", "bad", "good", "bad", "good", "good"];
        models.map(|model| (model, ledger.reserve(dollar(key, model))))
    });
    for (model, answer) in answers {
        match answer.wait() {
            Ok(granted) => assert!(model == "good" && granted.is_ok()),
            Err(error) => assert!(
                model == "bad" && matches!(error, Error::Internal(_)),
                "{error}"
            ),
        }
    }
    let explained = house.ledger.explain(dollar(key, "good")).wait().unwrap();
    assert_eq!(explained.copies[0].limits[0].state.held, 5 * DOLLAR);
    let house = house.crash();
    assert_eq!(house.ledger.open_reservations(ALL).unwrap().total, 5);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn an_expiry_that_cannot_be_written_down_stops_nothing_and_the_hold_can_be_settled() {
    let (house, key) = furnished();
    poison(&house);
    let reserve = |model| {
        house
            .ledger
            .reserve(dollar(key, model))
            .wait()
            .unwrap()
            .unwrap()
    };
    let made = ["good", "stuck", "good", "good"].map(reserve);
    house.advance(DAY);
    // What had expired is ended, but for the one, and decisions go on.
    let next = reserve("good");
    assert_eq!(house.ledger.open_reservations(ALL).unwrap().total, 2);
    let limit = next.limits.iter().find(|limit| limit.held > 0).unwrap();
    assert_eq!((limit.used, limit.held), (3 * DOLLAR, 2 * DOLLAR));
    // The next start finds it among those that were ended.
    let house = house.crash();
    assert_eq!(house.ledger.open_reservations(ALL).unwrap().total, 2);
    let cost = Money::from_nanodollars(DOLLAR / 2).unwrap();
    let settled = house
        .ledger
        .settle(made[1].reservation, Spent::of(1, cost), owner())
        .wait();
    assert_eq!(settled.unwrap().limits[0].used, 3 * DOLLAR + DOLLAR / 2);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn nothing_is_told_that_rests_on_what_was_not_written_down() {
    let (house, key) = furnished();
    let limits = |explained: tollkeeper::domain::decision::explanation::Explanation| {
        explained.copies[0].limits[0].state.held
    };
    let (made, explained) = together(&house.ledger, |ledger| {
        let made = ledger.reserve(dollar(key, "good"));
        let explained = ledger.explain(dollar(key, "good"));
        house.store.health().set_damaged("as asked");
        (made, explained)
    });
    assert!(matches!(made.wait(), Err(Error::Unavailable { .. })));
    assert_eq!(limits(explained.wait().unwrap()), 0);
}

#[test]
fn holds_that_expire_by_the_thousands_are_all_ended() {
    let (house, key) = furnished();
    for _ in 0..25 {
        let pending: Vec<_> = (0..100)
            .map(|_| house.ledger.reserve(dollar(key, "good")))
            .collect();
        for one in pending {
            one.wait().unwrap().unwrap();
        }
    }
    house.advance(DAY);
    let open = || house.ledger.open_reservations(ALL).unwrap().total;
    assert!(open() <= 1_500 && open() <= 500 && open() == 0);
    let explained = house.ledger.explain(dollar(key, "good")).wait().unwrap();
    let state = &explained.copies[0].limits[0].state;
    assert_eq!((state.used, state.held), (2_500 * DOLLAR, 0));
}

#[test]
fn old_reservations_and_answers_are_forgotten_also_behind_some_of_a_time_to_come() {
    let (house, key) = furnished();
    let mut number = 0;
    let mut make = |count: usize| {
        for _ in 0..count {
            number += 1;
            let mut call = dollar(key, "good");
            call.request = Some(RequestId {
                id: format!("request {number}"),
                body_hash: [7; 32],
            });
            let cost = Money::from_nanodollars(DOLLAR).unwrap();
            house
                .ledger
                .charge(call, Spent::of(1, cost))
                .wait()
                .unwrap()
                .unwrap();
        }
    };
    let rows = || -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM reservations), (SELECT count(*) FROM request_ids)";
        connection(&house)
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    // The clock was ahead for a while.
    house.advance(400 * DAY);
    make(600);
    house.advance(-400 * DAY);
    make(700);
    house.advance(DAY);
    make(3);
    house.ledger.sweep(house.now()).unwrap();
    assert_eq!(rows(), (603, 603));
    house.assert_counters_follow_from_the_journal();
}
