//! One rule for the names of models, wherever a call is asked about.

use serde_json::{Value, json};

use crate::support::holders::{call, reservation_id};
use crate::support::wire::Wire;
use crate::support::{Client, Reply, Server};

fn lines(lines: &Value) -> Value {
    json!({ "provider_configs": lines })
}

/// All models of `OpenAI` but one.
fn all_but_one() -> Value {
    lines(
        &json!([{ "provider_name": "openai", "all_models_allowed": true, "blacklisted_models": ["gpt-4o"] }]),
    )
}

/// The same call, asked in every way there is: its status, and the provider or the code of the refusal.
fn asked(client: &Client, key: &str, provider: Option<&str>, model: &str) -> (u16, String) {
    let said = |reply: &Reply| {
        let body = reply.json();
        let code = |name: &str| body[name].as_str().map(str::to_owned);
        match reply.status {
            201 => code("provider").unwrap(),
            400 => reply.violations()[0].clone(),
            _ => code("type").unwrap(),
        }
    };
    let body = call(key, &json!({ "provider": provider, "model": model }));
    let reserved = client.post("/v1/reservations", &body);
    let outcome = (reserved.status, said(&reserved));
    let explained = client.post("/v1/explain", &body);
    if explained.status == 200 {
        let told = explained.json();
        assert_eq!(told["status_code"], outcome.0, "{model}: {told}");
        let same = told["type"].as_str().or(told["provider"].as_str());
        assert_eq!(same, Some(&*outcome.1), "{model}: {told}");
    } else {
        assert_eq!((explained.status, said(&explained)), outcome, "{model}");
    }
    let mut headers = vec![("x-api-key", key), ("x-model", model)];
    headers.extend(provider.map(|provider| ("x-provider", provider)));
    let admitted = client.raw("GET", "/v1/forward-auth", &headers, None);
    if admitted.status == 200 {
        let provider = admitted.header("x-tollkeeper-provider").unwrap();
        assert_eq!((201, provider.to_owned()), outcome, "{model}");
    } else {
        let expected = outcome.1.replace("model ", "x-model ");
        assert_eq!(
            (admitted.status, said(&admitted)),
            (outcome.0, expected),
            "{model}"
        );
    }
    outcome
}

#[test]
fn a_blocked_model_is_blocked_with_the_prefix_of_its_provider_too() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &all_but_one());
    let blocked = (403, "model_blocked".to_owned());
    let openai = (201, "openai".to_owned());
    for model in [
        "gpt-4o",
        "GPT-4O",
        "openai/gpt-4o",
        "OpenAI/GPT-4o",
        "  openai/gpt-4o ",
        "openai/ gpt-4o",
    ] {
        for provider in [None, Some("openai"), Some("OpenAI")] {
            assert_eq!(
                asked(client, &ada.key, provider, model),
                blocked,
                "{model:?} {provider:?}"
            );
        }
    }
    // What is another model is another model.
    for model in [
        "openai/gpt-4o-mini",
        "openrouter/openai/gpt-4o",
        "openai/openai/gpt-4o",
        "gpt-4o/openai",
        "openai/",
    ] {
        assert_eq!(asked(client, &ada.key, None, model), openai, "{model}");
    }
    // A prefix is not a provider: the one that is named is the one that is asked.
    let other = (403, "provider_blocked".to_owned());
    assert_eq!(
        asked(client, &ada.key, Some("azure"), "openai/gpt-4o-mini"),
        other
    );
}

#[test]
fn an_allow_list_grants_the_name_with_and_without_the_prefix() {
    let server = Server::start();
    let client = &server.client;
    let policy = lines(&json!([
        { "provider_name": "openai", "allowed_models": ["gpt-4*", "regex:o[0-9]"] },
        { "provider_name": "openrouter", "allowed_models": ["openai/gpt-4o", "openrouter/auto"] },
        { "provider_name": "azure/eu", "allowed_models": ["o9-*"] },
        { "provider_name": "anthropic", "allowed_models": ["claude"] }
    ]));
    let ada = client.make_holder("ada", &policy);
    let outcome = |model: &str| asked(client, &ada.key, None, model);
    for (model, provider) in [
        ("gpt-4o", "openai"),
        ("openai/gpt-4.1", "openai"),
        ("openai/O3", "openai"),
        // A line that grants the full name goes first.
        ("OpenAI/gpt-4o", "openrouter"),
        ("openrouter/openai/gpt-4o", "openrouter"),
        ("openrouter/auto", "openrouter"),
        ("openrouter/openrouter/auto", "openrouter"),
        ("azure/EU/o9-large", "azure/eu"),
        ("anthropic/claude", "anthropic"),
    ] {
        assert_eq!(outcome(model), (201, provider.to_owned()), "{model}");
    }
    // A prefix selects among the lines that there are, and is removed once.
    for model in [
        "azure/o9-large",
        "mistral/gpt-4o",
        "openai/openai/gpt-4o",
        "anthropic/gpt-4o",
        "eu/o9-x",
    ] {
        assert_eq!(outcome(model), (403, "model_blocked".to_owned()), "{model}");
    }
    // With the provider beside it, its line alone is asked.
    let openai = asked(client, &ada.key, Some("openai"), "openai/gpt-4o");
    assert_eq!(openai, (201, "openai".to_owned()));
    let openrouter = asked(client, &ada.key, Some("openrouter"), "anthropic/claude");
    assert_eq!(openrouter, (403, "model_blocked".to_owned()));
}

