//! Letting a user spend more than a budget says, for some windows or for good.

use serde_json::{Value, json};

use crate::support::holders::two_providers;
use crate::support::{Client, Server};

/// A user with a copy of a profile with a daily and a monthly budget; answers user, profile and copy.
fn holder(client: &Client) -> (i64, i64, Value) {
    let body = json!({ "name": "p", "budgets": [{ "max_limit": 10, "reset_duration": "1d" }, { "max_limit": 100 }] });
    let profile = client.create_profile(&body)["id"].as_i64().unwrap();
    let user = client.create_person("ada");
    (
        user,
        profile,
        client.assign(user, profile)["access_profile"].clone(),
    )
}

fn raised(budget: &Value) -> Value {
    json!([
        budget["effective_max_limit"],
        budget["override_amount"],
        budget["override_mode"],
        budget["override_cycles_remaining"],
        budget["override_cycles_total"],
        budget["override_anchor_reset"],
    ])
}

const DAY: i64 = 86_400;

#[test]
fn an_override_lasts_its_windows_and_not_one_more_restarts_included() {
    let mut server = Server::start();
    let (user, profile, copy) = holder(&server.client);
    let path = server
        .client
        .override_path(user, profile, &copy["budgets"][0]);
    server.time.advance_seconds(DAY + 3_600);
    let body = json!({ "amount": 2.5, "mode": "cycles", "cycles": 3 });
    let set = server.client.put(&path, &body).expect(200).json();
    let anchor = "2026-06-02T12:00:00Z";
    let lasting = |left: i64| json!([12.5, 2.5, "cycles", left, 3, anchor]);
    assert_eq!(set["effective_max_limit"], 12.5);
    assert_eq!(raised(&set["budget"]), lasting(3));
    let over = json!([10, null, null, null, null, null]);
    for (wait, expected) in [
        (0, lasting(3)),
        (DAY, lasting(2)),
        (DAY, lasting(1)),
        (DAY, over.clone()),
        (-DAY, lasting(1)),
        (40 * DAY, over),
    ] {
        server.time.advance_seconds(wait);
        server = server.restart();
        let copy = server.client.copy_of(user, profile);
        assert_eq!(raised(&copy["budgets"][0]), expected);
        assert_eq!(
            copy["budgets"][1]["effective_max_limit"], 100,
            "the other budget stays"
        );
    }
    // Set again, it begins anew; for good, it never ends.
    let set = server
        .client
        .put(&path, &json!({ "amount": 1, "mode": "forever" }))
        .expect(200)
        .json();
    assert_eq!(raised(&set["budget"])[2], "forever");
    server.time.advance_seconds(4_000 * DAY);
    let copy = server.client.copy_of(user, profile);
    assert_eq!(
        raised(&copy["budgets"][0]).as_array().unwrap()[..5],
        [
            json!(11),
            json!(1),
            json!("forever"),
            json!(null),
            json!(null)
        ]
    );
    let removed = server.client.delete(&path).expect(200).json();
    assert_eq!(
        (
            &removed["effective_max_limit"],
            &removed["budget"]["override_amount"]
        ),
        (&json!(10), &json!(null))
    );
    // Without an override there is nothing to do, and nothing is noted.
    let again = server.client.delete(&path).expect(200).json();
    assert_eq!(again, removed);
    let entries = server.client.audited("access_profile.set_override");
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["previous_values"], entries[1]["new_values"]);
    assert_eq!(entries[1]["new_values"]["cycles"], 3);
    assert_eq!(
        server
            .client
            .audited("access_profile.remove_override")
            .len(),
        1
    );
}

#[test]
fn the_next_call_is_decided_by_an_override_that_was_set_or_taken_away() {
    let server = Server::start();
    let client = &server.client;
    let budget = json!({ "budgets": [{ "max_limit": 1, "reset_duration": "1d" }] });
    let held = client.make_holder("ada", &two_providers(&budget));
    let user = held.user_id.parse().unwrap();
    let copy = client.copy_of(user, held.profile_id);
    let path = client.override_path(user, held.profile_id, &copy["budgets"][0]);
    let reserve = |cost: f64| {
        let asked = json!({ "estimated_cost": cost });
        client.reserve(&held.key, &asked).status
    };
    assert_eq!([reserve(0.9), reserve(0.5)], [201, 402]);
    let body = json!({ "amount": 1, "mode": "forever" });
    client.put(&path, &body).expect(200);
    assert_eq!([reserve(0.5), reserve(0.7)], [201, 402]);
    client.delete(&path).expect(200);
    assert_eq!(reserve(0.01), 402);
}

