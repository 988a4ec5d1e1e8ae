//! `Idempotency-Key`: the first answer again, whatever time it is and whichever of its paths a route is called by.

use serde_json::{Value, json};

use crate::support::holders::policy;
use crate::support::{Client, Reply, Server};

fn post(client: &Client, path: &str, body: &Value) -> Reply {
    client.send("POST", path, &[("idempotency-key", "k1")], Some(body))
}

/// A server with Ada (1), who holds the profile "dev" (1).
fn with_holder() -> Server {
    let server = Server::start();
    server.client.create_budgeted("dev", 5);
    server.client.create_person("ada");
    server.client.assign(1, 1);
    server
}

#[test]
fn a_key_that_has_expired_meanwhile_is_shown_again() {
    let server = with_holder();
    let soon = json!({ "name": "k", "scopes": [], "expires_at": "2026-06-01T12:00:10Z" });
    let scopes = json!({ "name": "k", "scopes": ["Users:View"], "expires_at": soon["expires_at"] });
    for (path, body) in [
        (
            "/api/users/1/virtual-keys",
            json!({ "expires_at": soon["expires_at"] }),
        ),
        ("/api/api-keys", scopes),
    ] {
        let first = post(&server.client, path, &body).expect(200);
        server.time.advance_seconds(60);
        assert_eq!(
            post(&server.client, path, &body).expect(200).text,
            first.text
        );
        server.time.advance_seconds(-60);
    }
}

#[test]
fn a_question_is_answered_anew_and_nothing_is_kept_of_it() {
    let server = with_holder();
    let client = &server.client;
    client.change_profile(1, &json!({ "budgets": [{ "max_limit": 7 }] }));
    let path = "/api/access-profiles/1/propagate";
    let body = json!({ "fields": ["budgets"], "dry_run": true });
    let first = post(client, path, &body).expect(200);
    assert_eq!(first.json()["affected_users"], 1);
    client.propagate(1, &json!({ "fields": ["budgets"] }));
    let fresh = post(client, path, &body).expect(200).json();
    assert_eq!(fresh["affected_users"], 0);
    let question =
        json!({ "virtual_key_id": "8fK2mQ0xZb71", "provider": "openai", "model": "gpt-5" });
    post(client, "/v1/explain", &question).expect(200);
    assert_eq!(kept(&server), (0, 0));
    // So the key is still there for what has an effect.
    let real = json!({ "fields": ["budgets"], "dry_run": false });
    post(client, path, &real).expect(200);
    assert_eq!(kept(&server), (1, 1));
    post(client, path, &json!({ "fields": ["rate_limit"] })).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
}

/// How many answers are kept, and how many are counted.
fn kept(server: &Server) -> (i64, i64) {
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |row| row.get(0)).unwrap();
    (
        one("SELECT count(*) FROM idempotency_keys"),
        one("SELECT coalesce(sum(answers), 0) FROM idempotency_callers"),
    )
}

#[test]
fn sixty_four_mebibytes_of_answers_are_kept_for_a_caller_and_none_goes_early() {
    let server = with_holder();
    let client = &server.client;
    let models: Vec<String> = (0..10_000).map(|n| format!("{n:0>95}")).collect();
    let lines = json!([{ "provider_name": "openai", "allowed_models": models }]);
    client.create_profile(&json!({ "name": "large", "provider_configs": lines }));
    let clone = |n: usize| {
        server.time.advance_seconds(10);
        let name = json!({ "name": format!("clone {n}") });
        let key = format!("key {n}").replace(' ', "-");
        client.send(
            "POST",
            "/api/access-profiles/2/clone",
            &[("idempotency-key", &key)],
            Some(&name),
        )
    };
    let first = clone(0).expect(201);
    let many = (1..100).take_while(|n| clone(*n).status == 201).count() + 1;
    // A body of a mebibyte, a little less.
    assert!((66..72).contains(&many), "{many}");
    let wait = 86_400 - 10 * i64::try_from(many + 1).unwrap();
    // Nothing is done, whatever it is; the first answer is still there, and so is what needs no key.
    let refused = clone(many);
    refused.expect_refusal(429, "rate_limited", "too_many_idempotency_keys");
    assert_eq!(refused.header("retry-after"), Some(&*wait.to_string()));
    let made = client
        .post("/api/users/1/virtual-keys", &json!({}))
        .expect(200);
    let key = made.json()["virtual_key"]["value"].clone();
    let call = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5" });
    post(client, "/v1/reservations", &call).expect_refusal(
        429,
        "rate_limited",
        "too_many_idempotency_keys",
    );
    client
        .post("/api/roles", &json!({ "name": "without" }))
        .expect(200);
    let again = client.send(
        "POST",
        "/api/access-profiles/2/clone",
        &[("idempotency-key", "key-0")],
        Some(&json!({ "name": "clone 0" })),
    );
    assert_eq!(again.expect(201).text, first.text);
    let (_, other) = client.make_key("other", &["*"]);
    post(&other, "/api/roles", &json!({ "name": "of another" })).expect(200);
    // As soon as it said, and not before.
    server.time.advance_seconds(wait - 11);
    clone(many).expect(429);
    server.time.advance_seconds(-9);
    clone(many).expect(201);
    clone(many + 1).expect(201);
}

