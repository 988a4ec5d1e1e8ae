//! Reservations, settlements and charges: what gateways ask before a call and report after it.

use serde_json::{Value, json};
use tollkeeper::domain::credential::Kind;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::support::holders::{call, policy, reservation_id};
use crate::support::{Reply, Server};

/// One limit of an answer.
#[track_caller]
fn limit(reply: &Reply, kind: &str) -> Value {
    let body = reply.json();
    let limits = body["limits"].as_array().unwrap().clone();
    let mut of_kind = limits.into_iter().filter(|limit| limit["kind"] == kind);
    of_kind
        .next()
        .unwrap_or_else(|| panic!("no {kind} in {}", reply.text))
}

/// Requests that count: a reservation's own is held until it ends.
#[track_caller]
fn requests_made(reply: &Reply) -> i64 {
    let limit = limit(reply, "requests");
    limit["used"].as_i64().unwrap() + limit["held"].as_i64().unwrap()
}

#[test]
fn a_call_that_is_allowed_is_held_on_every_limit_and_settled_as_it_was() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let held = client
        .reserve(
            &holder.key,
            &json!({ "estimated_tokens": 1200, "estimated_cost": 0.5 }),
        )
        .expect(201);
    let body = held.json();
    assert_eq!(body["user_id"], holder.user_id.as_str());
    assert_eq!(body["access_profile_id"], holder.profile_id);
    assert_eq!(body["provider"], "openai");
    assert_eq!(body["reservation"]["expires_at"], "2026-06-01T12:10:00Z");
    let budget = limit(&held, "budget");
    assert_eq!(budget["scope"], "total");
    assert_eq!(budget["reset_duration"], "1d");
    assert_eq!(budget["held"].to_string(), "0.5");
    assert_eq!(budget["remaining"].to_string(), "9.5");
    assert_eq!(budget["max_limit"], 10);
    assert_eq!(limit(&held, "tokens")["held"], 1200);
    assert_eq!(requests_made(&held), 1);

    let settled = client.settle(&reservation_id(&held), 1000, 0.4).expect(200);
    assert_eq!(settled.json()["reservation"]["status"], "settled");
    let budget = limit(&settled, "budget");
    assert_eq!(
        (budget["used"].to_string(), &budget["held"]),
        ("0.4".to_owned(), &json!(0))
    );
    assert_eq!(limit(&settled, "tokens")["used"], 1000);
    assert_eq!(requests_made(&settled), 1);
    // The copy shows the same.
    let copies = client
        .get(&format!("/api/users/{}/access-profiles", holder.user_id))
        .expect(200)
        .json();
    assert_eq!(
        copies["access_profiles"][0]["budgets"][0]["id"],
        budget["id"]
    );
    assert_eq!(
        copies["access_profiles"][0]["budgets"][0]["current_usage"].to_string(),
        "0.4"
    );
}

#[test]
fn settling_again_is_the_same_and_settling_otherwise_is_a_conflict() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let id = reservation_id(&client.reserve(&holder.key, &json!({})).expect(201));
    let first = client.settle(&id, 10, 0.25).expect(200);
    let again = client.settle(&id, 10, 0.25).expect(200);
    assert_eq!(
        limit(&first, "budget")["used"],
        limit(&again, "budget")["used"]
    );
    client
        .settle(&id, 11, 0.25)
        .expect_refusal(409, "conflict", "already_settled");
    let path = format!("/v1/reservations/{id}");
    assert_eq!(client.delete(&path).status, 409);
    let unknown = "/v1/reservations/res_0000000000000000000000";
    for path in [unknown, "/v1/reservations/1"] {
        client
            .delete(path)
            .expect_refusal(404, "not_found", "not_found");
        let settle = format!("{path}/settle");
        client
            .post(&settle, &json!({ "tokens": 1, "cost": 0 }))
            .expect_refusal(404, "not_found", "not_found");
        let extend = format!("{path}/extend");
        client
            .post(&extend, &json!({}))
            .expect_refusal(404, "not_found", "not_found");
    }
}

#[test]
fn a_reservation_that_is_given_back_was_never_made() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let id = reservation_id(
        &client
            .reserve(&holder.key, &json!({ "estimated_cost": 10 }))
            .expect(201),
    );
    let path = format!("/v1/reservations/{id}");
    for _ in 0..2 {
        let cancelled = client.delete(&path).expect(200).json();
        assert_eq!(
            cancelled,
            json!({ "reservation": { "id": id, "status": "cancelled" } })
        );
    }
    let held = client
        .reserve(&holder.key, &json!({ "estimated_cost": 10 }))
        .expect(201);
    assert_eq!(requests_made(&held), 1);
    // Whoever settles it has made the call after all.
    let settled = client.settle(&id, 1, 1.0).expect(200);
    assert_eq!(requests_made(&settled), 2);
    client.delete(&path).expect(409);
}

