//! What was spent is recorded: whatever a user loses between a hold and its settlement, or before a call is reported, what is charged
//! is what was reported, to the nanodollar and once.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::usage::UsageQuery;
use tollkeeper::domain::decision::{Presented, RefusalKind, RequestId, ReservationId};
use tollkeeper::domain::list::Page;
use tollkeeper::domain::settings::{DecisionSettings, OnExpiry};
use tollkeeper::domain::values::money::Money;
use tollkeeper::domain::virtual_key::VirtualKey;
use tollkeeper::error::Result;
use tollkeeper::service::people::holdings;
use tollkeeper::store::people::users;
use tollkeeper::store::{WorkInTurn, usage, virtual_keys};

use crate::house::{House, call, owner, quick};

/// A way to lose the right to a call.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// The secret is replaced, and works no more.
    Rotate,
    /// The secret is replaced, and works for a minute.
    RotateWithGrace,
    KeyExpires,
    DeleteKey,
    /// The first copy goes.
    TakeOne,
    TakeAll,
    DeleteUser,
    /// The copies follow a profile that has no line for the provider, no model, or no room.
    Follow(usize),
    /// Somebody frees every hold.
    CancelHolds,
    /// Every hold expires, and so do copies that are to.
    TimePasses,
    Crash,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Of one of two providers, at this estimate.
    Hold(bool, i64),
    /// With one of the keys.
    Report(usize, bool, i64),
    Settle(usize, i64),
    Lose(Loss),
}

const HOUR: i64 = 3_600_000;
/// So many of them that all steps together stay below what a line of the history can hold.
const MOST: i64 = 50_000_000 * 1_000_000_000;

fn cost() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(1),
        2..5_000_000_000_i64,
        Just(MOST),
        Just(MOST - 1)
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::Rotate),
        Just(Loss::RotateWithGrace),
        Just(Loss::KeyExpires),
        Just(Loss::DeleteKey),
        Just(Loss::TakeOne),
        Just(Loss::TakeAll),
        Just(Loss::DeleteUser),
        (0..3_usize).prop_map(Loss::Follow),
        Just(Loss::CancelHolds),
        Just(Loss::TimePasses),
        Just(Loss::Crash),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 0..50_000_000_i64).prop_map(|(openai, cost)| Step::Hold(openai, cost)),
        3 => (0..9_usize, any::<bool>(), cost()).prop_map(|(key, openai, cost)| Step::Report(key, openai, cost)),
        3 => (0..9_usize, cost()).prop_map(|(at, cost)| Step::Settle(at, cost)),
        3 => loss().prop_map(Step::Lose),
    ]
}

fn profile(name: &str, budget: i64, lines: &Value) -> Value {
    json!({ "name": name, "provider_configs": lines, "budgets": [{ "max_limit": budget, "reset_duration": "1d" }],
            "rate_limit": { "request_max_limit": 1_000, "request_reset_duration": "1h" } })
}

fn openai() -> Value {
    json!([{ "provider_name": "openai", "all_models_allowed": true, "budgets": [{ "max_limit": 1_000, "reset_duration": "1h" }] }])
}

fn both() -> Value {
    json!([{ "provider_name": "openai", "all_models_allowed": true }, { "provider_name": "anthropic", "all_models_allowed": true }])
}

/// A user with two profiles, and what was reported of each.
struct Spender {
    house: House,
    user_id: i64,
    keys: Vec<Presented>,
    open: Vec<ReservationId>,
    /// What was charged for each, once settled.
    settled: HashMap<usize, i64>,
    reported: i128,
    calls: i64,
    requests: u64,
}

impl Spender {
    fn new(on_expiry: OnExpiry) -> Self {
        let house = House::new(DecisionSettings {
            on_expiry,
            ..quick()
        });
        let profiles = [
            house.profile_of(&profile("first", 2_000, &openai())),
            house.profile_of(&profile("second", 2_000, &both())),
        ];
        let user_id = house.user(0);
        let until = house.now().checked_add(jiff::Span::new().hours(2)).unwrap();
        let keys = vec![
            house.give(user_id, profiles[0]).1,
            house.give_until(user_id, profiles[1], Some(until)).1,
        ];
        Self {
            house,
            user_id,
            keys,
            open: Vec::new(),
            settled: HashMap::new(),
            reported: 0,
            calls: 0,
            requests: 0,
        }
    }

    fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Hold(openai, cost) => self.hold(openai, cost),
                Step::Report(key, openai, cost) => self.report(key, openai, cost),
                Step::Settle(at, cost) => self.settle(at, cost),
                Step::Lose(Loss::Crash) => self.house = self.house.crash(),
                Step::Lose(loss) => self.lose(loss),
            }
        }
        for at in 0..self.open.len() {
            self.settle(at, 7);
        }
        self.house.ledger.flush().wait().unwrap();
        self.house.assert_counters_follow_from_the_journal();
        let query = UsageQuery {
            from_day: 0,
            to_day: 1_000_000,
            groups: [false, true, false, false, false],
            user_id: Some(self.user_id),
            access_profile_id: None,
            page: Page {
                limit: 1,
                offset: 0,
                ends_early: false,
            },
        };
        let listed = self
            .house
            .store
            .read(|reading| usage::list(reading, &query))
            .unwrap();
        let used = listed.items.first().cloned().unwrap_or_default();
        assert_eq!(
            (
                used.calls,
                i128::from(used.cost_nanodollars),
                i128::from(used.tokens)
            ),
            (self.calls, self.reported, i128::from(self.calls))
        );
    }

    fn hold(&mut self, openai: bool, cost: i64) {
        let mut asked = call(self.keys[0], Some(provider(openai)), "gpt-5");
        asked.particulars.estimated_cost = Money::from_nanodollars(cost);
        if let Ok(granted) = self.house.ledger.reserve(asked).wait().unwrap() {
            self.open.push(granted.reservation);
        }
    }

    fn report(&mut self, key: usize, openai: bool, cost: i64) {
        self.requests += 1;
        let mut made = call(
            self.keys[key % self.keys.len()],
            Some(provider(openai)),
            "gpt-5",
        );
        made.request = Some(RequestId {
            id: format!("request {}", self.requests),
            body_hash: [7; 32],
        });
        let amount = Money::from_nanodollars(cost).unwrap();
        let charge = || {
            self.house
                .ledger
                .charge(made.clone(), Spent::of(1, amount))
                .wait()
                .unwrap()
                .unwrap()
        };
        let (first, again) = (charge(), charge());
        assert!(!first.repeated && again.repeated);
        assert_eq!(
            (first.user_id, first.cost, first.reservation),
            (self.user_id, amount, again.reservation)
        );
        self.reported += i128::from(cost);
        self.calls += 1;
    }

    fn settle(&mut self, at: usize, cost: i64) {
        if self.open.is_empty() {
            return;
        }
        let at = at % self.open.len();
        let cost = *self.settled.get(&at).unwrap_or(&cost);
        let amount = Money::from_nanodollars(cost).unwrap();
        let settled = self
            .house
            .ledger
            .settle(self.open[at], Spent::of(1, amount), owner())
            .wait()
            .unwrap();
        assert_eq!(settled.repeated, self.settled.contains_key(&at));
        if self.settled.insert(at, cost).is_none() {
            self.reported += i128::from(cost);
            self.calls += 1;
        }
    }

    fn lose(&self, loss: Loss) {
        let (user_id, now) = (self.user_id, self.house.now());
        match loss {
            Loss::Rotate => self
                .each_key(|work, key| virtual_keys::rotate(work, key.id, secret(), None).map(drop)),
            Loss::RotateWithGrace => self.each_key(move |work, key| {
                let until = now.checked_add(jiff::Span::new().minutes(1)).unwrap();
                virtual_keys::rotate(work, key.id, secret(), Some(until)).map(drop)
            }),
            Loss::KeyExpires => self.each_key(move |work, key| {
                let mut expired = key.clone();
                expired.expires_at = Some(now);
                virtual_keys::update(work, key, expired)
            }),
            Loss::DeleteKey => self.each_key(virtual_keys::delete),
            Loss::TakeOne => {
                self.change(move |work| holdings::take_one(work, user_id, 1).map(drop).or(Ok(())));
            }
            Loss::TakeAll => {
                self.change(move |work| holdings::take_all(work, user_id).map(drop));
            }
            // Not through what the service does before: whatever was held goes by itself.
            Loss::DeleteUser => self.change(move |work| users::delete(work, user_id)),
            Loss::Follow(which) => {
                let bodies = [
                    profile(
                        "no line",
                        2_000,
                        &json!([{ "provider_name": "mistral", "all_models_allowed": true }]),
                    ),
                    profile(
                        "no model",
                        2_000,
                        &json!([{ "provider_name": "openai", "allowed_models": ["o3"] }]),
                    ),
                    profile("no room", 0, &both()),
                ];
                let copies: Vec<_> = [1, 2].map(|copy| (user_id, copy)).into();
                self.house.follow_body(&copies, &bodies[which], false);
            }
            Loss::CancelHolds => {
                for id in &self.open {
                    // One that is settled stays settled.
                    let _ = self.house.ledger.cancel(*id, owner()).wait();
                }
            }
            Loss::TimePasses => {
                self.house.advance(HOUR);
                self.change(|_| Ok(()));
            }
            Loss::Crash => {}
        }
    }

    fn change(&self, work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<()> + Send + 'static) {
        self.house.change(work).unwrap();
    }

    fn each_key(
        &self,
        each: impl Fn(&mut WorkInTurn<'_>, VirtualKey) -> Result<()> + Send + 'static,
    ) {
        let user_id = self.user_id;
        self.change(move |work| {
            let keys = virtual_keys::list_of_user(work, user_id)?;
            keys.into_iter().try_for_each(|key| each(work, key))
        });
    }
}

