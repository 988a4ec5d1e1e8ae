//! Forward-auth and the path of the request that a gateway holds: appended to ours, or told in headers.

use serde_json::{Value, json};

use crate::support::holders::{Holder, policy};
use crate::support::{Reply, Server};

const EXACT: &str = "/v1/forward-auth";
const TRUST: &str = "/v1/forward-auth?trust=x-forwarded-uri";
const JSON: (&str, &str) = ("content-type", "application/json");

fn start() -> (Server, Holder) {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &policy());
    (server, holder)
}

fn requests_left(server: &Server, holder: &Holder) -> i64 {
    let quota = server.client.with_virtual_key(&holder.key).get("/v1/quota");
    let copy = &quota.expect(200).json()["access_profiles"][0];
    5 - copy["rate_limit"]["request_current_usage"]
        .as_i64()
        .unwrap()
}

/// Uses up all requests and all money.
fn drain(server: &Server, holder: &Holder) {
    let spent = json!({ "virtual_key": holder.key, "provider": "openai", "model": "gpt-5", "tokens": 1, "cost": 10,
                        "request_id": "c-1" });
    server.client.post("/v1/usage", &spent).expect(201);
}

#[test]
fn without_a_model_it_says_whether_the_key_works_and_counts_nothing() {
    let (server, holder) = start();
    drain(&server, &holder);
    let left = requests_left(&server, &holder);
    let key = ("x-api-key", holder.key.as_str());
    for (method, path) in [
        ("GET", EXACT),
        ("POST", EXACT),
        ("GET", "/v1/forward-auth/v1/models"),
        ("HEAD", "/v1/forward-auth/v1/models"),
        ("GET", "/v1/forward-auth/v1/models/gpt-5?x=1"),
        ("GET", "/v1/forward-auth/v1beta/models"),
    ] {
        let reply = server.client.raw(method, path, &[key], None);
        assert_eq!(reply.status, 200, "{method} {path} {}", reply.text);
        assert_eq!(reply.header("x-tollkeeper-user"), Some(&*holder.user_id));
        let refused = server.client.raw(method, path, &[], None);
        assert_eq!(refused.status, 401, "{method} {path}");
    }
    // What costs nothing passes with a dry budget, but not a model that is not allowed.
    let count = "/v1/forward-auth/v1/messages/count_tokens";
    for (model, status) in [("gpt-5", 200), ("gpt-4o", 403)] {
        let body = json!({ "model": model }).to_string();
        let reply = server
            .client
            .raw("POST", count, &[key, JSON], Some(body.as_bytes()));
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    assert_eq!(requests_left(&server, &holder), left);
    server
        .client
        .raw(
            "POST",
            "/v1/forward-auth/v1/chat/completions",
            &[key, ("x-model", "gpt-5")],
            None,
        )
        .expect(402);
}

#[test]
fn a_key_whose_profiles_are_all_over_does_not_work() {
    let (server, holder) = start();
    let bob = server.client.create_person("bob");
    let until = server
        .time
        .now()
        .checked_add(jiff::Span::new().hours(1))
        .unwrap();
    let given = json!({ "access_profile_id": holder.profile_id, "expires_at": until.to_string() });
    let path = format!("/api/users/{bob}/access-profiles");
    let given = server.client.post(&path, &given).expect(201).json();
    let key = ("x-api-key", given["virtual_key"]["value"].as_str().unwrap());
    for path in [EXACT, "/v1/forward-auth/v1/models"] {
        server.client.raw("GET", path, &[key], None).expect(200);
    }
    server.time.advance_seconds(3_601);
    let refused = server.client.raw("GET", EXACT, &[key], None);
    refused.expect_refusal(403, "access_blocked", "access_blocked");
    let below = server
        .client
        .raw("GET", "/v1/forward-auth/v1/models", &[key], None);
    assert_eq!(below.expect(403).code(), "access_blocked");
}

#[test]
fn a_preflight_is_let_through_by_the_method_that_came_to_us_alone() {
    let (server, holder) = start();
    let asks = ("access-control-request-method", "POST");
    let client = &server.client;
    for path in [
        EXACT,
        "/v1/forward-auth?require=model",
        "/v1/forward-auth/v1/chat/completions",
    ] {
        let reply = client.raw("OPTIONS", path, &[asks], None).expect(200);
        assert_eq!(reply.header("x-tollkeeper-user"), None);
        // Nothing else is one.
        for (method, headers, body) in [
            ("OPTIONS", &[][..], None),
            ("GET", &[asks], None),
            ("POST", &[asks, ("x-http-method-override", "OPTIONS")], None),
            ("GET", &[asks, ("x-forwarded-method", "OPTIONS")], None),
            ("OPTIONS", &[asks, JSON], Some(&b"{}"[..])),
        ] {
            let reply = client.raw(method, path, headers, body);
            assert_eq!(reply.status, 401, "{method} {path} {headers:?}");
        }
    }
    assert_eq!(requests_left(&server, &holder), 5);
}

#[test]
fn what_may_cost_something_and_names_no_model_is_refused() {
    let (server, holder) = start();
    let key = ("x-api-key", holder.key.as_str());
    let refused = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let reply = server
            .client
            .raw(method, path, &[&[key], headers].concat(), None);
        assert_eq!(
            reply.status, 400,
            "{method} {path} {headers:?} {}",
            reply.text
        );
    };
    for path in [
        "chat/completions",
        "responses",
        "embeddings",
        "images/generations",
        "audio/speech",
        "messages",
    ] {
        refused("POST", &format!("/v1/forward-auth/v1/{path}"), &[]);
        refused(
            "POST",
            TRUST,
            &[
                ("x-forwarded-uri", &format!("/v1/{path}")),
                ("x-forwarded-method", "POST"),
            ],
        );
        // The same is so where nobody says that the headers are the gateway's: they can only be believed against the client.
        refused(
            "GET",
            EXACT,
            &[
                ("x-forwarded-uri", &format!("/v1/{path}")),
                ("x-forwarded-method", "POST"),
            ],
        );
    }
    // Paths that a server may take for those of calls once it has decoded them or cleaned them up.
    for (method, path) in [
        ("GET", "/v1/x/../models"),
        ("POST", "//v1/chat/completions"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "/v1/chat%2fcompletions"),
        ("POST", "/v1/./chat/completions"),
        ("POST", "/v1/chat/completions;x"),
    ] {
        refused(method, &format!("/v1/forward-auth{path}"), &[]);
        let told = [("x-forwarded-uri", path), ("x-forwarded-method", method)];
        refused("GET", TRUST, &told);
        refused("GET", EXACT, &told);
        // A model that is named does not make it plain; a slash at the end alone misleads nobody.
        if !path.ends_with('/') {
            let model = ("x-model", "gpt-5");
            refused(method, &format!("/v1/forward-auth{path}"), &[model]);
            refused("GET", TRUST, &[&told[..], &[model]].concat());
        }
    }
    assert_eq!(requests_left(&server, &holder), 5);
}