#[test]
fn what_is_no_override_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile, copy) = holder(client);
    let path = client.override_path(user, profile, &copy["budgets"][0]);
    for (body, expected) in [
        (json!({}), vec!["amount required", "mode required"]),
        (
            json!({ "amount": 0, "mode": "forever" }),
            vec!["amount out_of_range"],
        ),
        (
            json!({ "amount": -1, "mode": "always" }),
            vec!["amount out_of_range", "mode invalid_value"],
        ),
        (
            json!({ "amount": 1, "mode": "cycles" }),
            vec!["cycles required"],
        ),
        (
            json!({ "amount": 1, "mode": "cycles", "cycles": 0 }),
            vec!["cycles out_of_range"],
        ),
        (
            json!({ "amount": 1, "mode": "cycles", "cycles": 10_001 }),
            vec!["cycles out_of_range"],
        ),
        (
            json!({ "amount": 1, "mode": "forever", "cycles": 2 }),
            vec!["cycles cycles_without_mode"],
        ),
        (
            json!({ "amount": 1, "mode": "forever", "cycle": 2 }),
            vec!["cycle unknown_field"],
        ),
    ] {
        assert_eq!(client.put(&path, &body).violations(), expected, "{body}");
    }
    let body = json!({ "amount": 1, "mode": "forever" });
    let at = |user: i64, profile: i64, budget: &str| {
        format!("/api/users/{user}/access-profiles/{profile}/budgets/{budget}/override")
    };
    let template = client
        .get(&format!("/api/access-profiles/{profile}"))
        .json();
    let of_template = template["access_profile"]["budgets"][0]["id"]
        .as_str()
        .unwrap();
    let id = copy["budgets"][0]["id"].as_str().unwrap();
    for (path, what) in [
        (
            at(user, profile, of_template),
            "the user's copy has ids of its own",
        ),
        (at(user, profile, "budget-9-9"), "no budget budget-9-9"),
        (
            at(user, profile, copy["id"].to_string().as_str()),
            "in this copy",
        ),
        (at(user, 99, id), "access profile 99"),
        (at(99, profile, id), "user 99"),
    ] {
        for method in ["PUT", "DELETE"] {
            let sent = (method == "PUT").then_some(&body);
            let reply = client.send(method, &path, &[], sent);
            reply.expect_refusal(404, "not_found", "not_found");
            assert!(reply.message().contains(what), "{}", reply.text);
        }
    }
}

#[test]
fn overrides_survive_a_propagation_where_the_budget_keeps_its_place() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile, copy) = holder(client);
    for budget in copy["budgets"].as_array().unwrap() {
        let path = client.override_path(user, profile, budget);
        client
            .put(&path, &json!({ "amount": 5, "mode": "forever" }))
            .expect(200);
    }
    client.change_profile(
        profile,
        &json!({ "budgets": [{ "max_limit": 300 }], "calendar_aligned": true }),
    );
    client.propagate(
        profile,
        &json!({ "fields": ["budgets"], "reset_usage": true }),
    );
    let now = client.copy_of(user, profile);
    assert_eq!(now["budgets"].as_array().unwrap().len(), 1);
    assert_eq!(now["budgets"][0]["effective_max_limit"], 305);
    // A budget that comes back is another one.
    client.change_profile(
        profile,
        &json!({ "budgets": [{ "max_limit": 10, "reset_duration": "1d" }] }),
    );
    client.propagate(profile, &json!({ "fields": ["budgets"] }));
    let now = client.copy_of(user, profile);
    assert_eq!(now["budgets"][0]["effective_max_limit"], 10);
    assert_eq!(now["budgets"][0]["id"], copy["budgets"][0]["id"]);
}

#[test]
fn an_override_never_shows_more_than_can_bind() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("large", 999_999_999);
    let user = client.create_person("ada");
    let copy = client.assign(user, profile)["access_profile"].clone();
    let path = client.override_path(user, profile, &copy["budgets"][0]);
    let add = |amount: f64| client.put(&path, &json!({ "amount": amount, "mode": "forever" }));
    let refused = add(1.5).expect(400);
    assert_eq!(refused.violations(), ["amount limit_out_of_range"]);
    let set = add(1.0).expect(200).json();
    assert_eq!(set["effective_max_limit"], 1_000_000_000);
}

#[test]
fn no_windows_are_for_good() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 10);
    let user = client.create_person("ada");
    client.assign(user, profile);
    let budget = client.copy_of(user, profile)["budgets"][0]["id"].clone();
    let path = format!(
        "/api/users/{user}/access-profiles/{profile}/budgets/{}/override",
        budget.as_str().unwrap()
    );
    for cycles in [json!(0), json!(null)] {
        let body = json!({ "amount": 5, "mode": "forever", "cycles": cycles });
        assert_eq!(
            client.put(&path, &body).expect(200).json()["effective_max_limit"],
            15
        );
    }
    for (mode, cycles, code) in [
        ("forever", 1, "cycles_without_mode"),
        ("cycles", 0, "out_of_range"),
    ] {
        let body = json!({ "amount": 5, "mode": mode, "cycles": cycles });
        assert_eq!(
            client.put(&path, &body).expect(400).violations(),
            [format!("cycles {code}")]
        );
    }
}
