//! A house with people in it, made through the API.

use serde_json::Value;

use super::server::Server;

/// What every profile here allows.
const POLICY: &str = r#""provider_configs":[{"provider_name":"openai","allowed_models":["gpt-5","lab-*"]}],
    "budgets":[{"max_limit":1000000,"reset_duration":"1M"}],
    "rate_limit":{"request_max_limit":1000000000,"request_reset_duration":"1h","token_max_limit":100000000000,"token_reset_duration":"1h"}"#;

/// Makes so many users of one profile; answers their virtual keys.
pub fn make_people(server: &Server, number: usize) -> Vec<String> {
    let made = server.ask(
        "POST",
        "/api/access-profiles",
        &format!(r#"{{"name":"house",{POLICY}}}"#),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    (0..number)
        .map(|n| {
            let body = format!(r#"{{"name":"person {n}","email":"person{n}@example.com"}}"#);
            let user = value(&server.ask("POST", "/api/users", &body).body)["user"]["id"].clone();
            let user = user
                .as_str()
                .map_or_else(|| user.to_string(), str::to_owned);
            let path = format!("/api/users/{user}/access-profiles");
            let given = server.ask("POST", &path, r#"{"access_profile_id":1}"#);
            let key = value(&given.body)["virtual_key"]["value"].clone();
            key.as_str()
                .expect("a virtual key is shown once")
                .to_owned()
        })
        .collect()
}

/// Makes a management key with these permissions; answers the header that it authenticates with, and its id.
pub fn make_key(server: &Server, name: &str, permissions: &[&str]) -> (String, String) {
    let body = serde_json::json!({ "name": name, "scopes": permissions });
    let made = server.ask("POST", "/api/api-keys", &body.to_string());
    let made = value(&made.body);
    let key = made["key"]
        .as_str()
        .expect("a management key is shown once");
    (
        format!("Authorization: Bearer {key}"),
        made["api_key"]["id"].to_string().replace('"', ""),
    )
}

/// The body of a reservation.
pub fn call(key: &str, model: &str) -> String {
    format!(
        r#"{{"virtual_key":"{key}","provider":"openai","model":"{model}","estimated_tokens":1200,"estimated_cost":0.0125}}"#
    )
}

pub fn value(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or(Value::Null)
}
