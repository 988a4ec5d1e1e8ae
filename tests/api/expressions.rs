//! `regex:` patterns: what a profile may have of them, and that nobody waits for their compilation.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::wire::Wire;
use crate::support::{Client, Server};

/// Takes long to read and is small when it is compiled.
fn slow_to_read(salt: usize) -> String {
    format!("regex:{}{salt}", r"[\w&&[a]]".repeat(100))
}

/// Of these, some twenty fit into a profile.
fn large(salt: usize) -> String {
    format!("regex:.*a.{{8}}{salt}")
}

fn lines(lists: &[Vec<String>]) -> Value {
    let line = |(n, list): (usize, &Vec<String>)| json!({ "provider_name": format!("provider-{n}"), "allowed_models": list });
    lists.iter().enumerate().map(line).collect()
}

fn plain(many: std::ops::Range<usize>) -> Vec<String> {
    many.map(|n| format!("regex:model-{n}-(small|large)"))
        .collect()
}

#[test]
fn a_profile_has_two_hundred_expressions_and_the_next_is_named() {
    let server = Server::start();
    let client = &server.client;
    let most = lines(&[plain(0..120), plain(120..200)]);
    let profile =
        client.create_profile(&json!({ "name": "most", "provider_configs": most.clone() }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    let mut more = most.clone();
    more[0]["blacklisted_models"] = json!(["plain", "regex:one-more"]);
    let refused = ["provider_configs[1].allowed_models[79] too_many_expressions"];
    let body = json!({ "name": "more", "provider_configs": more });
    let reply = client.post("/api/access-profiles", &body).expect(400);
    assert_eq!(reply.violations(), refused);
    // Also where the lines were read before, and count all the same.
    for _ in 0..3 {
        client
            .put(&path, &json!({ "provider_configs": most }))
            .expect(200);
        let reply = client.put(&path, &body).expect(400);
        assert_eq!(reply.violations(), refused);
    }
    let fewer = json!({ "name": "fewer", "provider_configs": lines(&[plain(0..1), (0..9_000).map(|n| format!("m{n}*")).collect()]) });
    client.post("/api/access-profiles", &fewer).expect(201);
}

#[test]
fn the_first_expression_that_does_not_fit_is_named_beside_everything_else() {
    let server = Server::start();
    let client = &server.client;
    let with = |name: &str, many: usize| {
        json!({
            "name": name,
            "provider_configs": lines(&[(0..10).map(large).collect(), (10..many).map(large).collect()]),
        })
    };
    let reply = client
        .post("/api/access-profiles", &with("", 60))
        .expect(400);
    let violations = reply.violations();
    let (first, end) = (
        "provider_configs[1].allowed_models[",
        "] expressions_too_large",
    );
    let named: usize = violations[1]
        .strip_prefix(first)
        .unwrap()
        .strip_suffix(end)
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert_eq!(violations[0], "name blank");
    assert!((5..20).contains(&named), "{named}");
    client.create_profile(&with("fits", 10 + named));
    let reply = client
        .post("/api/access-profiles", &with("more", 11 + named))
        .expect(400);
    assert_eq!(reply.violations(), violations[1..]);
    for (wrong, code) in [
        ("regex:", "invalid_pattern"),
        ("regex:(", "invalid_pattern"),
        (r"regex:\pL{900}", "invalid_pattern"),
        (r"regex:(a{500}){500}", "invalid_pattern"),
    ] {
        let body = json!({ "name": "wrong", "provider_configs": lines(&[vec![wrong.to_owned()]]) });
        let reply = client.post("/api/access-profiles", &body).expect(400);
        let expected = format!("provider_configs[0].allowed_models[0] {code}");
        assert_eq!(reply.violations(), [expected], "{wrong}");
    }
}

#[test]
fn decisions_and_other_profiles_do_not_wait_for_bodies_full_of_expressions() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ann", &everything());
    let (_, other) = client.make_key("other", &["*"]);
    let hostile: Vec<String> = (0..25).map(slow_to_read).collect();
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8)
            .map(|n| {
                let body = json!({ "name": format!("hostile {n}"), "provider_configs": lines(std::slice::from_ref(&hostile)) });
                send(client, "POST", "/api/access-profiles", &body.to_string())
            })
            .collect();
        for mut wire in sent {
            let answered = &answered;
            scope.spawn(move || {
                assert_eq!(wire.answer().status, 201);
                answered.fetch_add(1, Ordering::SeqCst);
            });
        }
        for n in 0..20 {
            other.reserve(&holder.key, &json!({})).expect(201);
            other.create_profile(&json!({ "name": format!("plain {n}") }));
        }
        assert!(answered.load(Ordering::SeqCst) < 4, "all waited for them");
    });
}

