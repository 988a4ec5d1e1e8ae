//! The core without HTTP and disk: reading and writing one 2 KB profile, reading the change of a large one, and recognising a key.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tollkeeper::domain::access_profile::AccessProfile;
use tollkeeper::domain::access_profile::input::AccessProfileInput;
use tollkeeper::domain::body::json;
use tollkeeper::domain::body::stored_texts::StoredTexts;
use tollkeeper::domain::credential::Token;
use tollkeeper::domain::server_status::StartFacts;
use tollkeeper::domain::settings::{BackupSettings, DecisionSettings, PriceSettings};
use tollkeeper::ledger::Ledger;
use tollkeeper::service::api_keys::first_start;
use tollkeeper::service::api_keys::keyring::Keyring;
use tollkeeper::service::backups::known::Backups;
use tollkeeper::service::price_book::PriceBook;
use tollkeeper::service::revocations::Revocations;
use tollkeeper::service::sign_in::SignInCodes;
use tollkeeper::service::{Clock, Services};
use tollkeeper::store::Store;
use tollkeeper::store::directory::{DataDirectory, Owned};

const PROFILE: &str = include_str!("profile.json");

fn profile(now: Timestamp) -> AccessProfile {
    let body = json::parse(PROFILE.as_bytes()).unwrap();
    let input = AccessProfileInput::parse_new(&body, now).unwrap();
    let mut last = 0;
    let mut next = || {
        last += 1;
        last
    };
    AccessProfile::create(1, input, &mut next, now).unwrap()
}

fn reading_and_writing(criterion: &mut Criterion) {
    let now = Timestamp::now();
    criterion.bench_function("parse the JSON of a body", |bench| {
        bench.iter(|| json::parse(black_box(PROFILE.as_bytes())).unwrap());
    });
    criterion.bench_function("parse and validate a body", |bench| {
        bench.iter(|| {
            let body = json::parse(black_box(PROFILE.as_bytes())).unwrap();
            AccessProfileInput::parse_new(&body, now).unwrap()
        });
    });
    let profile = profile(now);
    criterion.bench_function("write a profile as JSON", |bench| {
        bench.iter(|| serde_json::to_string(black_box(&profile)).unwrap());
    });
}

/// 100 providers with 20 models each, one in five with a wildcard.
fn large_change() -> String {
    let line = |provider: usize| {
        let models: Vec<_> = (0..20)
            .map(|model| {
                format!(
                    "\"model-{model}-{}\"",
                    if model % 5 == 0 { "*" } else { "turbo" }
                )
            })
            .collect();
        format!(
            "{{\"provider_name\":\"provider-{provider}\",\"allowed_models\":[{}],\"budgets\":[{{\"max_limit\":5.5}}]}}",
            models.join(",")
        )
    };
    let lines: Vec<_> = (0..100).map(line).collect();
    format!("{{\"provider_configs\":[{}]}}", lines.join(","))
}

fn reading_a_large_change(criterion: &mut Criterion) {
    let body = large_change();
    criterion.bench_function("read a change of 100 providers", |bench| {
        bench.iter(|| {
            let body = json::parse(black_box(body.as_bytes())).unwrap();
            AccessProfileInput::parse_change(&body, || Ok(StoredTexts::None)).unwrap()
        });
    });
}

fn recognising_a_key(criterion: &mut Criterion) {
    let root = tempfile::tempdir().unwrap();
    let Owned::Ours(directory) = DataDirectory::own(root.path()).unwrap() else {
        panic!("a fresh directory is in use");
    };
    let revocations = Revocations::open(&directory).unwrap();
    let backups = Backups::open(&directory, &BackupSettings::default()).unwrap();
    let store = Arc::new(Store::open(Arc::new(directory), Timestamp::now()).unwrap());
    let services = Services {
        ledger: Ledger::start(
            Arc::clone(&store),
            &DecisionSettings::default(),
            &TimeZone::UTC,
            Timestamp::now,
        )
        .unwrap(),
        store,
        keyring: Keyring::start().unwrap(),
        prices: PriceBook::open(&PriceSettings::default()).unwrap(),
        sign_in_codes: SignInCodes::default(),
        backups,
        clock: Clock::new(Timestamp::now),
        revocations,
        time_zone: jiff::tz::TimeZone::UTC,
        start: StartFacts {
            at: Timestamp::now(),
            clock_before: None,
            max_connections: 0,
            connection_room: 0,
        },
    };
    let token = first_start::make_first_key(&services, None)
        .unwrap()
        .unwrap();
    let now = services.clock.now();
    services
        .keyring
        .verify(&services.store, &token, now)
        .unwrap();
    let text = token.reveal().to_owned();
    criterion.bench_function("parse and recall a key", |bench| {
        bench.iter(|| {
            let token = Token::parse(black_box(&text)).unwrap();
            services.keyring.recall(&token, now).unwrap().unwrap()
        });
    });
    services.store.close(services.clock.now()).unwrap();
}

criterion_group!(
    benches,
    reading_and_writing,
    reading_a_large_change,
    recognising_a_key
);
criterion_main!(benches);
