//! The history of use: what was used, by whom, of what, and what was refused.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::holders::{Holder, call, policy, reservation_id};

fn use_some(server: &Server, holder: &Holder, model: &str, tokens: i64, cost: f64) {
    let client = &server.client;
    let held = client
        .reserve(&holder.key, &json!({ "model": model }))
        .expect(201);
    client
        .settle(&reservation_id(&held), tokens, cost)
        .expect(200);
}

/// A server on which two people used something on two days, and one was refused.
fn used() -> (Server, Holder, Holder) {
    let server = Server::start();
    let client = &server.client;
    let (ada, bob) = (
        client.make_holder("ada", &policy()),
        client.make_holder("bob", &policy()),
    );
    use_some(&server, &ada, "gpt-5", 100, 0.5);
    use_some(&server, &bob, "o3", 10, 0.25);
    client
        .reserve(&ada.key, &json!({ "model": "claude" }))
        .expect(403);
    server.time.advance_seconds(86_400);
    use_some(&server, &ada, "gpt-5-mini", 50, 0.125);
    client
        .reserve(&ada.key, &json!({ "estimated_cost": 100 }))
        .expect(402);
    client
        .reserve(&ada.key, &json!({ "estimated_cost": 100 }))
        .expect(402);
    (server, ada, bob)
}