#[test]
fn every_way_to_give_a_profile_has_its_expressions_ready() {
    let mut server = Server::start();
    let client = server.client.clone();
    let policy = |salt: &str| json!([{ "provider_name": "openai", "allowed_models": [format!("regex:gpt-[0-9]{salt}"), r"regex:\bo[0-9]\b.*"] }]);
    let profile =
        client.create_profile(&json!({ "name": "p", "provider_configs": policy("") }))["id"]
            .as_i64()
            .unwrap();
    let role = client.create_role("r");
    client.attach(profile, &[role], true, false).expect(200);
    let joined = client.create_user("joined", "joined@example.com", Some(role));
    let later = client.create_person("later");
    let change = json!({ "role_id": role });
    client
        .put(&format!("/api/users/{later}/role"), &change)
        .expect(200);
    let (assigned, key) = client.make_user_with("assigned", profile);
    // Compiled anew: nobody has this one.
    let other =
        client.create_profile(&json!({ "name": "q", "provider_configs": policy("q") }))["id"]
            .as_i64()
            .unwrap();
    let applied = client
        .attach(other, &[role], false, true)
        .expect(200)
        .json();
    assert_eq!(applied["users_applied"], 2);
    let call = |client: &Client, key: &str, model: &str| {
        client.reserve(key, &json!({ "model": model })).status
    };
    let judge = |client: &Client, key: &str, suffix: &str| {
        assert_eq!(call(client, key, &format!("GPT-5{suffix}")), 201);
        assert_eq!(call(client, key, "gpt-55x"), 403);
        assert_eq!(call(client, key, "o3 mini"), 201);
        assert_eq!(call(client, key, "o3 é"), 201);
        assert_eq!(call(client, key, "o3é"), 403);
    };
    judge(&client, &key, "");
    for user in [joined, later] {
        assert_eq!(client.copies_of(user).len(), 2);
    }
    client.change_profile(profile, &json!({ "provider_configs": policy("-turbo") }));
    let pushed = client.propagate(profile, &json!({ "fields": ["provider_configs"] }));
    assert_eq!(pushed["affected_users"], 3);
    judge(&client, &key, "-turbo");
    server = server.restart();
    judge(&server.client.with_key(&client.key), &key, "-turbo");
    assert!(!assigned.is_empty());
}

#[test]
fn what_was_stored_before_there_was_a_bound_still_loads_and_can_be_left() {
    let mut server = Server::start();
    let key = server.client.key.clone();
    let profile =
        json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4"] }] });
    let holder = server.client.make_holder("ann", &profile);
    let many: Vec<String> = (0..600).map(|n| format!(r"regex:.*\w{{2}}-{n}x")).collect();
    server.stop();
    rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .execute_batch(&format!(
            "UPDATE access_profile_versions SET snapshot = json_set(snapshot, '$.provider_configs[0].allowed_models', json('{0}'));
             UPDATE policies SET content = json_set(content, '$.provider_configs[0].allowed_models', json('{0}'));",
            json!(many)
        ))
        .unwrap();
    let server = server.restart();
    let client = &server.client.with_key(&key);
    let call = |model: &str| {
        client
            .reserve(&holder.key, &json!({ "model": model }))
            .status
    };
    assert_eq!(call("some-ab-0x"), 201);
    assert_eq!(call("some-ab-599x"), 201);
    assert_eq!(call("some-ab-600x"), 403);
    let path = format!("/api/access-profiles/{}", holder.profile_id);
    client
        .put(&path, &json!({ "description": "as it was" }))
        .expect(200);
    // It is given to somebody while others are let in.
    let user = client.create_person("bob");
    let assignment = json!({ "access_profile_id": holder.profile_id }).to_string();
    let assign = format!("/api/users/{user}/access-profiles");
    let mut sent = send(client, "POST", &assign, &assignment);
    assert_eq!(call("some-ab-7x"), 201);
    assert_eq!(sent.answer().status, 201);
    let fewer =
        json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-5"] }] });
    client.put(&path, &fewer).expect(200);
    let restored = client.send("POST", &format!("{path}/versions/1/restore"), &[], None);
    restored.expect_refusal(409, "conflict", "content_not_allowed");
    let reasons = restored.violations();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(
        reasons[1].starts_with("provider_configs[0].allowed_models["),
        "{reasons:?}"
    );
}

#[test]
fn an_explanation_names_the_expression_that_decided() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder(
        "ann",
        &json!({ "provider_configs": [{
            "provider_name": "openai",
            "allowed_models": ["o3", "regex:gpt-[0-9]+", "regex:gpt-.*-mini"],
            "blacklisted_models": ["regex:.*preview.*"],
        }] }),
    );
    for (model, rule, pattern) in [
        ("gpt-41", "allowed_models", "regex:gpt-[0-9]+"),
        ("GPT-4-mini", "allowed_models", "regex:gpt-.*-mini"),
        ("gpt-4-preview", "blacklisted_models", "regex:.*preview.*"),
    ] {
        let body = json!({ "virtual_key": holder.key, "provider": "openai", "model": model });
        let shown = client.post("/v1/explain", &body).expect(200).json();
        let line = &shown["access_profiles"][0]["providers"][0];
        assert_eq!(
            (&line["rule"], &line["pattern"]),
            (&json!(rule), &json!(pattern)),
            "{shown}"
        );
    }
}

/// A policy that lets everything through.
fn everything() -> Value {
    json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] })
}

/// Sends a request on a connection of its own and does not wait for the answer.
fn send(client: &Client, method: &str, path: &str, body: &str) -> Wire {
    let mut wire = Wire::open(client.port);
    let (key, length) = (&client.key, body.len());
    assert!(
        wire.send(
            format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .as_bytes()
        )
    );
    wire
}