#[test]
fn ten_thousand_answers_are_kept_for_a_caller() {
    let server = with_holder();
    let client = &server.client;
    let role = |n: i64| {
        let key = format!("key-{n}");
        let body = json!({ "name": format!("role {n}") });
        client.send(
            "POST",
            "/api/roles",
            &[("idempotency-key", &key)],
            Some(&body),
        )
    };
    role(0).expect(200);
    let many = "INSERT INTO idempotency_keys
            WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 9998)
            SELECT owner, route, 'made ' || value, request_hash, status, location, etag, '', created_at FROM idempotency_keys, n;
        UPDATE idempotency_callers SET answers = answers + 9998;";
    rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .execute_batch(many)
        .unwrap();
    role(1).expect(200);
    role(2).expect_refusal(429, "rate_limited", "too_many_idempotency_keys");
    server.time.advance_seconds(86_400);
    role(2).expect(200);
    assert_eq!(kept(&server), (1, 1));
}

/// As many answers as may be are kept for the caller, since now.
fn fill(server: &Server) {
    let full = "INSERT INTO idempotency_keys
            WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 9999)
            SELECT owner, route, 'made ' || value, request_hash, status, location, etag, '', created_at FROM idempotency_keys, n;
        UPDATE idempotency_callers SET answers = answers + 9999;";
    rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .execute_batch(full)
        .unwrap();
}

#[test]
fn what_was_spent_is_recorded_when_no_more_answers_may_be_kept() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let call = json!({ "virtual_key": ada.key, "provider": "openai", "model": "gpt-5" });
    let held = post(client, "/v1/reservations", &call).expect(201);
    fill(&server);
    let id = held.json()["reservation"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let settle = format!("/v1/reservations/{id}/settle");
    let extend = format!("/v1/reservations/{id}/extend");
    let with = |path: &str, key: &str, body: &Value| {
        client.send("POST", path, &[("idempotency-key", key)], Some(body))
    };
    let spent = json!({ "tokens": 3, "cost": 1.5 });
    let mut usage = call.clone();
    for (name, value) in [
        ("tokens", json!(2)),
        ("cost", json!(0.5)),
        ("request_id", json!("r")),
    ] {
        usage[name] = value;
    }
    for key in ["s1", "s1", "s2"] {
        let full = "too_many_idempotency_keys";
        with(&extend, key, &json!({})).expect_refusal(429, "rate_limited", full);
        with("/v1/reservations", key, &call).expect_refusal(429, "rate_limited", full);
        with(&settle, key, &spent).expect(200);
        let charged = with("/v1/usage", key, &usage);
        assert!([200, 201].contains(&charged.status), "{}", charged.text);
    }
    // Once each, and no answer was kept of it.
    let path = format!("/api/usage?user_id={}&group_by=user", ada.user_id);
    let totals = client.get(&path).expect(200).json()["totals"].clone();
    assert_eq!((&totals["calls"], &totals["cost"]), (&json!(2), &json!(2)));
    assert_eq!(kept(&server), (10_000, 10_000));
    // From the time that was named there is room again.
    server.time.advance_seconds(86_400);
    with("/v1/reservations", "later", &call).expect(201);
    assert_eq!(kept(&server), (1, 1));
}

#[test]
fn a_retry_by_another_path_of_the_same_route_is_a_retry() {
    let server = with_holder();
    for (paths, body) in [
        (
            vec![
                "/api/users/1/virtual-keys",
                "/api/governance/users/1/virtual-keys",
            ],
            json!({ "name": "once" }),
        ),
        (
            vec![
                "/api/governance/roles",
                "/api/roles",
                "/api/rbac/roles",
                "/api/governance/rbac/roles",
            ],
            json!({ "name": "once" }),
        ),
        (
            vec!["/api/access-profiles", "/api/governance/access-profiles"],
            json!({ "name": "once" }),
        ),
    ] {
        let first = post(&server.client, paths[0], &body);
        for path in &paths {
            let again = post(&server.client, path, &body);
            assert_eq!((again.status, &again.text), (first.status, &first.text));
            assert_eq!(again.header("location"), first.header("location"));
        }
        let other = json!({ "name": "other" });
        post(&server.client, paths[1], &other).expect_refusal(
            422,
            "idempotency_error",
            "idempotency_key_reused",
        );
    }
}

