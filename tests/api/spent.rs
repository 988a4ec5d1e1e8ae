//! What was spent is recorded (R16): no policy, limit, revocation, deletion, expiry or size refuses it, and it is charged once.

use serde_json::{Value, json};

use crate::support::holders::{Holder, call, policy, reservation_id};
use crate::support::{Client, Reply, Server};

fn report(client: &Client, key: &str, id: &str, more: &Value) -> Reply {
    let mut body = call(key, &json!({ "tokens": 10, "cost": 2.5, "request_id": id }));
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    client.post("/v1/usage", &body)
}

/// What the history says that a user spent, in all.
fn spent(client: &Client, user_id: &str) -> (i64, String) {
    let path = format!("/api/usage?user_id={user_id}&group_by=user");
    let totals = client.get(&path).expect(200).json()["totals"].clone();
    (
        totals["calls"].as_i64().unwrap(),
        totals["cost"].to_string(),
    )
}

fn user_path(holder: &Holder) -> String {
    format!("/api/users/{}", holder.user_id)
}

fn copy_path(holder: &Holder) -> String {
    format!(
        "{}/access-profiles/{}",
        user_path(holder),
        holder.profile_id
    )
}

fn key_path(holder: &Holder) -> String {
    format!("/api/virtual-keys/{}", holder.key_id())
}

fn rotate(server: &Server, holder: &Holder, grace: &str) {
    let path = format!("{}/rotate", key_path(holder));
    let rotated = server.client.post(&path, &json!({ "grace": grace }));
    rotated.expect(200);
}

/// What takes a right away.
type Loss = fn(&Server, &Holder);

/// Every way to lose the right to a call of `gpt-5` of `openai`, and what would refuse the call after it.
const WAYS: [(&str, Loss, &str); 12] = [
    ("nothing is lost", |_, _| {}, ""),
    (
        "the budget is used up",
        |server, ada| {
            let all = json!({ "cost": 10, "requests": 0 });
            report(&server.client, &ada.key, "before", &all).expect(201);
        },
        "budget_exceeded",
    ),
    (
        "the model is blocked",
        |server, ada| {
            let lines = json!([{ "provider_name": "openai", "allowed_models": ["o3"] }]);
            change(server, ada, &json!({ "provider_configs": lines }));
        },
        "model_blocked",
    ),
    (
        "the provider has no line any more",
        |server, ada| {
            let lines = json!([{ "provider_name": "mistral", "all_models_allowed": true }]);
            change(server, ada, &json!({ "provider_configs": lines }));
        },
        "provider_blocked",
    ),
    (
        "the budget is taken to nothing",
        |server, ada| {
            let none = json!({ "budgets": [{ "max_limit": 0, "reset_duration": "1d" }] });
            change(server, ada, &none);
        },
        "budget_exceeded",
    ),
    (
        "the profile is switched off",
        |server, ada| {
            let path = format!("/api/access-profiles/{}/deactivate", ada.profile_id);
            server.client.put(&path, &json!({})).expect(200);
        },
        // What was given goes on.
        "",
    ),
    (
        "the key expires",
        |server, ada| {
            let at = json!({ "expires_at": "2026-06-01T12:00:01Z" });
            server.client.put(&key_path(ada), &at).expect(200);
            server.time.advance_seconds(1);
        },
        "access_blocked",
    ),
    (
        "the key is rotated",
        |server, ada| rotate(server, ada, "0s"),
        "access_not_found",
    ),
    (
        "the key is rotated and the grace period is over",
        |server, ada| {
            rotate(server, ada, "1m");
            server.time.advance_seconds(60);
        },
        "access_not_found",
    ),
    (
        "the key is deleted",
        |server, ada| {
            let path = format!(
                "{}/access-profiles/virtual-keys/{}",
                user_path(ada),
                ada.key_id()
            );
            server.client.delete(&path).expect(200);
        },
        "access_not_found",
    ),
    (
        "the profile is taken away",
        |server, ada| {
            server.client.delete(&copy_path(ada)).expect(200);
        },
        "access_not_found",
    ),
    (
        "the user is deleted",
        |server, ada| {
            server.client.delete(&user_path(ada)).expect(200);
        },
        "access_not_found",
    ),
];

