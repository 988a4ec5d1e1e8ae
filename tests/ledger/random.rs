//! Random histories: the ledger and the plain model decide alike, explanations tell the truth, and a crash changes nothing.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Presented, RequestId, ReservationId};
use tollkeeper::domain::limits::budget_override::{BudgetOverride, BudgetPlace};
use tollkeeper::domain::limits::limit::{CounterKey, LimitKind};
use tollkeeper::domain::settings::{DecisionSettings, OnExpiry};
use tollkeeper::domain::values::money::Money;
use tollkeeper::error::Error;
use tollkeeper::ledger::{Ender, Extension};
use tollkeeper::store::access_profiles::policies;
use tollkeeper::store::people::budget_overrides;

use crate::actions::{Action, action, asked};
use crate::copy::Copy;
use crate::house::{House, NOON, call, owner, quick};
use crate::model::{Asked, Model, State};
use crate::plan::{DOLLAR, PLANS, Plan, duration};

const TTL: i64 = 600_000;

struct World {
    house: House,
    model: Model,
    keys: Vec<Presented>,
    users: Vec<i64>,
    ids: Vec<ReservationId>,
    requests: u64,
}

impl World {
    fn new(plans: [Plan; 2], on_expiry: OnExpiry) -> Self {
        let house = House::new(DecisionSettings {
            on_expiry,
            ..quick()
        });
        let profiles = [
            house.profile("first", &plans[0]),
            house.profile("second", &plans[1]),
        ];
        let users = vec![house.user(0), house.user(1)];
        let mut model = Model::default();
        model.release = on_expiry == OnExpiry::Release;
        let mut keys = Vec::new();
        // The first user holds both, the second the second.
        for (user, profile) in [(0, 0), (0, 1), (1, 1)] {
            let (copy, key) = house.give(users[user], profiles[profile]);
            let plan = plans[profile];
            model.copies.push(Copy::new(user, copy, NOON, plan));
            keys.push(key);
        }
        Self {
            house,
            model,
            keys: vec![keys[1], keys[2]],
            users,
            ids: Vec::new(),
            requests: 0,
        }
    }

    /// Lets the ledger see what time it is before it becomes another one.
    fn expire(&mut self) {
        self.house.change(|_| Ok(())).unwrap();
        self.model.expire(self.house.now_ms());
    }

    fn request(&mut self, wanted: bool) -> Option<RequestId> {
        self.requests += 1;
        wanted.then(|| RequestId {
            id: format!("request {}", self.requests),
            body_hash: [7; 32],
        })
    }

    fn run(mut self, actions: Vec<Action>) {
        for action in actions {
            let now = self.house.now_ms();
            match action {
                Action::Reserve(asked, id) => self.reserve(&asked, id, now),
                Action::Charge(asked, id) => self.charge(&asked, id, now),
                Action::Settle(at, tokens, cost) => self.settle(at, tokens, cost, now),
                Action::Cancel(at) => self.cancel(at),
                Action::Extend(at, tokens, cost, ttl) => self.extend(at, (tokens, cost), ttl, now),
                Action::Advance(ms) => {
                    self.house.advance(ms);
                    self.expire();
                }
                Action::Follow(copy, plan, reset) => self.follow(copy, PLANS[plan], reset, now),
                Action::Raise(copy, dollars, cycles) => self.raise(copy, dollars, cycles, now),
                Action::Crash => {
                    self.house = self.house.crash();
                    self.house.assert_counters_follow_from_the_journal();
                }
            }
        }
        let house = self.house.crash();
        house.assert_counters_follow_from_the_journal();
        let open = house
            .ledger
            .open_reservations(tollkeeper::ledger::OpenQuery {
                user_id: None,
                own_of: None,
                offset: 0,
                limit: usize::MAX,
            });
        let expected = self
            .model
            .reservations
            .iter()
            .filter(|one| one.state == State::Open);
        assert_eq!(open.unwrap().total, expected.count());
    }