#[test]
fn a_path_that_nobody_knows_is_decided_on_as_any_other() {
    let (server, holder) = start();
    let key = ("x-api-key", holder.key.as_str());
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let headers = [&[key], headers].concat();
        server.client.raw(method, path, &headers, None).status
    };
    let model = [("x-model", "gpt-5")];
    let other = [("x-model", "gpt-4o")];
    for (method, path) in [
        ("GET", "/v1/realtime?model=gpt-4o"),
        ("GET", "/v1/files"),
        ("POST", "/v1/batches/b_1/cancel"),
        ("DELETE", "/v1/models/ft"),
        ("POST", "/anything"),
        ("GET", "/"),
    ] {
        let below = format!("/v1/forward-auth{path}");
        let told = [("x-forwarded-uri", path), ("x-forwarded-method", method)];
        assert_eq!(ask(method, &below, &[]), 200, "{method} {path}");
        assert_eq!(ask("GET", TRUST, &told), 200, "{method} {path}");
        assert_eq!(ask("GET", EXACT, &told), 200, "{method} {path}");
        assert_eq!(ask(method, &below, &other), 403, "{method} {path}");
        let told_other = [&told[..], &other].concat();
        assert_eq!(ask("GET", TRUST, &told_other), 403, "{method} {path}");
        // A gateway whose upstream serves more than what is known here lets no such path in.
        let known = [("x-tollkeeper-require", "path")];
        let named = [&known[..], &model].concat();
        assert_eq!(ask(method, &below, &known), 400, "{method} {path}");
        assert_eq!(ask(method, &below, &named), 400, "{method} {path}");
        let strict = format!("{TRUST}&require=path");
        assert_eq!(ask("GET", &strict, &told), 400, "{method} {path}");
    }
    // What a gateway asks for in vain would let in what it must not.
    for header in [
        ("x-tollkeeper-require", "paths"),
        ("x-tollkeeper-hold", "yes"),
    ] {
        assert_eq!(ask("POST", "/v1/forward-auth/v1/files", &[header]), 400);
    }
    // One that names a model counts.
    assert_eq!(requests_left(&server, &holder), 5);
    assert_eq!(ask("POST", "/v1/forward-auth/anything", &model), 200);
    assert_eq!(requests_left(&server, &holder), 4);
}

