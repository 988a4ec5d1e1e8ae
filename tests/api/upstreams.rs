//! Upstreams over the API: what is configured, and how each was seen last.

use serde_json::{Value, json};

use crate::proxy::{CHAT, ask, carried, hello, start, upstream};
use crate::support::Server;
use crate::support::upstream::{Script, Upstream};

fn upstreams(server: &Server) -> Vec<Value> {
    let answer = server.client.get("/api/upstreams").expect(200).json();
    answer["upstreams"].as_array().unwrap().clone()
}

#[test]
fn upstreams_are_shown_without_anything_secret() {
    let more = "api_key_variable = 'OWN_KEY'\nunmetered_paths = ['/v1/files']\nheaders = { x-team = 'secret-value' }\nfree = true";
    let server = start(|_| {}, vec![upstream("own", 9, more)]);
    let reply = server.client.get("/api/upstreams").expect(200);
    assert!(!reply.text.contains("sk-of-the-provider") && !reply.text.contains("secret-value"));
    let expected = json!({
        "name": "own", "provider": "own", "base_url": "http://127.0.0.1:9", "dialect": "openai", "api_key_variable": "OWN_KEY", "free": true,
        "unmetered_paths": ["/v1/files"], "headers": ["x-team"], "state": "unused", "answers": 0, "errors": 0, "failures": 0,
    });
    assert_eq!(reply.json(), json!({ "upstreams": [expected] }));
    assert_eq!(
        Server::start()
            .client
            .get("/api/upstreams")
            .expect(200)
            .json(),
        json!({ "upstreams": [] })
    );
    server.client.get("/api/upstreams?name=own").expect_refusal(
        400,
        "validation_error",
        "unknown_parameter",
    );
    let (_, other) = server
        .client
        .make_key("other", &["AccessProfiles:View", "Settings:Update"]);
    other.get("/api/upstreams").expect(403);
}

#[test]
fn how_an_upstream_answered_last_is_shown() {
    let provider = Upstream::start(|request| match request.json()["user"].as_str() {
        Some("refused") => Script::Json(400, json!({ "error": { "message": "no" } })),
        Some("broken") => Script::Json(503, json!({})),
        Some("key") => Script::Json(401, json!({})),
        Some("gone") => Script::HangUp,
        _ => Script::Json(
            200,
            json!({ "usage": { "prompt_tokens": 1, "completion_tokens": 1 } }),
        ),
    });
    let (server, holder) = carried(&provider);
    for (user, state, counts, reason) in [
        ("", "answering", (1, 0, 0), Value::Null),
        ("refused", "answering", (2, 1, 0), Value::Null),
        ("broken", "failing", (3, 2, 0), Value::Null),
        ("gone", "failing", (3, 2, 1), json!("broken_off")),
        ("", "answering", (4, 2, 1), json!("broken_off")),
        ("key", "failing", (4, 2, 2), json!("key_refused")),
    ] {
        ask(&server, &holder, CHAT, &hello(&json!({ "user": user })));
        let shown = &upstreams(&server)[0];
        let count = |name: &str| shown[name].as_i64().unwrap();
        assert_eq!(
            (count("answers"), count("errors"), count("failures")),
            counts,
            "{user}"
        );
        assert_eq!(
            (&shown["state"], &shown["last_failure"]["reason"]),
            (&json!(state), &reason),
            "{user}"
        );
        assert_eq!(shown["last_answer"]["at"], "2026-06-01T12:00:00Z");
        assert!(shown["last_answer"]["latency_ms"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn an_upstream_that_can_not_be_reached_says_so() {
    let server = start(|_| {}, vec![upstream("openai", 1, "")]);
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    ask(&server, &holder, CHAT, &hello(&json!({}))).expect(502);
    let shown = &upstreams(&server)[0];
    assert_eq!(
        (&shown["state"], &shown["last_failure"]["reason"]),
        (&json!("failing"), &json!("not_connected"))
    );
    assert_eq!(shown.get("last_answer"), None);
}
