//! Many threads on budgets that run dry.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::decision::RefusalKind;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::values::money::Money;

use crate::house::{House, call, owner, quick};
use crate::plan::DOLLAR;

const THREADS: usize = 64;
const CALLS: usize = 10_000;

fn crowded() -> House {
    House::new(quick())
}

#[test]
fn sixty_four_threads_get_exactly_what_three_budgets_hold() {
    let house = crowded();
    // Of $60 a day, $45 a month and $20 a day of openai, in steps of one cent.
    let profile = house.profile_of(&json!({
        "name": "crowd",
        "budgets": [{"max_limit": 60, "reset_duration": "1d"}, {"max_limit": 45}],
        "provider_configs": [
            {"provider_name": "openai", "all_models_allowed": true,
             "budgets": [{"max_limit": 20, "reset_duration": "1d"}]},
            {"provider_name": "anthropic", "all_models_allowed": true},
        ],
    }));
    let (_, key) = house.give(house.user(0), profile);
    let (openai, anthropic) = (AtomicI64::new(0), AtomicI64::new(0));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= CALLS {
                        return;
                    }
                    let (provider, granted) = if number.is_multiple_of(2) {
                        ("openai", &openai)
                    } else {
                        ("anthropic", &anthropic)
                    };
                    let mut call = call(key, Some(provider), "m");
                    call.particulars.estimated_cost = Money::from_nanodollars(DOLLAR / 100);
                    match house.ledger.reserve(call).wait().unwrap() {
                        Ok(made) => {
                            granted.fetch_add(1, Ordering::SeqCst);
                            for limit in &made.limits {
                                assert!(limit.used + limit.held <= limit.effective_max_limit);
                            }
                            if number.is_multiple_of(3) {
                                let cost = Money::from_nanodollars(DOLLAR / 100).unwrap();
                                house
                                    .ledger
                                    .settle(made.reservation, Spent::of(1, cost), owner())
                                    .wait()
                                    .unwrap();
                            }
                        }
                        Err(refusal) => {
                            assert_eq!(refusal.kind, RefusalKind::BudgetExceeded);
                            let limit = refusal.limit.unwrap();
                            assert_eq!(limit.remaining(), 0, "{}", refusal.message);
                        }
                    }
                }
            });
        }
    });
    let (openai, anthropic) = (openai.into_inner(), anthropic.into_inner());
    assert_eq!(openai, 2_000);
    assert_eq!(openai + anthropic, 4_500);
    house.assert_counters_follow_from_the_journal();
}

#[test]
fn a_crash_among_sixty_four_threads_loses_nothing_acknowledged_and_lets_in_nothing_twice() {
    const CENT: i64 = DOLLAR / 100;
    let house = crowded();
    let profile = house.profile_of(&json!({
        "name": "crowd",
        "budgets": [{"max_limit": 10, "reset_duration": "1d"}, {"max_limit": 8}],
        "provider_configs": [
            {"provider_name": "openai", "all_models_allowed": true,
             "budgets": [{"max_limit": 5, "reset_duration": "1d"}]},
            {"provider_name": "anthropic", "all_models_allowed": true},
        ],
    }));
    let (_, key) = house.give(house.user(0), profile);
    let cent = Money::from_nanodollars(CENT).unwrap();
    let reserve = |house: &House, number: usize| {
        let provider = ["openai", "anthropic"][number % 2];
        let mut call = call(key, Some(provider), "m");
        call.particulars.estimated_cost = Some(cent);
        house.ledger.reserve(call).wait().unwrap().ok()
    };
    let (granted, settled) = (AtomicI64::new(0), AtomicI64::new(0));
    let next = AtomicUsize::new(0);
    let left = std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= 1_500 {
                        return;
                    }
                    let Some(made) = reserve(&house, number) else {
                        continue;
                    };
                    granted.fetch_add(1, Ordering::SeqCst);
                    if number.is_multiple_of(3) {
                        let answer =
                            house
                                .ledger
                                .settle(made.reservation, Spent::of(1, cent), owner());
                        answer.wait().unwrap();
                        settled.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        // Moments of their own: so many calls after the start.
        [100, 400, 700, 1_000].map(|calls| {
            while next.load(Ordering::SeqCst) < calls {
                std::thread::yield_now();
            }
            let acknowledged = [&granted, &settled].map(|count| count.load(Ordering::SeqCst));
            (acknowledged, house.snapshot())
        })
    });
    for ([granted, settled], root) in left {
        let database = Connection::open(root.path().join("tollkeeper.db")).unwrap();
        let sql = "SELECT count(*), count(settled_number) FROM reservations";
        let kept: (i64, i64) = database
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        drop(database);
        assert!(kept.0 >= granted && kept.1 >= settled, "{kept:?}");
        let house = House::open(root, Arc::clone(&house.time), quick());
        house.assert_counters_follow_from_the_journal();
        // What is left of the eight dollars is let in, to the last cent and no further.
        let mut more = 0;
        for number in 0..1_500 {
            if let Some(made) = reserve(&house, number) {
                more += 1;
                for limit in &made.limits {
                    assert!(limit.used + limit.held <= limit.effective_max_limit);
                }
            }
        }
        assert_eq!(kept.0 + more, 800);
        house.assert_counters_follow_from_the_journal();
    }
}

#[test]
fn threads_that_give_back_what_they_hold_never_overdraw_and_are_refused_only_without_room() {
    let house = crowded();
    let profile = house.profile_of(&json!({
        "name": "crowd",
        "budgets": [{"max_limit": 1}],
        "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
    }));
    let (_, key) = house.give(house.user(0), profile);
    let spent = AtomicI64::new(0);
    let (house, spent) = (&house, &spent);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for round in 0..CALLS / THREADS {
                    let asked =
                        i64::try_from((thread * 31 + round * 17) % 40).unwrap() * DOLLAR / 1_000;
                    let mut call = call(key, None, "m");
                    call.particulars.estimated_cost = Money::from_nanodollars(asked);
                    match house.ledger.reserve(call).wait().unwrap() {
                        Ok(made) if round % 3 == 0 => {
                            house
                                .ledger
                                .cancel(made.reservation, owner())
                                .wait()
                                .unwrap();
                        }
                        Ok(made) => {
                            let cost = Money::from_nanodollars(asked / 50).unwrap();
                            house
                                .ledger
                                .settle(made.reservation, Spent::of(1, cost), owner())
                                .wait()
                                .unwrap();
                            spent.fetch_add(asked / 50, Ordering::SeqCst);
                        }
                        Err(refusal) => {
                            let limit = refusal.limit.unwrap();
                            let room = limit.effective_max_limit - limit.used - limit.held;
                            assert!(room < asked || room <= 0, "{}", refusal.message);
                        }
                    }
                }
            });
        }
    });
    let explained = house.ledger.explain(call(key, None, "m")).wait().unwrap();
    let limit = &explained.copies[0].limits[0].state;
    assert_eq!((limit.used, limit.held), (spent.load(Ordering::SeqCst), 0));
    house.assert_counters_follow_from_the_journal();
}