#[test]
fn a_budget_that_has_no_room_refuses_and_says_why_and_until_when() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let id = reservation_id(
        &client
            .reserve(&holder.key, &json!({ "estimated_cost": 4 }))
            .expect(201),
    );
    client.settle(&id, 1, 6.5).expect(200);
    client
        .reserve(&holder.key, &json!({ "estimated_cost": 3 }))
        .expect(201);
    let refused = client.reserve(&holder.key, &json!({ "estimated_cost": 1 }));
    let body = refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    assert_eq!(refused.header("retry-after"), Some("86400"));
    assert_eq!(body["extra_fields"]["retry_after_ms"], 86_400_000);
    assert_eq!(body["extra_fields"]["access_profile_id"], holder.profile_id);
    let budget = &body["extra_fields"]["limit"];
    assert_eq!(budget["used"].to_string(), "6.5");
    assert_eq!(budget["held"], 3);
    assert_eq!(budget["resets_at"], "2026-06-02T12:00:00Z");
    for part in ["6.5", "3", "2026-06-02T12:00:00Z"] {
        assert!(refused.message().contains(part), "{}", refused.message());
    }
    // What fits is still let in, and the next window starts anew.
    client
        .reserve(&holder.key, &json!({ "estimated_cost": 0.5 }))
        .expect(201);
    server.time.advance_seconds(86_400);
    client
        .reserve(&holder.key, &json!({ "estimated_cost": 1 }))
        .expect(201);
}

#[test]
fn tokens_and_requests_are_limited_too() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    client
        .reserve(&holder.key, &json!({ "estimated_tokens": 10_001 }))
        .expect_refusal(429, "token_limited", "token_limited");
    for _ in 0..5 {
        client.reserve(&holder.key, &json!({})).expect(201);
    }
    let refused = client.reserve(&holder.key, &json!({}));
    refused.expect_refusal(429, "request_limited", "request_limited");
    assert_eq!(refused.header("retry-after"), Some("3600"));
}

#[test]
fn what_is_not_granted_is_refused_by_what_refuses_it() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let refused = |more: Value, status, code: &str| {
        client
            .reserve(&holder.key, &more)
            .expect_refusal(status, code, code);
    };
    refused(json!({ "provider": "nobody" }), 403, "provider_blocked");
    refused(json!({ "model": "claude-opus" }), 403, "model_blocked");
    refused(json!({ "model": "gpt-5-pro" }), 403, "model_blocked");
    refused(
        json!({ "mcp_server": "files", "mcp_tool": "delete" }),
        403,
        "mcp_tool_blocked",
    );
    // Case is no matter, and without a provider the first that allows the model serves.
    client
        .reserve(
            &holder.key,
            &json!({ "provider": "OpenAI", "model": "GPT-5-mini" }),
        )
        .expect(201);
    client
        .reserve(&holder.key, &json!({ "provider": null }))
        .expect(201);
}

#[test]
fn what_is_no_virtual_key_is_refused_without_being_repeated() {
    let server = Server::start();
    let client = &server.client;
    let token = |kind| random_token(kind).unwrap_or_else(|error| panic!("{error}"));
    let (unknown, management) = (token(Kind::Virtual), token(Kind::Management));
    let refused = |body: &Value, code: &str| {
        let reply = client.post("/v1/reservations", body);
        reply.expect_refusal(401, code, code);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        reply
    };
    for missing in [
        json!({ "model": "m" }),
        json!({ "model": "m", "virtual_key": null }),
        json!({ "model": "m", "virtual_key": "" }),
    ] {
        refused(&missing, "virtual_key_required");
    }
    for text in [
        "secret-of-somebody",
        unknown.reveal(),
        &unknown.reveal()[..40],
        management.reveal(),
    ] {
        let reply = refused(&call(text, &json!({})), "access_not_found");
        assert!(!reply.text.contains(text), "{}", reply.text);
    }
    let both = refused(&call(management.reveal(), &json!({})), "access_not_found").message();
    assert!(
        both.contains("tk_mgmt_") && both.contains("tk_vk_"),
        "{both}"
    );
    // A virtual key lets nobody ask.
    let holder = client.make_holder("ada", &policy());
    let reply = client
        .with_key(&holder.key)
        .reserve(&holder.key, &json!({}));
    reply.expect_refusal(401, "authentication_error", "wrong_credential_kind");
}

