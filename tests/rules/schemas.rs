//! The schemas of the OpenAPI document, held against the bodies that are read and the answers that are given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::openapi::{concrete, document, operations};
use crate::support::holders::policy;
use crate::support::{Reply, Server};

/// What a schema refers to, in place of the reference.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap();
        return resolved(document, found);
    }
    for list in ["oneOf", "anyOf", "allOf"] {
        let some = schema[list].as_array();
        if let Some(one) = some.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
            return resolved(document, one);
        }
    }
    schema
}

/// A value with every property of a schema, and in each object an invented one if so wished.
fn sample(document: &Value, schema: &Value, invent: bool) -> Value {
    let schema = resolved(document, schema);
    if let Some(properties) = schema["properties"].as_object() {
        let mut object: Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| (name.clone(), sample(document, schema, invent)))
            .collect();
        if invent {
            object.insert("invented".to_owned(), json!(1));
        }
        return Value::Object(object);
    }
    match schema.get("items") {
        Some(items) => json!([sample(document, items, invent)]),
        None => json!("x"),
    }
}

/// The paths of every object in a value, as violations name them.
fn objects(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let dot = if place.is_empty() { "" } else { "." };
            found.push(format!("{place}{dot}invented unknown_field"));
            for (name, value) in fields {
                objects(value, &format!("{place}{dot}{name}"), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                objects(item, &format!("{place}[{at}]"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_property_of_a_request_body_is_read_and_an_invented_one_is_refused() {
    let server = Server::start();
    let document = document(&server);
    server.furnish();
    let mut bodies = 0;
    for ((method, path), operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        bodies += 1;
        for invent in [false, true] {
            let body = sample(&document, schema, invent);
            let reply = server.call(&method, &concrete(&path), Some(&body));
            // A body may be good by chance, or clash with what another made; what is unknown is always 400.
            assert!(
                [200, 201, 400, 409].contains(&reply.status),
                "{method} {path}: {}",
                reply.text
            );
            let mut unknown = match reply.status {
                400 => reply.violations(),
                _ => Vec::new(),
            };
            unknown.retain(|one| one.ends_with("unknown_field"));
            let mut expected = Vec::new();
            if invent {
                objects(&body, "", &mut expected);
                expected.sort();
            }
            assert_eq!(unknown, expected, "{method} {path} {body}: {}", reply.text);
        }
    }
    assert!(
        bodies >= 3,
        "creates of profiles under two paths and of keys"
    );
}

#[test]
fn every_field_of_an_answer_that_a_create_reads_is_documented_in_its_body() {
    let server = Server::start();
    let schemas = document(&server)["components"]["schemas"].clone();
    let documented = schemas["AccessProfileBody"]["properties"]
        .as_object()
        .unwrap();
    for name in schemas["AccessProfile"]["properties"]
        .as_object()
        .unwrap()
        .keys()
    {
        // No field takes an object like this one, so whoever reads it refuses it.
        let mut body = json!({ "name": name });
        body[name] = json!({ "invented": 1 });
        let read = server.client.post("/api/access-profiles", &body).status == 400;
        // What the server sets may be sent and is not read.
        let meant = documented
            .get(name)
            .is_some_and(|field| field["readOnly"] != json!(true));
        assert_eq!(read, meant, "{name}");
    }
}

/// Every object of an answer has all required properties of its schema and none that it does not name.
fn assert_described(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolved(document, schema);
    match value {
        Value::Object(fields) if schema["properties"].is_object() => {
            let properties = schema["properties"].as_object().unwrap();
            let names = |map: &Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            let required = schema["required"].as_array().into_iter().flatten();
            let required: BTreeSet<_> = required
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
            assert!(
                names(fields).is_subset(&names(properties)),
                "{place}: {value}"
            );
            assert!(required.is_subset(&names(fields)), "{place}: {value}");
            for (name, value) in fields {
                assert_described(
                    document,
                    &properties[name],
                    value,
                    &format!("{place}.{name}"),
                );
            }
        }
        Value::Array(items) => {
            for item in items {
                assert_described(document, &schema["items"], item, &format!("{place}[]"));
            }
        }
        _ => {}
    }
}

/// An answer is as the document says of this operation.
fn assert_documented(document: &Value, reply: &Reply, method: &str, path: &str) {
    let operation = &document["paths"][path][method.to_lowercase()];
    let response = &operation["responses"][reply.status.to_string()];
    let media = reply.header("content-type").unwrap_or_default();
    let schema = &response["content"][media]["schema"];
    assert!(!schema.is_null(), "{method} {path} {}", reply.status);
    assert_described(document, schema, &reply.json(), path);
}

fn operation_takes_virtual_key(
    operations: &BTreeMap<(String, String), Value>,
    method: &str,
    path: &str,
) -> bool {
    operations[&(method.to_owned(), path.to_owned())]["security"][0]
        .get("virtual_key")
        .is_some()
}

#[test]
fn answers_have_exactly_the_documented_fields() {
    let server = Server::start();
    let document = document(&server);
    let seed: Value = serde_json::from_str(include_str!("../api/seed_example.json")).unwrap();
    server.client.create_profile(&seed);
    server.furnish();
    let free = json!({ "free": true });
    server.client.put("/api/prices/1/1", &free).expect(200);
    let key = server.client.make_holder("ada", &policy()).key;
    let holder = server.client.with_virtual_key(&key);
    let operations = operations(&document);
    let described = |reply: Reply, method: &str, path: &str| {
        assert_documented(&document, &reply, method, path);
    };
    for ((method, path), _) in operations.iter().filter(|((method, _), _)| method == "GET") {
        if path == "/"
            || path.starts_with("/static")
            || path.starts_with("/docs")
            || path == "/openapi.json"
            // It is no JSON, and encrypted for somebody.
            || path == "/api/backups/{name}"
            // It is no JSON either.
            || path == "/metrics"
        {
            continue;
        }
        if operation_takes_virtual_key(&operations, method, path) {
            if !path.contains("forward-auth") {
                let path_there = match path.as_str() {
                    "/v1/mcp/tools" => "/v1/mcp/tools?mcp_server=files",
                    other => other,
                };
                described(holder.get(path_there).expect(200), method, path);
            }
            continue;
        }
        described(server.client.get(&concrete(path)).expect(200), method, path);
        if path.starts_with("/api") {
            described(
                server.client.with_key("").get(&concrete(path)).expect(401),
                method,
                path,
            );
        }
    }
    let profile = server
        .client
        .create_profile(&json!({ "name": "tagged", "tags": ["a", "b"] }));
    let place = format!("/api/access-profiles/{}", profile["id"]);
    server
        .client
        .put(&place, &json!({ "tags": ["a"] }))
        .expect(200);
    let diff = server
        .client
        .get(&format!("{place}/versions/2/diff?against=1"))
        .expect(200);
    assert!(diff.text.contains(r#""op":"remove""#), "{}", diff.text);
    described(
        diff,
        "GET",
        "/api/access-profiles/{id}/versions/{version}/diff",
    );
    let profile = json!({ "name": "other", "rate_limit": { "token_max_limit": 1 } });
    described(
        server
            .client
            .post("/api/access-profiles", &profile)
            .expect(201),
        "POST",
        "/api/access-profiles",
    );
    let key = json!({ "name": "k", "scopes": ["*"] });
    described(
        server.client.post("/api/api-keys", &key).expect(200),
        "POST",
        "/api/api-keys",
    );
    described(
        server.client.delete("/api/api-keys/2").expect(200),
        "DELETE",
        "/api/api-keys/{id}",
    );
}

#[test]
fn answers_to_decisions_have_exactly_the_documented_fields() {
    let server = Server::start();
    let document = document(&server);
    let key = server.client.make_holder("ada", &policy()).key;
    let described = |reply: Reply, method: &str, path: &str| {
        assert_documented(&document, &reply, method, path);
    };
    let call = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5", "estimated_tokens": 1 });
    let reserve = || server.client.post("/v1/reservations", &call);
    let [kept, given_back] = [reserve(), reserve()].map(|reply| {
        let id = reply.json()["reservation"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        described(reply, "POST", "/v1/reservations");
        format!("/v1/reservations/{id}")
    });
    let documented = "/v1/reservations/{reservation}";
    let sent = |step: &str, body: &Value| {
        let reply = server.client.post(&format!("{kept}{step}"), body);
        described(reply.expect(200), "POST", &format!("{documented}{step}"));
    };
    sent("/extend", &json!({ "ttl": "10m" }));
    sent("/settle", &json!({ "tokens": 1, "cost": 0 }));
    described(server.client.delete(&given_back), "DELETE", documented);
    for model in ["gpt-5", "unheard-of"] {
        let used = json!({
            "virtual_key": key, "provider": "openai", "model": model, "tokens": 1, "cost": 0, "request_id": model
        });
        let reply = server.client.post("/v1/usage", &used).expect(201);
        assert_eq!(
            reply.json().get("outside_policy").is_some(),
            model != "gpt-5",
            "{}",
            reply.text
        );
        described(reply, "POST", "/v1/usage");
    }
    described(
        server.client.post("/v1/explain", &call),
        "POST",
        "/v1/explain",
    );
    let refused = json!({ "virtual_key": key, "model": "unheard-of" });
    described(
        server.client.post("/v1/reservations", &refused).expect(403),
        "POST",
        "/v1/reservations",
    );
}
