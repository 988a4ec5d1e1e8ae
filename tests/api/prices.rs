//! Prices over the API: looking at them, giving them, taking them away, and what calls cost then.

use serde_json::{Value, json};

use crate::proxy::{CHAT, ask, carried, hello, start, upstream};
use crate::support::upstream::Upstream;
use crate::support::{Client, Server};

const PRICES: &str = "/api/prices";

fn price_of(client: &Client, provider: &str, model: &str, more: &str) -> Value {
    let path = format!("{PRICES}?provider={provider}&model={model}{more}");
    client.get(&path).expect(200).json()
}

#[test]
fn the_list_is_looked_through() {
    let server = Server::start();
    let client = &server.client;
    let page = client.get(PRICES).expect(200).json();
    assert_eq!(
        (&page["count"], &page["limit"], &page["offset"]),
        (&json!(25), &json!(25), &json!(0))
    );
    assert!(page["total_count"].as_i64().unwrap() > 2_000);
    let version = page["version"].as_str().unwrap();
    assert!(version.starts_with(page["date"].as_str().unwrap()));
    assert_eq!(
        (&page["unknown"], page.get("price")),
        (&json!("deny"), None)
    );
    let of_one = price_of(client, "OpenAI", "gpt-4o", "");
    let price = &of_one["price"];
    assert_eq!(
        (&price["origin"], &price["priced_by"]),
        (&json!("list"), &json!(version))
    );
    assert_eq!(
        (&price["rates"]["input"], &price["rates"]["output"]),
        (&json!(2.5), &json!(10))
    );
    assert_eq!(price["greatest_output"], 16_384);
    assert_eq!(of_one["prices"][0]["model"], "gpt-4o");
    let unknown = price_of(client, "openai", "our-own", "");
    assert_eq!(
        (unknown.get("price"), &unknown["total_count"]),
        (None, &json!(0))
    );
    let searched = client
        .get(&format!("{PRICES}?search=openai/GPT-4o-m&limit=1"))
        .expect(200)
        .json();
    assert_eq!(searched["prices"][0]["model"], "gpt-4o-mini");
    for (query, code) in [
        ("at=yesterday", "invalid_timestamp"),
        ("model=", "empty_filter"),
        ("modle=x", "unknown_parameter"),
        ("limit=0", "out_of_range"),
    ] {
        client
            .get(&format!("{PRICES}?{query}"))
            .expect_refusal(400, "validation_error", code);
    }
}

#[test]
fn a_price_that_is_given_goes_before_the_list_at_once() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let cost = |server: &Server| {
        let reply = ask(server, &holder, CHAT, &hello(&json!({}))).expect(200);
        reply.header("x-tollkeeper-cost").unwrap().to_owned()
    };
    // 8 × $2.50 and 100 × $10 a million.
    assert_eq!(cost(&server), "0.00102");
    let path = format!("{PRICES}/openai/gpt-4o");
    let body = json!({ "rates": { "input": 5, "output": 20, "request": 0.001 } });
    let given = server.client.put(&path, &body).expect(200);
    let tag = given.header("etag").unwrap().to_owned();
    let expected = json!({
        "provider": "openai", "model": "gpt-4o", "origin": "api", "priced_by": "overlay:openai/gpt-4o", "free": false,
        "rates": { "input": 5, "output": 20, "request": 0.001 }, "above": [],
    });
    assert_eq!(given.json()["price"], expected);
    assert_eq!(cost(&server), "0.00304");
    let of_one = price_of(&server.client, "openai", "gpt-4o", "");
    assert_eq!(
        (
            &of_one["price"]["origin"],
            &of_one["price"]["greatest_output"]
        ),
        (&json!("api"), &json!(16_384))
    );
    assert_eq!(
        (&of_one["prices"][0], &of_one["prices"][1]["origin"]),
        (&expected, &json!("list"))
    );
    // As it was answered, it can be sent back: then nothing happens.
    server.client.put(&path, &of_one["prices"][0]).expect(200);
    assert_eq!(server.client.audited("price.set").len(), 1);
    server
        .client
        .send("DELETE", &path, &[("if-match", "\"other\"")], None)
        .expect_refusal(412, "precondition_failed", "stale_if_match");
    server
        .client
        .send("DELETE", &path, &[("if-match", &tag)], None)
        .expect(200);
    assert_eq!(cost(&server), "0.00102");
    server
        .client
        .delete(&path)
        .expect_refusal(404, "not_found", "not_found");
    let deleted = &server.client.audited("price.delete")[0];
    assert_eq!(
        (
            &deleted["previous_values"]["prices"][0]["rates"]["input"],
            &deleted["new_values"]
        ),
        (&json!(5), &Value::Null)
    );
}