/// What was spent in all with a call of $2.50.
fn in_all(way: &str) -> String {
    let before = way == "the budget is used up";
    if before { "12.5" } else { "2.5" }.to_owned()
}

/// Somebody with a key that is not managed, so that it can expire by itself.
fn holder(client: &Client) -> Holder {
    let mut ada = client.make_holder("ada", &policy());
    let path = format!("{}/virtual-keys", copy_path(&ada));
    let issued = client.post(&path, &json!({})).expect(200).json();
    let key = issued["virtual_key"]["value"].as_str().unwrap();
    key.clone_into(&mut ada.key);
    ada
}

/// Changes a profile and pushes that to whoever holds it.
fn change(server: &Server, holder: &Holder, change: &Value) {
    let path = format!("/api/access-profiles/{}", holder.profile_id);
    server.client.put(&path, change).expect(200);
    let fields = json!({ "fields": ["provider_configs", "budgets"] });
    let pushed = server.client.post(&format!("{path}/propagate"), &fields);
    pushed.expect(200);
}

#[test]
fn a_call_that_was_made_is_charged_once_whatever_would_refuse_it_now() {
    for (way, lose, refusal) in WAYS {
        let server = Server::start();
        let client = &server.client;
        let ada = holder(client);
        lose(&server, &ada);
        let (calls, _) = spent(client, &ada.user_id);
        let first = report(client, &ada.key, "q1", &json!({}));
        assert_eq!(first.status, 201, "{way}: {}", first.text);
        let answer = first.json();
        assert_eq!(
            (&answer["user_id"], &answer["access_profile_id"]),
            (&json!(ada.user_id), &json!(ada.profile_id)),
            "{way}"
        );
        assert_eq!(answer["provider"], "openai", "{way}");
        let outside = &answer["outside_policy"];
        if refusal.is_empty() {
            assert_eq!(outside, &json!(null), "{way}: {}", first.text);
        } else {
            assert_eq!(
                (&outside["type"], &outside["code"]),
                (&json!(refusal), &json!(refusal)),
                "{way}"
            );
            assert!(
                outside["message"].as_str().unwrap().len() > 20,
                "{way}: {outside}"
            );
        }
        let again = report(client, &ada.key, "q1", &json!({})).expect(200);
        assert_eq!(again.json(), answer, "{way}");
        report(client, &ada.key, "q1", &json!({ "cost": 3 })).expect(422);
        assert_eq!(
            spent(client, &ada.user_id),
            (calls + 1, in_all(way)),
            "{way}"
        );
        let server = server.restart();
        let again = report(&server.client, &ada.key, "q1", &json!({})).expect(200);
        assert_eq!(again.json(), answer, "{way}, after a restart");
    }
}

#[test]
fn a_hold_is_settled_whatever_was_lost_since() {
    let cancelled: (&str, fn(&Server, &Holder), &str) = (
        "an operator cancels it",
        |server, _| {
            let list = server.client.get("/v1/reservations").expect(200).json();
            let id = list["reservations"][0]["id"].as_str().unwrap().to_owned();
            server
                .client
                .delete(&format!("/v1/reservations/{id}"))
                .expect(200);
        },
        "",
    );
    let expired: (&str, fn(&Server, &Holder), &str) = (
        "it expires",
        |server, _| server.time.advance_seconds(3_600),
        "",
    );
    for (way, lose, _) in WAYS.into_iter().chain([cancelled, expired]) {
        let server = Server::start();
        let client = &server.client;
        let ada = holder(client);
        let id = reservation_id(
            &client
                .reserve(&ada.key, &json!({ "estimated_cost": 1 }))
                .expect(201),
        );
        lose(&server, &ada);
        let (calls, _) = spent(client, &ada.user_id);
        let settled = client.settle(&id, 10, 2.5);
        assert_eq!(settled.status, 200, "{way}: {}", settled.text);
        client.settle(&id, 10, 2.5).expect(200);
        client
            .settle(&id, 10, 3.0)
            .expect_refusal(409, "conflict", "already_settled");
        // What expires, and what a user holds who is deleted, was counted as a call by then.
        let is_counted = ["it expires", "the user is deleted"].contains(&way);
        let calls = if is_counted { calls } else { calls + 1 };
        assert_eq!(spent(client, &ada.user_id), (calls, in_all(way)), "{way}");
    }
}