#[test]
fn a_prefix_selects_its_line_among_those_that_grant_everything() {
    let server = Server::start();
    let client = &server.client;
    let all = |provider: &str| json!({ "provider_name": provider, "all_models_allowed": true });
    let ada = client.make_holder("ada", &lines(&json!([all("anthropic"), all("openai")])));
    let provider_of = |model: &str| asked(client, &ada.key, None, model).1;
    assert_eq!(provider_of("gpt-4o"), "anthropic");
    assert_eq!(provider_of("openai/gpt-4o"), "openai");
    assert_eq!(provider_of("google/gemini"), "anthropic");
}

#[test]
fn a_model_that_some_gateways_read_as_a_list_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &all_but_one());
    for model in ["gpt-5,gpt-4o", "gpt-5, gpt-4o", ",", "gpt-5,", "gpt-4*,x"] {
        let (status, violation) = asked(client, &ada.key, None, model);
        assert_eq!(
            (status, &*violation),
            (400, "model invalid_character"),
            "{model}"
        );
    }
    let body = call(&ada.key, &json!({ "model": "gpt-5\u{1}" }));
    let refused = client.post("/v1/reservations", &body);
    assert_eq!(refused.violations(), ["model invalid_character"]);
    // What can't be seen makes no other name in a header either.
    let refused = |model: &str| {
        let mut wire = Wire::open(client.port);
        let head = format!(
            "GET /v1/forward-auth HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\nx-model: {model}\r\n\r\n",
            ada.key
        );
        wire.send(head.as_bytes());
        let head = wire.head();
        assert_eq!(head.status, 400, "{model:?}");
        assert_eq!(
            head.header("x-tollkeeper-refusal"),
            Some("invalid_character")
        );
    };
    refused("gpt-4o\u{200b}");
    refused("\u{feff}gpt-4o");
}

#[test]
fn an_explanation_says_which_form_of_the_name_was_covered() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &all_but_one());
    let told = |model: &str| {
        let body = call(&ada.key, &json!({ "model": model }));
        client.post("/v1/explain", &body).expect(200).json()
    };
    let by_prefix = told("OpenAI/GPT-4o");
    let line = json!({ "provider": "openai", "outcome": "model_blocked", "rule": "blacklisted_models", "pattern": "gpt-4o",
                       "matched_name": "GPT-4o" });
    assert_eq!(by_prefix["access_profiles"][0]["providers"], json!([line]));
    let step = &by_prefix["steps"][2];
    assert_eq!(
        step["detail"],
        "blacklisted_models: gpt-4o covers \"GPT-4o\", the name without its prefix"
    );
    let whole = told("gpt-4o");
    let line = &whole["access_profiles"][0]["providers"][0];
    assert_eq!(line.get("matched_name"), None);
    assert_eq!(whole["steps"][2]["detail"], "blacklisted_models: gpt-4o");
}

#[test]
fn a_hold_is_extended_by_the_same_rule_and_counted_under_the_name_that_was_asked_for() {
    let server = Server::start();
    let client = &server.client;
    let all = lines(&json!([{ "provider_name": "openai", "all_models_allowed": true }]));
    let ada = client.make_holder("ada", &all);
    let asked = json!({ "provider": null, "model": "openai/gpt-4o" });
    let held = reservation_id(&client.reserve(&ada.key, &asked).expect(201));
    let other = reservation_id(&client.reserve(&ada.key, &asked).expect(201));
    client.settle(&other, 5, 0.5).expect(200);
    client.change_profile(ada.profile_id, &all_but_one());
    client.propagate(ada.profile_id, &json!({ "fields": ["provider_configs"] }));
    let extend = format!("/v1/reservations/{held}/extend");
    let refused = client.post(&extend, &json!({ "ttl": "10m" }));
    refused.expect_refusal(403, "model_blocked", "model_blocked");
    let rows = client
        .get("/api/usage?group_by=provider,model")
        .expect(200)
        .json();
    let charged: Vec<_> = rows["usage"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["calls"] == 1)
        .collect();
    assert_eq!(charged.len(), 1, "{rows}");
    assert_eq!(
        (&charged[0]["provider"], &charged[0]["model"]),
        (&json!("openai"), &json!("openai/gpt-4o"))
    );
}