#[test]
fn a_body_that_breaks_rules_is_refused_with_all_of_them() {
    let server = Server::start();
    let client = &server.client;
    let bad =
        json!({ "modle": "x", "estimated_tokens": -1, "estimated_cost": -0.5, "request_id": "" });
    let reply = client.post("/v1/reservations", &bad);
    reply.expect_refusal(400, "validation_error", "required");
    let expected = [
        "estimated_cost out_of_range",
        "estimated_tokens out_of_range",
        "model required",
        "modle unknown_field",
        "request_id blank",
    ];
    assert_eq!(reply.violations(), expected);
    let headers = [
        ("authorization", format!("Bearer {}", client.key)),
        ("content-type", "application/json".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let send = |body: &str| client.raw("POST", "/v1/reservations", &headers, Some(body.as_bytes()));
    for broken in [
        "{\"model\":\"m\",\"estimated_cost\":NaN}",
        "{",
        "",
        "{\"model\":\"m\"}}",
        "{\"model\":1,\"model\":2}",
    ] {
        assert_eq!(send(broken).status, 400, "{broken}");
    }
    let body = |length: usize| format!("{{\"model\":\"m\"{}}}", " ".repeat(length - 13));
    send(&body(64 * 1024)).expect_refusal(401, "virtual_key_required", "virtual_key_required");
    send(&body(64 * 1024 + 1)).expect_refusal(413, "payload_too_large", "payload_too_large");
    let settle =
        |body: Value| client.post("/v1/reservations/res_0000000000000000000000/settle", &body);
    assert_eq!(
        settle(json!({})).violations(),
        ["cost required", "tokens required"]
    );
    assert_eq!(
        settle(json!({ "tokens": -1, "cost": 1_000_000_001 })).violations(),
        ["cost out_of_range", "tokens out_of_range"]
    );
}

#[test]
fn a_request_id_is_decided_once() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let ask = |cost: f64| {
        client.reserve(
            &holder.key,
            &json!({ "estimated_cost": cost, "request_id": "r-1" }),
        )
    };
    let first = ask(2.0).expect(201);
    let again = ask(2.0).expect(200);
    assert_eq!(reservation_id(&first), reservation_id(&again));
    ask(3.0).expect_refusal(422, "idempotency_error", "idempotency_key_reused");
    let held = client.reserve(&holder.key, &json!({})).expect(201);
    assert_eq!(limit(&held, "budget")["held"], 2);
    assert_eq!(requests_made(&held), 2);
}

#[test]
fn an_idempotency_key_gives_a_decision_one_effect_and_one_answer() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let send = |path: &str, key: &str, body: &Value| {
        client.send("POST", path, &[("idempotency-key", key)], Some(body))
    };
    let body = call(&holder.key, &json!({ "estimated_cost": 2 }));
    let first = send("/v1/reservations", "k-1", &body).expect(201);
    let again = send("/v1/reservations", "k-1", &body).expect(201);
    assert_eq!(first.text, again.text);
    let other = call(&holder.key, &json!({ "estimated_cost": 3 }));
    send("/v1/reservations", "k-1", &other).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
    let settle = format!("/v1/reservations/{}/settle", reservation_id(&first));
    let spent = json!({ "tokens": 5, "cost": 1 });
    let settled = send(&settle, "k-1", &spent).expect(200);
    assert_eq!(send(&settle, "k-1", &spent).expect(200).text, settled.text);
    send(&settle, "k-1", &json!({ "tokens": 6, "cost": 1 })).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
    assert_eq!(limit(&settled, "budget")["used"], 1);
    assert_eq!(requests_made(&settled), 1);
    // What was refused may be tried again.
    let dear = call(&holder.key, &json!({ "estimated_cost": 10 }));
    send("/v1/reservations", "k-2", &dear).expect_refusal(
        402,
        "budget_exceeded",
        "budget_exceeded",
    );
    server.time.advance_seconds(86_400);
    send("/v1/reservations", "k-2", &dear).expect(201);
    let listed = client.get("/v1/reservations").expect(200).json();
    assert_eq!(listed["reservations"][0]["request_id"], Value::Null);
}