#[test]
fn a_call_whose_cost_takes_a_limit_beyond_it_is_charged_and_says_so() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let all = report(client, &ada.key, "q1", &json!({ "cost": 12 })).expect(201);
    let outside = all.json()["outside_policy"].clone();
    assert_eq!(outside["code"], "budget_exceeded", "{outside}");
    let message = "the call takes the budget of $10 every 1d (total) beyond it: $12 used, $0 held; it resets at 2026-06-02T12:00:00Z";
    assert_eq!(outside["message"], message);
    // Counted by forward-auth already, it is not asked whether there is room for its request.
    let (bob, counted) = (
        client.make_holder("bob", &policy()),
        json!({ "requests": 0 }),
    );
    let asked = [("x-bf-vk", bob.key.as_str()), ("x-model", "gpt-5")];
    for _ in 0..5 {
        client
            .raw("GET", "/v1/forward-auth", &asked, None)
            .expect(200);
    }
    let charged = report(client, &bob.key, "q1", &counted).expect(201);
    assert_eq!(
        charged.json()["outside_policy"],
        json!(null),
        "{}",
        charged.text
    );
}

#[test]
fn only_a_key_that_never_was_is_refused_and_nobody_can_tell_why() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let eve = client.make_holder("eve", &policy());
    rotate(&server, &ada, "0s");
    client.delete(&user_path(&eve)).expect(200);
    // The checksum is right, the secret is that of nobody.
    let never = |id: &str| {
        let kind = tollkeeper::domain::credential::Kind::Virtual;
        let token = tollkeeper::service::virtual_keys::tokens::random_successor(kind, id).unwrap();
        let reply = report(client, token.reveal(), "q1", &json!({}));
        reply.expect_refusal(401, "access_not_found", "access_not_found");
        let mut body = reply.json();
        body["event_id"] = json!(null);
        body
    };
    let unknown = never("000000000000");
    assert_eq!(never(ada.key_id()), unknown);
    assert_eq!(never(eve.key_id()), unknown);
}

#[test]
fn what_a_role_gave_and_took_is_charged_to_who_had_it() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("developers");
    let mut body = policy();
    body["name"] = json!("developers");
    let profile = client.create_profile(&body)["id"].as_i64().unwrap();
    client.attach(profile, &[role], true, false).expect(200);
    let user = json!({ "name": "ada", "email": "ada@example.com", "role_id": role });
    let made = client.post("/api/users", &user).expect(200).json();
    let (id, key) = (&made["user"]["id"], &made["virtual_keys"][0]["value"]);
    let (id, key) = (id.as_str().unwrap(), key.as_str().unwrap());
    let no_role = json!({ "role_id": null });
    client
        .put(&format!("/api/users/{id}/role"), &no_role)
        .expect(200);
    let charged = report(client, key, "q1", &json!({})).expect(201).json();
    assert_eq!(
        (&charged["user_id"], &charged["access_profile_id"]),
        (&json!(id), &json!(profile))
    );
    assert_eq!(charged["limits"], json!([]));
    assert_eq!(spent(client, id), (1, "2.5".to_owned()));
}