#[test]
fn a_profile_whose_date_has_passed_meanwhile_is_shown_again() {
    let server = Server::start();
    let path = "/api/access-profiles";
    let body = json!({ "name": "idem", "auto_rotation_interval": "1h", "next_rotation_at": "2026-06-01T12:00:02Z" });
    let first = post(&server.client, path, &body).expect(201);
    server.time.advance_seconds(3);
    let again = post(&server.client, path, &body).expect(201);
    assert_eq!(again.text, first.text);
    let other = json!({ "name": "other", "auto_rotation_interval": "1h", "next_rotation_at": body["next_rotation_at"] });
    let late = server.client.post(path, &other).expect(400);
    assert_eq!(late.violations(), ["next_rotation_at not_in_future"]);
    let enveloped = json!({ "access_profile": other });
    assert_eq!(
        server
            .client
            .post(path, &enveloped)
            .expect(400)
            .violations(),
        ["access_profile.next_rotation_at not_in_future"]
    );
    let two = json!({ "name": " ", "auto_rotation_interval": "1h", "next_rotation_at": body["next_rotation_at"] });
    assert_eq!(
        server.client.post(path, &two).expect(400).violations(),
        ["name blank", "next_rotation_at not_in_future"]
    );
}

#[test]
fn a_body_is_the_same_however_its_numbers_are_written() {
    let server = Server::start();
    let client = &server.client;
    let path = "/api/access-profiles";
    let budget = |limit: &str| -> Value {
        let text = format!(r#"{{"name":"once","budgets":[{{"max_limit":{limit}}}]}}"#);
        serde_json::from_str(&text).unwrap()
    };
    let first = post(client, path, &budget("1")).expect(201);
    for same in ["1.0", "1.000", "10e-1", "0.1e1"] {
        assert_eq!(
            post(client, path, &budget(same)).expect(201).text,
            first.text,
            "{same}"
        );
    }
    post(client, path, &budget("10")).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
}

#[test]
fn a_body_that_is_left_out_is_one_without_fields() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "first" }));
    client
        .put("/api/access-profiles/1", &json!({ "name": "second" }))
        .expect(200);
    let path = "/api/access-profiles/1/versions/1/restore";
    let key = [("idempotency-key", "k1")];
    let first = client.send("POST", path, &key, None).expect(200);
    assert_eq!(
        client
            .send("POST", path, &key, Some(&json!({})))
            .expect(200)
            .text,
        first.text
    );
}

#[test]
fn a_repeated_post_has_one_effect_and_one_answer() {
    let server = Server::start();
    let client = &server.client;
    let post = |path: &str, key: &str, body: &Value| {
        client.send("POST", path, &[("idempotency-key", key)], Some(body))
    };
    let first = post(
        "/api/access-profiles",
        "k1",
        &json!({ "name": "once", "tags": [] }),
    )
    .expect(201);
    let again = post(
        "/api/access-profiles",
        "k1",
        &json!({ "tags": [], "name": "once" }),
    )
    .expect(201);
    assert_eq!(
        (again.text.as_str(), again.header("location")),
        (first.text.as_str(), first.header("location"))
    );
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = post("/api/access-profiles", "k1", &json!({ "name": "twice" })).expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    post("/api/access-profiles", "k2", &json!({ "name": "once" })).expect(409);
    post("/api/access-profiles", "k2", &json!({ "name": "another" })).expect(201);
    post("/api/access-profiles", "", &json!({ "name": "empty key" })).expect(400);
    let clone = "/api/access-profiles/1/clone";
    let cloned = post(clone, "k1", &json!({ "name": "clone" })).expect(201);
    assert_eq!(
        post(clone, "k1", &json!({ "name": "clone" }))
            .expect(201)
            .text,
        cloned.text
    );
    let (_, stranger) = client.make_key("stranger", &["AccessProfiles:Create"]);
    stranger
        .send(
            "POST",
            "/api/access-profiles",
            &[("idempotency-key", "k1")],
            Some(&json!({ "name": "mine" })),
        )
        .expect(201);
    server.time.advance_seconds(24 * 3_600 - 1);
    post(
        "/api/access-profiles",
        "k1",
        &json!({ "name": "once", "tags": [] }),
    )
    .expect(201);
    server.time.advance_seconds(1);
    post("/api/access-profiles", "k1", &json!({ "name": "new day" })).expect(201);
}

#[test]
fn of_many_equal_posts_at_once_one_has_an_effect() {
    let server = Server::start();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..16)
            .map(|_| {
                let client = server.client.clone();
                scope.spawn(move || {
                    let body = json!({ "name": "race" });
                    client
                        .send(
                            "POST",
                            "/api/access-profiles",
                            &[("idempotency-key", "same")],
                            Some(&body),
                        )
                        .expect(201)
                        .text
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(
        server.client.get("/api/access-profiles").json()["total_count"],
        1
    );
}