#[test]
fn a_stream_holds_longer_and_more_or_stays_as_it_is() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let id = reservation_id(
        &client
            .reserve(&holder.key, &json!({ "estimated_cost": 1 }))
            .expect(201),
    );
    let extend = |body: Value| client.post(&format!("/v1/reservations/{id}/extend"), &body);
    server.time.advance_seconds(60);
    let longer = extend(json!({ "estimated_cost": 2.5, "ttl": "1h" })).expect(200);
    assert_eq!(
        longer.json()["reservation"]["expires_at"],
        "2026-06-01T13:01:00Z"
    );
    assert_eq!(limit(&longer, "budget")["held"].to_string(), "2.5");
    extend(json!({ "estimated_cost": 11 })).expect_refusal(
        402,
        "budget_exceeded",
        "budget_exceeded",
    );
    let same = extend(json!({ "ttl": 600 })).expect(200);
    assert_eq!(limit(&same, "budget")["held"].to_string(), "2.5");
    assert_eq!(
        extend(json!({ "ttl": "2d" })).violations(),
        ["ttl invalid_ttl"]
    );
    client.settle(&id, 1, 1.0).expect(200);
    assert_eq!(extend(json!({})).status, 409);
}

#[test]
fn open_reservations_are_listed_and_expire_by_themselves() {
    let server = Server::start();
    let client = &server.client;
    let (ada, bob) = (
        client.make_holder("ada", &policy()),
        client.make_holder("bob", &policy()),
    );
    let more = json!({ "estimated_tokens": 7, "estimated_cost": 0.5, "request_id": "r-1" });
    let first = client.reserve(&ada.key, &more).expect(201);
    client.reserve(&bob.key, &json!({})).expect(201);
    let list = client.get("/v1/reservations?limit=1").expect(200).json();
    assert_eq!(
        (&list["count"], &list["total_count"]),
        (&json!(1), &json!(2))
    );
    let expected = json!({
        "id": reservation_id(&first), "user_id": ada.user_id, "access_profile_id": ada.profile_id,
        "virtual_key_id": ada.key_id(), "provider": "openai",
        "model": "gpt-5", "estimated_tokens": 7, "estimated_cost": 0.5,
        "held_tokens": 7, "held_cost": 0.5, "api_key_id": 1,
        "request_id": "r-1", "created_at": "2026-06-01T12:00:00Z", "expires_at": "2026-06-01T12:10:00Z"
    });
    assert_eq!(list["reservations"][0], expected);
    let of_bob = client
        .get(&format!("/v1/reservations?user_id={}", bob.user_id))
        .expect(200)
        .json();
    assert_eq!(of_bob["total_count"], 1);
    assert_eq!(client.get("/v1/reservations?user_id=x").status, 400);
    // It was probably paid for, so it is charged as it was held; what it really cost replaces that.
    server.time.advance_seconds(600);
    let next = client.reserve(&ada.key, &json!({})).expect(201);
    assert_eq!(limit(&next, "budget")["used"].to_string(), "0.5");
    let late = client.settle(&reservation_id(&first), 7, 0.75).expect(200);
    assert_eq!(limit(&late, "budget")["used"].to_string(), "0.75");
}

#[test]
fn use_without_a_reservation_is_charged_once_and_in_full() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let charge = |cost: f64, id: &str| {
        let body = json!({ "virtual_key": holder.key, "provider": "openai", "model": "gpt-5", "tokens": 100, "cost": cost,
                           "request_id": id });
        client.post("/v1/usage", &body)
    };
    let first = charge(12.5, "u-1").expect(201);
    assert_eq!(limit(&first, "budget")["used"].to_string(), "12.5");
    assert_eq!(limit(&first, "budget")["remaining"], 0);
    assert_eq!(
        charge(12.5, "u-1").expect(200).json()["reservation"],
        first.json()["reservation"]
    );
    charge(1.0, "u-1").expect_refusal(422, "idempotency_error", "idempotency_key_reused");
    let second = charge(0.5, "u-2").expect(201);
    assert_eq!(limit(&second, "budget")["used"], 13);
    client.reserve(&holder.key, &json!({})).expect_refusal(
        402,
        "budget_exceeded",
        "budget_exceeded",
    );
}