#[test]
fn of_several_profiles_the_one_in_which_a_call_came_furthest_pays() {
    let server = Server::start();
    let client = &server.client;
    let mut first = policy();
    first["provider_configs"] = json!([{ "provider_name": "mistral", "all_models_allowed": true }]);
    let ada = client.make_holder("ada", &first);
    let mut second = policy();
    second["name"] = json!("second");
    let second = client.create_profile(&second)["id"].as_i64().unwrap();
    let user = ada.user_id.parse().unwrap();
    client.assign(user, second);
    let pays = |id: &str, provider: &str, model: &str| {
        let named = json!({ "provider": provider, "model": model });
        let charged = report(client, &ada.key, id, &named).expect(201).json();
        let limits: Vec<_> = charged["limits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|limit| limit["used"].to_string())
            .collect();
        (
            charged["access_profile_id"].as_i64().unwrap(),
            charged["provider"].clone(),
            limits,
        )
    };
    let counted = |used: &str, tokens: &str, requests: &str| {
        [used, tokens, requests].map(str::to_owned).to_vec()
    };
    assert_eq!(
        pays("q1", "OpenAI", "claude"),
        (second, json!("openai"), counted("2.5", "10", "1"))
    );
    // Where no line is for it, the limits over all providers count it, and the name is the one that was sent.
    assert_eq!(
        pays("q2", "Nobody", "x"),
        (ada.profile_id, json!("Nobody"), counted("2.5", "10", "1"))
    );
    let rows = client
        .get("/api/usage?group_by=provider,model")
        .expect(200)
        .json();
    let named: Vec<_> = rows["usage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["provider"], &row["model"]))
        .collect();
    assert_eq!(
        named,
        [
            (&json!("Nobody"), &json!("x")),
            (&json!("openai"), &json!("claude"))
        ]
    );
}

#[test]
fn amounts_are_rounded_up_to_the_nanodollar_however_small_they_are() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let tiny = |cost: &str| {
        let body = format!(r#"{{"tokens":0,"cost":{cost}}}"#);
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let charged = report(client, &ada.key, "q1", &tiny("1e-10")).expect(201);
    assert_eq!(
        charged.json()["reservation"]["cost"].to_string(),
        "0.000000001"
    );
    let id = reservation_id(&client.reserve(&ada.key, &json!({})).expect(201));
    let path = format!("/v1/reservations/{id}/settle");
    let settled = client.post(&path, &tiny("0.0000000010000001")).expect(200);
    assert_eq!(
        settled.json()["reservation"]["cost"].to_string(),
        "0.000000002"
    );
    assert_eq!(spent(client, &ada.user_id), (2, "0.000000003".to_owned()));
    // Larger than any limit.
    report(client, &ada.key, "q2", &json!({ "cost": 1e9 })).expect(201);
    assert_eq!(
        spent(client, &ada.user_id),
        (3, "1000000000.000000003".to_owned())
    );
}

#[test]
fn neither_how_long_a_name_is_nor_what_is_in_it_refuses_a_report() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let kept = |id: &str, model: &str| {
        let body = json!({ "provider": format!(" {model}"), "model": model, "cost": 1 });
        report(client, &ada.key, id, &body).expect(201);
        report(client, &ada.key, id, &body).expect(200);
        let rows = client.get("/api/usage?group_by=provider,model").expect(200);
        let rows = rows.json()["usage"].as_array().unwrap().clone();
        assert!(rows.iter().all(|row| row["provider"] == row["model"]));
        rows.iter()
            .map(|row| row["model"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kept("q1", "b\u{200B}\u{7}c"), ["b\u{FFFD}\u{FFFD}c"]);
    // Its last character has something behind it until it is cut.
    let long = format!("a{}\u{200D}ü", "ü".repeat(253));
    assert_eq!(
        kept("q2", &long)[0],
        format!("a{}\u{FFFD}", "ü".repeat(253))
    );
    let most = json!({ "tokens": 9_007_199_254_740_992_i64, "cost": 0 });
    let charged = report(client, &ada.key, "q3", &most).expect(201).json();
    assert_eq!(charged["reservation"]["tokens"], 9_007_199_254_740_991_i64);
    for (field, value, code) in [
        ("model", json!(" "), "blank"),
        ("model", json!(7), "wrong_type"),
        ("provider", json!(ada.key), "credential_here"),
        ("tokens", json!("1"), "wrong_type"),
        ("tokens", json!(-1), "out_of_range"),
    ] {
        let refused = report(client, &ada.key, "q4", &json!({ field: value }));
        assert_eq!(refused.violations(), [format!("{field} {code}")]);
    }
}

#[test]
fn a_reservation_that_is_forgotten_says_where_its_use_is_charged() {
    let server = Server::start();
    let gone = server.client.settle("res_0000000000000000000000", 1, 1.0);
    let gone = gone.expect(404);
    assert!(gone.message().contains("POST /v1/usage"), "{}", gone.text);
}