#[test]
fn a_model_that_nobody_knows_can_be_called_once_it_has_a_price() {
    let provider = Upstream::chats();
    let server = start(|_| {}, vec![upstream("openai", provider.port, "")]);
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let body = hello(&json!({ "model": "team/our own+50%" }));
    let refused = ask(&server, &holder, CHAT, &body);
    assert!(
        refused.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/api/prices/"),
        "{}",
        refused.text
    );
    let price = json!({ "rates": { "input": 1, "output": 1 } });
    server
        .client
        .put(&format!("{PRICES}/openai/team%2Four%20own%2B50%25"), &price)
        .expect(200);
    ask(&server, &holder, CHAT, &body).expect(200);
    let given = server
        .client
        .put(&format!("{PRICES}/openai/meta/llama-*"), &price)
        .expect(200)
        .json();
    assert_eq!(given["price"]["model"], "meta/llama-*");
}

#[test]
fn prices_from_a_date_on_stand_beside_each_other() {
    let server = Server::start();
    let client = &server.client;
    let path = format!("{PRICES}/openai/own");
    let give = |input: i64, from: Option<&str>| {
        let body = json!({ "rates": { "input": input, "output": 1 }, "valid_from": from });
        client.put(&path, &body).expect(200);
    };
    let input = |at: &str| {
        price_of(client, "openai", "own", &format!("&at={at}"))["price"]["rates"]["input"].clone()
    };
    give(1, None);
    give(3, Some("2026-09-01T00:00:00Z"));
    give(2, Some("2026-07-01T00:00:00Z"));
    for (at, expected) in [
        ("2026-06-30T23:59:59Z", 1),
        ("2026-07-01T00:00:00Z", 2),
        ("2027-01-01T00:00:00Z", 3),
    ] {
        assert_eq!(input(at), expected, "{at}");
    }
    let given = client.get(&path).expect(200);
    let rates: Vec<_> = given.json()["prices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|price| price["rates"]["input"].clone())
        .collect();
    assert_eq!(rates, [1, 2, 3]);
    let tag = given.header("etag").unwrap();
    client
        .send("GET", &path, &[("if-none-match", tag)], None)
        .expect(304);
    give(4, None);
    assert_eq!(input("2027-01-01T00:00:00Z"), 4);
    assert_eq!(price_of(client, "openai", "own", "")["total_count"], 1);
    let late = json!({ "free": true });
    client
        .send("PUT", &path, &[("if-match", tag)], Some(&late))
        .expect_refusal(412, "precondition_failed", "stale_if_match");
    client
        .get("/api/prices/openai/gpt-4o")
        .expect_refusal(404, "not_found", "not_found");
}

#[test]
fn what_is_wrong_with_a_price_is_said_all_at_once_and_nothing_is_stored() {
    let server = Server::start();
    let client = &server.client;
    let path = format!("{PRICES}/openai/own");
    let refused = client.put(
        &path,
        &json!({ "rates": { "inptu": 1, "output": -1 }, "greatest_output": 0 }),
    );
    refused.expect_refusal(400, "validation_error", "out_of_range");
    let errors = refused.json()["extra_fields"]["errors"]
        .as_array()
        .unwrap()
        .clone();
    let params: Vec<_> = errors
        .iter()
        .map(|error| error["param"].as_str().unwrap())
        .collect();
    assert!(
        ["rates.inptu", "rates.output", "greatest_output"]
            .iter()
            .all(|param| params.contains(param)),
        "{params:?}"
    );
    client
        .put(&path, &json!({ "free": true, "rates": { "input": 1 } }))
        .expect_refusal(400, "validation_error", "free_with_rates");
    client
        .send(
            "PUT",
            &path,
            &[("if-match", "*")],
            Some(&json!({ "free": true })),
        )
        .expect_refusal(404, "not_found", "not_found");
    client
        .put(&format!("{PRICES}/openai/%20"), &json!({ "free": true }))
        .expect_refusal(400, "validation_error", "too_long");
    assert_eq!(price_of(client, "openai", "own", "")["total_count"], 0);
    client.put(&path, &json!({ "free": true })).expect(200);
    assert_eq!(price_of(client, "OPENAI", "Own", "")["price"]["free"], true);
}

#[test]
fn what_may_be_done_with_prices_is_a_permission_of_its_own() {
    let server = Server::start();
    let (_, reader) = server
        .client
        .make_key("reader", &["Settings:View", "AccessProfiles:View"]);
    let (_, writer) = server.client.make_key("writer", &["Settings:Update"]);
    let path = format!("{PRICES}/openai/own");
    writer.put(&path, &json!({ "free": true })).expect(200);
    writer.get(PRICES).expect(403);
    writer.delete(&path).expect(403);
    assert_eq!(
        price_of(&reader, "openai", "own", "")["price"]["origin"],
        "api"
    );
    reader.put(&path, &json!({ "free": true })).expect(403);
    assert_eq!(reader.audited("price.set").len(), 1);
    let (_, other) = server.client.make_key("other", &["AccessProfiles:View"]);
    assert!(other.audited("price.set").is_empty());
}

#[test]
fn prices_outlive_a_restart() {
    let server = Server::start();
    let free = json!({ "free": true });
    server
        .client
        .put("/api/prices/openai/own", &free)
        .expect(200);
    server
        .client
        .put("/api/prices/openai/gone", &free)
        .expect(200);
    server.client.delete("/api/prices/openai/gone").expect(200);
    let server = server.restart();
    let own = price_of(&server.client, "openai", "own", "");
    assert_eq!(own["price"]["free"], true);
    let gone = price_of(&server.client, "openai", "gone", "");
    assert_eq!(gone.get("price"), None);
}

#[test]
fn whose_price_it_was_stands_with_a_charge_whatever_is_given_later() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let client = &server.client;
    let give = |model: &str| {
        let body = json!({ "rates": { "input": 5, "output": 20 } });
        client
            .put(&format!("{PRICES}/openai/{model}"), &body)
            .expect(200);
    };
    let version = client.get(PRICES).json()["version"].clone();
    let reply = ask(&server, &holder, CHAT, &hello(&json!({}))).expect(200);
    let carried = reply.header("x-tollkeeper-reservation").unwrap().to_owned();
    let call = json!({ "virtual_key": holder.key, "provider": "openai", "model": "gpt-4o", "max_tokens": 100 });
    let reserved = client.post("/v1/reservations", &call).expect(201).json();
    let reserved = reserved["reservation"]["id"].as_str().unwrap().to_owned();
    let usage =
        json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 100, "total_tokens": 108 } });
    let settle = |id: &str, body: &Value| {
        let answer = client.post(&format!("/v1/reservations/{id}/settle"), body);
        answer.expect(200).json()["reservation"]["priced_by"].clone()
    };
    let report = json!({
        "virtual_key": holder.key, "provider": "openai", "model": "gpt-4o", "request_id": "once", "usage": usage["usage"],
    });
    let charge = || client.post("/v1/usage", &report).json()["reservation"]["priced_by"].clone();
    assert_eq!(
        (settle(&reserved, &usage), charge()),
        (version.clone(), version.clone())
    );
    give("gpt-4o");
    assert_eq!(
        (settle(&reserved, &usage), charge()),
        (version.clone(), version.clone())
    );
    assert_eq!(
        settle(&carried, &json!({ "tokens": 108, "cost": 0.00102 })),
        version
    );
    // Another call costs the new price, and one whose cost is sent is charged by nobody's.
    let again = client.post("/v1/reservations", &call).expect(201).json();
    let again = again["reservation"]["id"].as_str().unwrap().to_owned();
    assert_eq!(settle(&again, &usage), "overlay:openai/gpt-4o");
    let sent = client.post("/v1/reservations", &call).expect(201).json();
    let sent = sent["reservation"]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(
            settle(&sent, &json!({ "tokens": 1, "cost": 0.1 })),
            Value::Null
        );
    }
}