    fn reserve(&mut self, asked: &Asked, id: bool, now: i64) {
        let mut call = call(self.keys[asked.user], asked.provider, asked.model);
        call.particulars.estimated_tokens = asked.tokens;
        call.particulars.estimated_cost = asked.cost.and_then(Money::from_nanodollars);
        call.request = self.request(id);
        let explained = self.house.ledger.explain(call.clone()).wait().unwrap();
        let answer = self.house.ledger.reserve(call.clone()).wait().unwrap();
        match (self.model.decide(asked, now), answer) {
            (Ok((copy, provider)), Ok(granted)) => {
                self.model.reserve(copy, provider, asked, TTL, now);
                self.ids.push(granted.reservation);
                assert_eq!(granted.copy_id, self.model.copies[copy].id);
                assert_eq!(granted.provider.to_lowercase(), provider);
                assert_eq!(granted.expires_at_ms, now + TTL);
                assert!(explained.refusal.is_none());
                assert_eq!(explained.provider, Some(granted.provider.clone()));
                assert_eq!(explained.access_profile_id, Some(granted.access_profile_id));
                self.model
                    .assert_limits(copy, provider, &granted.limits, now);
                for limit in &granted.limits {
                    assert!(
                        limit.used.saturating_add(limit.held) <= limit.effective_max_limit,
                        "{limit:?}"
                    );
                }
                if let Some(request) = call.request.clone() {
                    let again = self
                        .house
                        .ledger
                        .reserve(call.clone())
                        .wait()
                        .unwrap()
                        .unwrap();
                    assert!(again.repeated);
                    assert_eq!(again.limits, granted.limits);
                    call.request = Some(RequestId {
                        body_hash: [8; 32],
                        ..request
                    });
                    let other = self.house.ledger.reserve(call).wait();
                    assert!(matches!(other, Err(Error::RequestIdReused)));
                }
            }
            (Err(kind), Err(refusal)) => {
                assert_eq!(kind, refusal.kind, "{}", refusal.message);
                assert_eq!(explained.refusal, Some(refusal));
            }
            (expected, answer) => panic!("{asked:?}: expected {expected:?}, got {answer:?}"),
        }
    }

    fn charge(&mut self, asked: &Asked, id: bool, now: i64) {
        let mut call = call(self.keys[asked.user], asked.provider, asked.model);
        call.request = self.request(id);
        let (tokens, nanodollars) = (asked.tokens.unwrap_or(0), asked.cost.unwrap_or(0));
        let cost = Money::from_nanodollars(nanodollars).unwrap();
        let bare = Asked {
            tokens: None,
            cost: None,
            ..asked.clone()
        };
        let answer = self
            .house
            .ledger
            .charge(call.clone(), Spent::of(tokens, cost))
            .wait()
            .unwrap();
        let settled = answer.unwrap();
        let outside = settled.outside_policy.as_ref().map(|outside| outside.kind);
        let copy = self
            .model
            .copies
            .iter()
            .position(|one| one.id == settled.copy_id)
            .unwrap();
        match self.model.who_pays(&bare, now) {
            Ok((expected, _)) => {
                assert_eq!(copy, expected);
                let over = settled.limits.iter().any(|limit| {
                    let spent = limit.used.saturating_add(limit.held);
                    let used = match limit.kind {
                        LimitKind::Budget => nanodollars,
                        LimitKind::Tokens => tokens,
                        LimitKind::Requests => 0,
                    };
                    used > 0 && spent > limit.effective_max_limit
                });
                assert_eq!(outside.is_some(), over);
            }
            Err((expected, kind)) => {
                assert_eq!((Some(copy), outside), (expected, Some(kind)));
            }
        }
        let provider = &settled.provider.to_lowercase();
        self.model.charge(copy, provider, tokens, nanodollars, now);
        self.model
            .assert_limits(copy, provider, &settled.limits, now);
        if id {
            let again = self
                .house
                .ledger
                .charge(call, Spent::of(tokens, cost))
                .wait()
                .unwrap()
                .unwrap();
            assert!(again.repeated);
            assert_eq!(
                (again.reservation, again.limits),
                (settled.reservation, settled.limits)
            );
        }
    }

    fn settle(&mut self, at: usize, tokens: i64, cost: i64, now: i64) {
        if self.ids.is_empty() {
            return;
        }
        let at = at % self.ids.len();
        let cost_sent = Money::from_nanodollars(cost).unwrap();
        let by_another = Ender::own(2);
        let refused =
            self.house
                .ledger
                .settle(self.ids[at], Spent::of(tokens, cost_sent), by_another);
        assert_refused(&refused.wait());
        let answer = self
            .house
            .ledger
            .settle(self.ids[at], Spent::of(tokens, cost_sent), owner())
            .wait();
        let accepted = self.model.settle(at, tokens, cost);
        assert_eq!(answer.is_ok(), accepted, "{answer:?}");
        if let Ok(settled) = answer {
            let one = &self.model.reservations[at];
            self.model
                .assert_limits(one.copy, one.provider, &settled.limits, now);
        }
    }