#[test]
fn headers_that_tell_the_path_are_believed_where_the_gateway_says_that_it_sets_them() {
    let (server, holder) = start();
    let key = ("x-api-key", holder.key.as_str());
    let ask = |path: &str, headers: &[(&str, &str)], body: Option<&Value>| -> Reply {
        let body = body.map(|body| body.to_string().into_bytes());
        let kind: &[(&str, &str)] = if body.is_some() { &[JSON] } else { &[] };
        let headers = [&[key], kind, headers].concat();
        server.client.raw("GET", path, &headers, body.as_deref())
    };
    let told = |uri: &'static str| [("x-forwarded-uri", uri), ("x-forwarded-method", "POST")];
    let count = json!({ "model": "gpt-5" });
    // Free, and read as what the path is.
    ask(TRUST, &told("/v1/messages/count_tokens"), Some(&count)).expect(200);
    assert_eq!(requests_left(&server, &holder), 5);
    let gemini = told("/v1beta/models/gpt-5:generateContent");
    ask(TRUST, &gemini, Some(&json!({ "contents": [] }))).expect(200);
    assert_eq!(requests_left(&server, &holder), 4);
    let lists = [
        ("x-forwarded-uri", "/v1/models"),
        ("x-forwarded-method", "GET"),
    ];
    for path in [
        TRUST,
        "/v1/forward-auth?refuse_with=403&require=model&trust=x-forwarded-uri",
    ] {
        ask(path, &lists, None).expect(200);
    }
    // Otherwise they may be the client's: a call counts whatever they say, and they name no model.
    ask(EXACT, &told("/v1/messages/count_tokens"), Some(&count)).expect(200);
    assert_eq!(requests_left(&server, &holder), 3);
    ask(EXACT, &gemini, Some(&json!({ "contents": [] }))).expect(400);
    ask(
        EXACT,
        &told("/v1beta/models/o3:generateContent"),
        Some(&count),
    )
    .expect(400);
    ask(EXACT, &lists, None).expect(200);
    for path in [
        "/v1/forward-auth?require=model",
        "/v1/forward-auth?refuse_with=403",
    ] {
        let refused = ask(path, &lists, None);
        assert_eq!(refused.header("x-tollkeeper-refusal"), Some("required"));
    }
    // A gateway that says so has to set both, once.
    for headers in [
        &[][..],
        &[("x-forwarded-uri", "/v1/models")],
        &[("x-forwarded-method", "GET")],
        &[lists[0], lists[0], lists[1]],
        &[lists[0], lists[1], lists[1]],
    ] {
        let refused = ask(TRUST, &[headers, &[("x-model", "gpt-5")]].concat(), None).expect(400);
        assert!(
            refused.message().starts_with("x-forwarded-"),
            "{}",
            refused.text
        );
    }
}