fn provider(openai: bool) -> &'static str {
    if openai { "openai" } else { "anthropic" }
}

/// The hash of a secret that nobody has.
fn secret() -> [u8; 32] {
    tollkeeper::service::virtual_keys::tokens::random().unwrap()
}

#[test]
fn a_key_that_was_deleted_is_known_as_long_as_the_history_of_use() {
    let mut spender = Spender::new(OnExpiry::Charge);
    let kept = i64::from(spender.house.settings.usage_retention_days) * 24 * HOUR;
    let sweep = |spender: &Spender| spender.house.ledger.sweep(spender.house.now()).unwrap();
    spender.lose(Loss::DeleteUser);
    sweep(&spender);
    spender.house.advance(kept);
    sweep(&spender);
    spender.report(0, true, 1);
    spender.house.advance(1);
    sweep(&spender);
    let made = call(spender.keys[0], Some("openai"), "gpt-5");
    let charged = spender
        .house
        .ledger
        .charge(made, Spent::of(1, Money::ZERO))
        .wait();
    let refusal = charged.unwrap().unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::AccessNotFound);
}

#[test]
fn of_a_key_that_is_rotated_without_end_the_newest_secrets_are_known() {
    let spender = Spender::new(OnExpiry::Charge);
    let charge = |key: Presented| {
        let made = call(key, Some("openai"), "gpt-5");
        let charged = spender
            .house
            .ledger
            .charge(made, Spent::of(1, Money::ZERO))
            .wait();
        charged.unwrap().map_err(|refusal| refusal.kind)
    };
    let mut keys = vec![spender.keys[0]];
    for _ in 0..102 {
        let hash = secret();
        spender.each_key(move |work, key| match key.id {
            1 => virtual_keys::rotate(work, key.id, hash, None).map(drop),
            _ => Ok(()),
        });
        spender.house.ledger.sweep(spender.house.now()).unwrap();
        spender.house.advance(1);
        keys.push(Presented {
            secret_hash: hash,
            ..keys[0]
        });
    }
    let known = keys.iter().filter(|key| charge(**key).is_ok()).count();
    assert_eq!(known, 101, "a hundred and the current one");
    assert!(charge(keys[101]).is_ok() && charge(keys[102]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_charged_is_what_was_reported_whatever_was_lost_before(
        steps in prop::collection::vec(step(), 1..60),
        on_expiry in prop_oneof![Just(OnExpiry::Charge), Just(OnExpiry::Release)]
    ) {
        Spender::new(on_expiry).run(steps);
    }
}