#[test]
fn a_user_with_several_profiles_is_served_by_the_first_that_has_room() {
    let server = Server::start();
    let client = &server.client;
    let mut small = policy();
    small["budgets"][0]["max_limit"] = json!(1);
    let holder = client.make_holder("ada", &small);
    let mut large = policy();
    large["name"] = json!("large");
    let large = client.create_profile(&large)["id"].as_i64().unwrap();
    client.assign(holder.user_id.parse().unwrap(), large);
    let serving_profile = |cost: f64| {
        client
            .reserve(&holder.key, &json!({ "estimated_cost": cost }))
            .expect(201)
            .json()["access_profile_id"]
            .clone()
    };
    assert_eq!(serving_profile(1.0), holder.profile_id);
    assert_eq!(serving_profile(1.0), large);
}

#[test]
fn a_key_that_was_deleted_or_rotated_is_refused_at_once() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    client.reserve(&holder.key, &json!({})).expect(201);
    let rotated = client
        .post(
            &format!("/api/virtual-keys/{}/rotate", holder.key_id()),
            &json!({}),
        )
        .expect(200)
        .json();
    client.reserve(&holder.key, &json!({})).expect_refusal(
        401,
        "access_not_found",
        "access_not_found",
    );
    let new = rotated["virtual_key"]["value"].as_str().unwrap();
    client.reserve(new, &json!({})).expect(201);
    let path = format!(
        "/api/users/{}/access-profiles/virtual-keys/{}",
        holder.user_id,
        holder.key_id()
    );
    client.delete(&path).expect(200);
    client
        .reserve(new, &json!({}))
        .expect_refusal(401, "access_not_found", "access_not_found");
}

#[test]
fn headers_say_how_much_is_left_when_the_settings_ask_for_them() {
    let plain = Server::start();
    let holder = plain.client.make_holder("ada", &policy());
    assert_eq!(
        plain
            .client
            .reserve(&holder.key, &json!({}))
            .expect(201)
            .header("ratelimit"),
        None
    );
    let server = Server::start_with(|settings| settings.decisions.rate_limit_headers = true);
    let holder = server.client.make_holder("ada", &policy());
    let held = server
        .client
        .reserve(&holder.key, &json!({ "estimated_cost": 0.5 }))
        .expect(201);
    let policies = held.header("ratelimit-policy").unwrap();
    let requests = policies
        .split(", ")
        .find(|policy| policy.starts_with("\"requests-"))
        .unwrap();
    let (name, terms) = requests.split_once(';').unwrap();
    assert_eq!(terms, "q=5;w=3600", "{policies}");
    let state = held.header("ratelimit").unwrap();
    assert!(state.contains(&format!("{name};r=4;t=3600")), "{state}");
    assert!(state.contains("r=9500000;t=86400"), "{state}");
    let refused = server
        .client
        .reserve(&holder.key, &json!({ "estimated_cost": 11 }));
    refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    assert!(
        refused.header("ratelimit").unwrap().contains("r=9500000"),
        "{refused:?}"
    );
}

#[test]
fn the_tools_of_an_mcp_server_that_a_key_may_call_are_listed() {
    let server = Server::start();
    let client = &server.client;
    let mut granted = policy();
    granted["mcp_servers"] = json!([{ "mcp_server_id": "files" }]);
    granted["mcp_tool_overrides"] =
        json!([{ "mcp_client_id": "mail", "tool_name": "send", "action": "include" }]);
    let holder = client.make_holder("ada", &granted);
    let own = client.with_virtual_key(&holder.key);
    let tools = |server: &str| {
        own.get(&format!("/v1/mcp/tools?mcp_server={server}"))
            .expect(200)
            .json()
    };
    assert_eq!(
        tools("files"),
        json!({ "mcp_server": "files", "all_tools": true, "tools": [], "excluded_tools": [] })
    );
    assert_eq!(tools("mail")["tools"], json!(["send"]));
    assert_eq!(
        tools("other"),
        json!({ "mcp_server": "other", "all_tools": false, "tools": [], "excluded_tools": [] })
    );
    assert_eq!(
        own.get("/v1/mcp/tools").violations(),
        ["mcp_server required"]
    );
    client.get("/v1/mcp/tools?mcp_server=files").expect_refusal(
        401,
        "access_not_found",
        "access_not_found",
    );
    client
        .reserve(
            &holder.key,
            &json!({ "mcp_server": "files", "mcp_tool": "read" }),
        )
        .expect(201);
    client
        .reserve(
            &holder.key,
            &json!({ "mcp_server": "mail", "mcp_tool": "delete" }),
        )
        .expect_refusal(403, "mcp_tool_blocked", "mcp_tool_blocked");
}
