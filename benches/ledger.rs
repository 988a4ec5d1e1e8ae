//! Decisions in memory on one core, without HTTP and disk: what the ledger's thread does between two commits.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tollkeeper::domain::access_profile::AccessProfile;
use tollkeeper::domain::access_profile::input::AccessProfileInput;
use tollkeeper::domain::access_profile::policy::Policy;
use tollkeeper::domain::body::json;
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Call, Particulars, Party, Presented};
use tollkeeper::domain::settings::DecisionSettings;
use tollkeeper::domain::values::money::Money;
use tollkeeper::ledger::engine::{
    Counters, Demand, Effects, Key, LedgerState, PendingRows, Refusals, Rules, UserProfile,
};

const NOW: i64 = 1_780_315_200_000;
/// Decisions between two commits.
const BATCH: usize = 64;

const PROFILE: &str = r#"{
    "name": "bench",
    "budgets": [{"max_limit": 1000000000, "reset_duration": "1d"}, {"max_limit": 1000000000}],
    "rate_limit": {"token_max_limit": 900000000000, "token_reset_duration": "1h",
                   "request_max_limit": 900000000000, "request_reset_duration": "1m"},
    "provider_configs": [
        {"provider_name": "openai", "allowed_models": ["gpt-4o", "gpt-4.1*"],
         "budgets": [{"max_limit": 1000000000, "reset_duration": "1w"}]},
        {"provider_name": "anthropic", "all_models_allowed": true}
    ]
}"#;

/// So many users with one copy and one key each.
fn state(users: i64) -> (LedgerState, Vec<Call>) {
    let now = Timestamp::from_millisecond(NOW).unwrap();
    let input =
        AccessProfileInput::parse_new(&json::parse(PROFILE.as_bytes()).unwrap(), now).unwrap();
    let mut last = 0;
    let mut next = || {
        last += 1;
        last
    };
    let profile = AccessProfile::create(1, input, &mut next, now).unwrap();
    let policy = Policy::of(&profile);
    let limits = policy.limits().into_iter().zip(1..);
    let limits = limits.map(|(limit, place_id)| limit.stored(place_id, place_id));
    let rules = Rules::compile(&policy, limits.collect(), |_| unreachable!());
    let rules = Arc::new(rules.unwrap());
    let mut state = LedgerState::empty(DecisionSettings::default(), TimeZone::UTC);
    let mut calls = Vec::new();
    for id in 1..=users {
        let public_id: [u8; 12] = format!("{id:012}").into_bytes().try_into().unwrap();
        let secret_hash = [7; 32];
        let key = Key {
            id,
            user_id: id,
            expires_at: i64::MAX,
            secret_hash,
            earlier: None,
        };
        let copy = UserProfile {
            id,
            access_profile_id: 1,
            template_version: 1,
            created_at: NOW,
            expires_at: i64::MAX,
            rules: Arc::clone(&rules),
            counters: Counters::default(),
            overrides: Vec::new(),
        };
        let at = (NOW, &state.zone);
        state
            .directory
            .put_user(id, vec![copy], vec![(public_id, key)], 1, at);
        calls.push(Call {
            key: Presented {
                public_id,
                secret_hash,
            },
            provider: Some("openai".to_owned()),
            model: "gpt-4o".into(),
            particulars: Particulars::expecting(Some(1_000), Money::from_nanodollars(10_000_000)),
            offers: None,
            requests: 1,
            request: None,
            owner: Party::ApiKey(1),
        });
    }
    (state, calls)
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decisions in memory");
    for users in [10, 10_000] {
        let (mut state, calls) = state(users);
        let mut turn = 0;
        let pending = PendingRows::default();
        // A reservation and its settlement are two decisions.
        group.throughput(Throughput::Elements(2 * BATCH as u64));
        group.bench_function(format!("reserve and settle, {users} users"), |bench| {
            bench.iter(|| {
                let mut effects = Effects::default();
                let mut made = Vec::with_capacity(BATCH);
                for _ in 0..BATCH {
                    turn = (turn + 7_919) % calls.len();
                    let demand = Demand::new(&state.settings, &calls[turn]);
                    let Ok(grant) = state.decide(&demand, NOW, None) else {
                        panic!("a call was refused");
                    };
                    made.push(state.reserve(&mut effects, &demand, grant, 7, NOW).unwrap());
                }
                let used = Spent::of(900, Money::nearest(9_000));
                for granted in &made {
                    black_box(state.settle(
                        &mut effects,
                        granted.reservation.number,
                        used.into(),
                        Party::ApiKey(1),
                        NOW,
                    ));
                }
                let (journal, _) = effects.journal(&state, &Refusals::default(), &pending);
                black_box(journal)
            });
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("explain, {users} users"), |bench| {
            bench.iter(|| {
                turn = (turn + 7_919) % calls.len();
                black_box(state.explain(&calls[turn], NOW))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