    fn cancel(&mut self, at: usize) {
        if self.ids.is_empty() {
            return;
        }
        let at = at % self.ids.len();
        assert_refused(&self.house.ledger.cancel(self.ids[at], Ender::own(2)).wait());
        let answer = self.house.ledger.cancel(self.ids[at], owner()).wait();
        assert_eq!(answer.is_ok(), self.model.cancel(at), "{answer:?}");
    }

    fn extend(&mut self, at: usize, (tokens, cost): (i64, i64), ttl: i64, now: i64) {
        if self.ids.is_empty() {
            return;
        }
        let at = at % self.ids.len();
        let to = Extension {
            estimated_tokens: Some(tokens),
            estimated_cost: Money::from_nanodollars(cost),
            ttl: Some(std::time::Duration::from_millis(ttl.unsigned_abs())),
        };
        assert_refused(
            &self
                .house
                .ledger
                .extend(self.ids[at], to, Ender::own(2))
                .wait(),
        );
        let answer = self.house.ledger.extend(self.ids[at], to, owner()).wait();
        if self.model.reservations[at].state != State::Open {
            assert!(matches!(answer, Err(Error::Conflict { .. })), "{answer:?}");
            return;
        }
        let granted = self.model.extend(at, tokens, cost, ttl, now);
        let answer = answer.unwrap();
        assert_eq!(answer.is_ok(), granted, "{answer:?}");
        if let Ok(extended) = answer {
            let one = &self.model.reservations[at];
            assert_eq!(extended.expires_at_ms, one.expires_at);
            self.model
                .assert_limits(one.copy, one.provider, &extended.limits, now);
        }
    }

    fn follow(&mut self, copy: usize, plan: Plan, reset: bool, now: i64) {
        let one = &self.model.copies[copy];
        let pair = (self.users[one.user], one.id);
        self.house.follow(&[pair], &plan, reset);
        self.model.follow(copy, plan, reset, now);
    }

    fn raise(&mut self, copy: usize, dollars: i64, cycles: Option<i64>, now: i64) {
        let one = &mut self.model.copies[copy];
        let first = one
            .plan
            .limits
            .iter()
            .find(|line| line.0 == LimitKind::Budget);
        let Some(&(kind, of, every, _)) = first else {
            return;
        };
        let anchor_at = one.raise((kind, of, every), dollars * DOLLAR, cycles, now);
        let (user_id, copy_id) = (self.users[one.user], one.id);
        let at = BudgetPlace {
            user_id,
            access_profile_id: 1,
            budget_id: String::new(),
        };
        self.house
            .change(move |work| {
                let key = CounterKey {
                    kind: LimitKind::Budget,
                    provider_key: "".into(),
                    reset_duration: duration(every),
                };
                let over = BudgetOverride {
                    place_id: policies::get_place_id(work, &key)?,
                    amount: Money::from_nanodollars(dollars * DOLLAR).unwrap(),
                    cycles,
                    anchor_at,
                };
                budget_overrides::put(work, copy_id, at, None, over)
            })
            .unwrap();
    }
}

/// What a key is told that did not make the reservation; the model knows nothing of it, so it must change nothing.
#[track_caller]
fn assert_refused<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Forbidden { .. })), "{answer:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_decides_as_a_plain_model_does(
        actions in prop::collection::vec(action(), 1..150),
        plans in (0..PLANS.len(), 0..PLANS.len()),
        on_expiry in prop_oneof![2 => Just(OnExpiry::Charge), 1 => Just(OnExpiry::Release)]
    ) {
        World::new([PLANS[plans.0], PLANS[plans.1]], on_expiry).run(actions);
    }
}

#[test]
fn explanations_and_decisions_agree_on_ten_thousand_random_calls() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut world = World::new([PLANS[0], PLANS[1]], OnExpiry::Charge);
    for _ in 0..10_000 {
        let (asked, ms) = (asked(), 0..60_000_i64)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        world.house.advance(ms);
        world.expire();
        let now = world.house.now_ms();
        world.reserve(&asked, false, now);
        // The model looks at every reservation; those that are over matter no more.
        if world
            .model
            .reservations
            .iter()
            .all(|one| one.state != State::Open)
        {
            world.model.reservations.clear();
            world.ids.clear();
        }
    }
}
