//! A profile that lets nothing through says so when it is made, changed and read.

use serde_json::{Value, json};

use crate::support::holders::call;
use crate::support::{Reply, Server};

fn codes(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let warnings = body
        .get("warnings")
        .map(|all| all.as_array().unwrap().clone());
    let all = warnings.unwrap_or_default();
    all.iter()
        .map(|one| one["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_profile_that_lets_nothing_through_is_stored_with_a_warning_and_without_one_when_it_is_mended()
{
    let server = Server::start();
    let client = &server.client;
    let path = "/api/access-profiles";
    let made = client.post(
        path,
        &json!({ "name": "bare", "budgets": [{ "max_limit": 100 }] }),
    );
    let made = made.expect(201);
    assert_eq!(codes(&made), ["no_provider"]);
    let warning = &made.json()["warnings"][0];
    assert_eq!(warning["param"], "provider_configs");
    assert!(
        warning["message"]
            .as_str()
            .unwrap()
            .contains("all_models_allowed"),
        "{warning}"
    );
    let one = "/api/access-profiles/1";
    let clone = client.post(&format!("{one}/clone"), &json!({ "name": "again" }));
    assert_eq!(codes(&clone.expect(201)), ["no_provider"]);
    for step in ["deactivate", "activate"] {
        let set = client.send("PUT", &format!("{one}/{step}"), &[], None);
        assert_eq!(codes(&set.expect(200)), ["no_provider"]);
    }
    let read = client.get(one).expect(200);
    assert_eq!(codes(&read), ["no_provider"]);
    // What was read can be sent back whole.
    client.put(one, &read.json()).expect(200);
    let change = |lines: Value| {
        client
            .put(one, &json!({ "provider_configs": lines }))
            .expect(200)
    };
    let openai = |more: Value| {
        let mut line = json!({ "provider_name": "openai" });
        line.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([line])
    };
    assert_eq!(codes(&change(openai(json!({})))), ["no_model"]);
    let blocked =
        json!({ "allowed_models": ["o3", "gpt-5"], "blacklisted_models": ["GPT-5", "o3"] });
    assert_eq!(codes(&change(openai(blocked))), ["all_models_blocked"]);
    let nothing = json!({ "all_models_allowed": true, "budgets": [{ "max_limit": 0 }] });
    assert_eq!(codes(&change(openai(nothing))), ["budget_of_nothing"]);
    let mended = change(openai(
        json!({ "all_models_allowed": true, "blacklisted_models": ["o3"] }),
    ));
    assert_eq!(mended.json().get("warnings"), None);
    assert_eq!(client.get(one).expect(200).json().get("warnings"), None);
    let restored = client.send("POST", &format!("{one}/versions/1/restore"), &[], None);
    assert_eq!(codes(&restored.expect(200)), ["no_provider"]);
}

#[test]
fn every_profile_without_a_warning_lets_some_call_in_and_every_other_refuses_it() {
    let server = Server::start();
    let client = &server.client;
    for (at, line) in [
        json!({ "all_models_allowed": true }),
        json!({ "allowed_models": ["gpt-5"] }),
        json!({ "allowed_models": ["gpt-*"], "blacklisted_models": ["gpt-4"] }),
        json!({}),
        json!({ "allowed_models": ["gpt-5"], "blacklisted_models": ["gpt-*"] }),
        json!({ "all_models_allowed": true, "blacklisted_models": ["*"] }),
        json!({ "all_models_allowed": true, "budgets": [{ "max_limit": 0 }] }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut line = line;
        line["provider_name"] = json!("openai");
        let body = json!({ "name": format!("p{at}"), "provider_configs": [line] });
        let made = client.post("/api/access-profiles", &body).expect(201);
        let id = made.json()["access_profile"]["id"].as_i64().unwrap();
        let (_, key) = client.make_user_with(&format!("user{at}"), id);
        let reserved = client.post("/v1/reservations", &call(&key, &json!({})));
        assert_eq!(codes(&made).is_empty(), reserved.status == 201, "{body}");
    }
}
