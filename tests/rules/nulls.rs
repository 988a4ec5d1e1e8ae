//! What is not there is left out of answers, and null only where API.md says so. The matrix looks at an answer of every route.

use serde_json::{Value, json};

use crate::openapi::document;
use crate::support::holders::{call, policy};
use crate::support::{Reply, Server};

/// Members that are null where there is nothing.
const NULLABLE: [&str; 11] = [
    "token_max_limit",
    "request_max_limit",
    "next_rotation_at",
    "last_rotation_at",
    "expires_at",
    "role_id",
    "config_hash",
    "created_by_user_id",
    "previous_values",
    "new_values",
    "metadata",
];

/// Whether a member of an object with these others may be null.
fn may_be_null(member: &str, object: &serde_json::Map<String, Value>) -> bool {
    match member {
        // Of an entry of the audit log.
        "access_profile_id" | "user_id" => object.contains_key("previous_values"),
        // Of a user.
        "access_profile" => object.contains_key("email"),
        // Of the contract's quota, and of a provider in it.
        "rate_limit" => object.contains_key("virtual_key_name"),
        "weight" | "keys" => object.contains_key("allow_all_keys"),
        _ => NULLABLE.contains(&member),
    }
}

fn find(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(place.to_owned()),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find(item, &format!("{place}[{at}]"), found);
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                if !(value.is_null() && may_be_null(name, object)) {
                    find(value, &format!("{place}.{name}"), found);
                }
            }
        }
        _ => {}
    }
}

/// The places of nulls in a JSON answer that should have been left out.
pub(crate) fn misplaced_nulls(reply: &Reply) -> Vec<String> {
    let mut found = Vec::new();
    let is_json = reply.header("content-type") == Some("application/json");
    // A HEAD has the headers alone.
    if is_json && !reply.text.is_empty() {
        find(&reply.json(), "", &mut found);
    }
    found.retain(|place| !place.contains(".example"));
    found
}

/// The schemas that a schema is made of.
fn accepts_null(schema: &Value) -> bool {
    let types = &schema["type"];
    let several = ["oneOf", "anyOf"].map(|name| schema[name].as_array());
    *types == "null"
        || types
            .as_array()
            .is_some_and(|types| types.contains(&json!("null")))
        || several.into_iter().flatten().flatten().any(accepts_null)
}

#[test]
fn no_answer_is_documented_to_be_null_where_it_is_left_out_nor_to_be_there_always() {
    let server = Server::start();
    let document = document(&server);
    let mut seen = 0;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if ["Body", "Request", "Envelope"]
            .iter()
            .any(|end| name.ends_with(end))
            && name != "ErrorBody"
        {
            continue;
        }
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (member, value) in properties {
            if accepts_null(value) {
                let named = NULLABLE.contains(&member.as_str())
                    || matches!(
                        (name.as_str(), member.as_str()),
                        ("AuditLogView", "access_profile_id" | "user_id")
                            | ("UserView", "access_profile")
                            | ("KeyQuota", "rate_limit")
                            | ("QuotaProvider", "weight" | "keys")
                    );
                assert!(named, "{name}.{member}: {value}");
                assert!(
                    required.contains(&json!(member)),
                    "{name}.{member} is always there"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn answers_about_next_to_nothing_leave_out_what_is_not_there() {
    let server = Server::start();
    let client = &server.client;
    let least = json!({ "name": "least", "provider_configs": [{ "provider_name": "openai" }], "budgets": [{ "max_limit": 1 }] });
    let mut replies = vec![client.post("/api/access-profiles", &least).expect(201)];
    let mut half = policy();
    half["rate_limit"] = json!({ "token_max_limit": 1_000 });
    let holder = client.make_holder("ada", &half);
    let held = client.reserve(&holder.key, &json!({})).expect(201);
    let unknown = call(&holder.key, &json!({ "model": "unheard-of" }));
    let used = call(
        &holder.key,
        &json!({ "tokens": 1, "cost": 0, "request_id": "r" }),
    );
    replies.extend([
        held,
        client.post("/v1/reservations", &unknown).expect(403),
        client.post("/v1/explain", &unknown).expect(200),
        client.post(
            "/v1/explain",
            &json!({ "virtual_key": "tk_vk_x", "model": "m" }),
        ),
        client.post("/v1/usage", &used).expect(201),
        client.post("/api/access-profiles", &json!({})).expect(400),
        client.post("/api/access-profiles", &json!([])).expect(400),
        client.get("/api/nothing").expect(404),
        client
            .with_virtual_key(&holder.key)
            .get("/v1/quota")
            .expect(200),
    ]);
    for path in [
        "/api/access-profiles",
        "/api/access-profiles/1",
        "/api/access-profiles/1/versions",
        "/api/access-profiles/1/audit-logs",
        "/api/access-profiles/2/users",
        "/api/access-profiles/audit-logs",
        "/api/access-profiles/audit-logs/verify",
        "/api/api-keys",
        "/api/users",
        "/api/users/1",
        "/api/users/1/access-profiles",
        "/api/users/1/virtual-keys",
        "/api/governance/users",
        "/api/usage?group_by=user,access_profile,provider,model",
        "/api/usage/near-limits",
        "/v1/reservations",
    ] {
        replies.push(client.get(path).expect(200));
    }
    for reply in replies {
        assert_eq!(misplaced_nulls(&reply), [""; 0], "{}", reply.text);
    }
}