#[test]
fn what_was_used_is_summed_up_by_day() {
    let (server, ..) = used();
    let list = server.client.get("/api/usage").expect(200).json();
    assert_eq!(
        (&list["from"], &list["to"]),
        (&json!("2026-05-04"), &json!("2026-06-02"))
    );
    assert_eq!(list["group_by"], json!(["day"]));
    let expected = json!([
        { "day": "2026-06-01", "calls": 2, "refusals": { "model_blocked": 1 }, "tokens": 110, "input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "cost": 0.75 },
        { "day": "2026-06-02", "calls": 1, "refusals": { "budget_exceeded": 2 }, "tokens": 50, "input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "cost": 0.125 }
    ]);
    assert_eq!(list["usage"], expected);
    let totals = json!({ "calls": 3, "refusals": { "model_blocked": 1, "budget_exceeded": 2 }, "tokens": 160, "input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "cost": 0.875 });
    assert_eq!(list["totals"], totals);
    assert_eq!(
        (&list["count"], &list["total_count"]),
        (&json!(2), &json!(2))
    );
}

#[test]
fn what_was_used_is_told_apart_by_what_is_asked_for() {
    let (server, ada, bob) = used();
    let get = |query: &str| {
        server
            .client
            .get(&format!("/api/usage?{query}"))
            .expect(200)
            .json()
    };
    let by_user = get("group_by=user");
    assert_eq!(by_user["usage"][0]["user_id"], ada.user_id.as_str());
    assert_eq!(
        (&by_user["usage"][0]["calls"], &by_user["usage"][1]["calls"]),
        (&json!(2), &json!(1))
    );
    let by_model = get(&format!("group_by=provider,model&user_id={}", ada.user_id));
    let models: Vec<&Value> = by_model["usage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["model"])
        .collect();
    assert!(
        models.contains(&&json!("gpt-5")) && models.contains(&&json!("gpt-5-mini")),
        "{models:?}"
    );
    assert!(!models.contains(&&json!("o3")));
    let of_profile = get(&format!(
        "group_by=access_profile&access_profile_id={}",
        bob.profile_id
    ));
    assert_eq!(
        of_profile["usage"],
        json!([{ "access_profile_id": bob.profile_id, "access_profile_name": "profile of bob", "calls": 1, "refusals": {}, "tokens": 10, "input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "cost": 0.25 }])
    );
    let one_day =
        get("from=2026-06-02&to=2026-06-02&group_by=day,user,access_profile,provider,model");
    assert_eq!(one_day["totals"]["calls"], 1);
    let page = get("limit=1&offset=1");
    assert_eq!(
        (&page["usage"][0]["day"], &page["total_count"]),
        (&json!("2026-06-02"), &json!(2))
    );
    assert_eq!(get("limit=1&offset=5")["total_count"], 2);
    let nothing = get("from=2020-01-01&to=2020-01-31");
    assert_eq!(nothing["usage"], json!([]));
    assert_eq!(
        nothing["totals"],
        json!({ "calls": 0, "refusals": {}, "tokens": 0, "input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "cost": 0 })
    );
}

#[test]
fn sums_beyond_every_column_are_shown_as_the_most_there_is() {
    let server = Server::start();
    let client = &server.client;
    for name in ["ada", "bob", "eve"] {
        let holder = client.make_holder(name, &policy());
        for number in 0..4 {
            let spent = json!({ "tokens": 9_000_000_000_000_000_i64, "cost": 1e9, "request_id": format!("{name}-{number}") });
            client
                .post("/v1/usage", &call(&holder.key, &spent))
                .expect(201);
        }
    }
    let list = client.get("/api/usage?group_by=user").expect(200).json();
    assert_eq!(list["usage"][0]["cost"], 4e9);
    assert_eq!(list["totals"]["calls"], 12);
    assert_eq!(list["totals"]["tokens"], 108_000_000_000_000_000_i64);
    assert_eq!(list["totals"]["cost"].as_f64(), Some(9_223_372_036.854_776));
}

#[test]
fn rows_of_users_and_profiles_carry_their_names_when_these_are_gone_too() {
    let (server, ada, _) = used();
    let names = |query: &str, field: &str| {
        let query = query.split('&').map(|part| {
            if part.contains('=') {
                part.to_owned()
            } else {
                format!("group_by={part}")
            }
        });
        let query = query.collect::<Vec<_>>().join("&");
        let list = server.client.get(&format!("/api/usage?{query}"));
        let list = list.expect(200).json();
        let rows = list["usage"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("user", "user_name"), ["ada", "bob"]);
    let profiles = names("access_profile", "access_profile_name");
    assert!(profiles.contains(&json!("profile of ada")), "{profiles:?}");
    let user = format!("/api/users/{}", ada.user_id);
    server.client.delete(&user).expect(200);
    assert_eq!(names("user", "user_name"), ["ada", "bob"]);
    let profile = format!("/api/access-profiles/{}", ada.profile_id);
    server.client.delete(&profile).expect(200);
    assert_eq!(names("access_profile", "access_profile_name"), profiles);
    // As long as the history tells of them, and no longer.
    server.time.advance_seconds(89 * 86_400);
    server.services.ledger.sweep(server.time.now()).unwrap();
    assert_eq!(
        names("from=2026-06-01&to=2026-06-01&group_by=user", "user_name"),
        ["ada", "bob"]
    );
    server.time.advance_seconds(3 * 86_400);
    server.services.ledger.sweep(server.time.now()).unwrap();
    let kept: i64 = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM gone_names", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn what_is_near_its_limit_is_listed_over_everybody_the_fullest_first() {
    let server = Server::start();
    let client = &server.client;
    let near = |query: &str| {
        client
            .get(&format!("/api/usage/near-limits{query}"))
            .expect(200)
            .json()
    };
    let holders: Vec<Holder> = ["ada", "bob", "eve"]
        .iter()
        .map(|name| client.make_holder(name, &policy()))
        .collect();
    assert_eq!(
        (&near("")["limits"], &near("")["total_count"]),
        (&json!([]), &json!(0))
    );
    use_some(&server, &holders[0], "gpt-5", 100, 8.0);
    use_some(&server, &holders[1], "gpt-5", 9_500, 7.99);
    let hold = json!({ "estimated_cost": 9.5 });
    client.reserve(&holders[2].key, &hold).expect(201);
    let all = near("");
    let told = |list: &Value| -> Vec<(Value, Value, Value)> {
        let rows = list["limits"].as_array().unwrap();
        let one = |row: &Value| {
            (
                row["user_name"].clone(),
                row["kind"].clone(),
                row["share"].clone(),
            )
        };
        rows.iter().map(one).collect()
    };
    let expected = [
        (json!("bob"), json!("tokens"), json!(0.95)),
        (json!("eve"), json!("budget"), json!(0.95)),
        (json!("ada"), json!("budget"), json!(0.8)),
    ];
    assert_eq!(told(&all), expected);
    let eve = &all["limits"][1];
    assert_eq!(eve["access_profile_name"], "profile of eve");
    assert_eq!(
        (&eve["held"], &eve["remaining"]),
        (&json!(9.5), &json!(0.5))
    );
    assert_eq!(eve["user_id"], holders[2].user_id.as_str());
    let page = near("?limit=1&offset=2");
    assert_eq!(told(&page), expected[2..]);
    assert_eq!(
        (&page["count"], &page["total_count"]),
        (&json!(1), &json!(3))
    );
    let of_eve = format!("?user_id={}", holders[2].user_id);
    assert_eq!(told(&near(&of_eve)), expected[1..2]);
    let of_ada = format!("?access_profile_id={}&limit=1", holders[0].profile_id);
    let filtered = near(&of_ada);
    assert_eq!(
        (told(&filtered), &filtered["total_count"]),
        (expected[2..].to_vec(), &json!(1))
    );
    assert_eq!(
        near(&format!(
            "{of_eve}&access_profile_id={}",
            holders[0].profile_id
        ))["total_count"],
        0
    );
    // In the next window nothing is used or held.
    server.time.advance_seconds(86_400);
    client
        .delete(&format!("/api/users/{}", holders[2].user_id))
        .expect(200);
    assert_eq!(near("")["total_count"], 0);
    let refused = client.get("/api/usage/near-limits?offset=10001&limit=0");
    assert_eq!(
        refused.violations(),
        ["limit out_of_range", "offset out_of_range"]
    );
}

#[test]
fn parameters_that_are_not_valid_are_refused_by_name() {
    let server = Server::start();
    let violations = |query: &str| {
        server
            .client
            .get(&format!("/api/usage?{query}"))
            .violations()
    };
    assert_eq!(
        violations("from=yesterday&to=2026-02-30"),
        ["from invalid_date", "to invalid_date"]
    );
    assert_eq!(
        violations("from=2026-06-02&to=2026-06-01"),
        ["from from_after_to"]
    );
    assert_eq!(
        violations("group_by=day,colour"),
        ["group_by invalid_value"]
    );
    assert_eq!(
        violations("user_id=x&form=1"),
        ["form unknown_parameter", "user_id out_of_range"]
    );
}

#[test]
fn a_virtual_key_reads_the_history_of_its_own_user_alone() {
    let (server, ada, bob) = used();
    let of = |holder: &Holder, query: &str| {
        server
            .client
            .with_virtual_key(&holder.key)
            .get(&format!("/v1/quota/usage{query}"))
    };
    let own = of(&bob, "?group_by=user,model").expect(200).json();
    let expected = json!([{ "user_id": bob.user_id, "user_name": "bob", "model": "o3", "calls": 1, "refusals": {}, "tokens": 10, "input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "cost": 0.25 }]);
    assert_eq!(own["usage"], expected);
    assert_eq!(of(&ada, "").expect(200).json()["totals"]["calls"], 2);
    assert_eq!(
        of(&ada, &format!("?user_id={}", bob.user_id)).violations(),
        ["user_id unknown_parameter"]
    );
    server.client.get("/v1/quota/usage").expect_refusal(
        401,
        "access_not_found",
        "access_not_found",
    );
    server
        .client
        .with_key("")
        .get("/v1/quota/usage")
        .expect_refusal(401, "virtual_key_required", "virtual_key_required");
}

#[test]
fn a_model_that_is_called_other_is_told_from_the_line_of_further_models() {
    let server = Server::start();
    let client = &server.client;
    let body =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let ada = client.make_holder("ada", &body);
    let holder = client.with_virtual_key(&ada.key);
    let call = |model: &str| {
        holder
            .send("GET", "/v1/forward-auth", &[("x-model", model)], None)
            .expect(200);
    };
    call("other");
    // Whoever reads has it written down: it has its line before the others come.
    holder.get("/v1/quota/usage").expect(200);
    for number in 0..201 {
        call(&format!("made up {number}"));
    }
    for reader in [&holder, client] {
        let path = if reader.key == ada.key {
            "/v1/quota/usage"
        } else {
            "/api/usage"
        };
        let list = reader
            .get(&format!("{path}?group_by=provider,model&limit=500"))
            .expect(200)
            .json();
        assert_eq!(
            (&list["total_count"], &list["totals"]["calls"]),
            (&json!(201), &json!(202))
        );
        let others: Vec<Value> = list["usage"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["model"] == "other")
            .map(|row| json!([row["provider"], row["calls"], row["is_other"]]))
            .collect();
        assert_eq!(
            others,
            [json!(["openai", 2, true]), json!(["openai", 1, null])]
        );
    }
}