#[test]
fn a_query_that_is_the_clients_says_nothing_to_us() {
    let (server, holder) = start();
    let key = ("x-api-key", holder.key.as_str());
    let below = "/v1/forward-auth/v1/chat/completions?hold=1&refuse_with=403&trust=x-forwarded-uri&require=model&hold=2";
    let ask = |headers: &[(&str, &str)]| {
        server
            .client
            .raw("POST", below, &[&[key], headers].concat(), None)
    };
    ask(&[
        ("x-forwarded-uri", "/v1/models"),
        ("x-forwarded-method", "GET"),
    ])
    .expect(400);
    let reply = ask(&[("x-model", "gpt-5")]).expect(200);
    assert_eq!(reply.header("x-tollkeeper-reservation"), None);
    ask(&[("x-model", "gpt-4o")]).expect(403);
    let refused = server
        .client
        .raw("POST", below, &[("x-model", "gpt-5")], None);
    assert_eq!(refused.status, 401);
    // On the exact path each of ours is read once, and has its own values.
    for query in [
        "hold=0",
        "hold=1&hold=1",
        "require=key",
        "trust=x-original-uri",
        "refuse_with=500",
    ] {
        let reply = server.client.raw(
            "GET",
            &format!("{EXACT}?{query}"),
            &[key, ("x-model", "gpt-5")],
            None,
        );
        assert_eq!(reply.status, 400, "{query}");
    }
}

#[test]
fn a_key_in_the_address_is_not_let_through_to_the_provider() {
    let (server, holder) = start();
    let key = ("x-goog-api-key", holder.key.as_str());
    let gemini = format!("/v1beta/models/gpt-5:generateContent?key={}", holder.key);
    let body = Some(&b"{}"[..]);
    let below = format!("/v1/forward-auth{gemini}");
    server
        .client
        .raw("POST", &below, &[key, JSON], body)
        .expect(400);
    let told = [
        key,
        JSON,
        ("x-forwarded-uri", &gemini),
        ("x-forwarded-method", "POST"),
    ];
    let refused = server.client.raw("POST", TRUST, &told, body).expect(400);
    assert!(!refused.text.contains(&holder.key), "{}", refused.text);
}

#[test]
fn refusals_look_as_those_of_the_provider_whose_path_is_appended() {
    let (server, holder) = start();
    let ask = |path: &str, headers: &[(&str, &str)]| {
        server
            .client
            .raw("POST", &format!("/v1/forward-auth{path}"), headers, None)
    };
    let key = ("x-api-key", holder.key.as_str());
    let openai = ask("/v1/chat/completions", &[key, ("x-model", "gpt-4o")]).expect(403);
    assert_eq!(openai.json()["error"]["code"], "model_not_found");
    assert_eq!(openai.header("x-should-retry"), Some("false"));
    let anthropic = ask("/v1/messages", &[key, ("x-model", "gpt-4o")])
        .expect(403)
        .json();
    assert_eq!(
        (&anthropic["type"], &anthropic["error"]["type"]),
        (&json!("error"), &json!("permission_error"))
    );
    let gemini = ask("/v1beta/models/gpt-4o:generateContent", &[key])
        .expect(403)
        .json();
    assert_eq!(gemini["error"]["status"], "PERMISSION_DENIED");
    assert_eq!(
        ask("/v1/responses", &[]).expect(401).json()["error"]["code"],
        "invalid_api_key"
    );
    assert_eq!(
        ask("/v1/messages", &[key]).expect(400).json()["error"]["type"],
        "invalid_request_error"
    );
    drain(&server, &holder);
    let dry = ask("/v1/chat/completions", &[key, ("x-model", "gpt-5")]).expect(402);
    assert_eq!(dry.json()["error"]["code"], "insufficient_quota");
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-tollkeeper-refusal", "budget_exceeded"),
        ("x-tollkeeper-status", "402"),
    ] {
        assert_eq!(dry.header(name), Some(value));
    }
    // The exact path keeps our own shape.
    let own = server
        .client
        .raw("GET", EXACT, &[key, ("x-model", "gpt-5")], None);
    own.expect_refusal(402, "budget_exceeded", "budget_exceeded");
}
