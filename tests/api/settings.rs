//! The settings over the API: all that are in force, where each is from, and nothing secret.

use serde_json::json;

use crate::proxy::{start, upstream};
use crate::support::Server;

#[test]
fn settings_are_shown_with_where_they_are_from() {
    let server = Server::start();
    let answer = server.client.get("/api/settings").expect(200).json();
    let settings = answer["settings"].as_array().unwrap();
    let named = |name: &str| settings.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        named("decisions.queue"),
        &json!({ "name": "decisions.queue", "value": 4096, "origin": "default" })
    );
    // What is not there is left out.
    assert_eq!(
        named("decisions.max_hold"),
        &json!({ "name": "decisions.max_hold", "origin": "default" })
    );
    let refused = server.client.get("/api/settings?name=log.level");
    refused.expect_refusal(400, "validation_error", "unknown_parameter");
    let (_, other) = server.client.make_key("other", &["Settings:Update"]);
    other.get("/api/settings").expect(403);
    let (_, viewer) = server.client.make_key("viewer", &["Settings:View"]);
    viewer.get("/api/settings").expect(200);
}

#[test]
fn no_secret_of_an_upstream_is_among_the_settings() {
    let more = "api_key_variable = 'OWN_KEY'\nheaders = { x-team = 'secret-value' }";
    let server = start(|_| {}, vec![upstream("own", 9, more)]);
    let reply = server.client.get("/api/settings").expect(200);
    assert!(
        reply.text.contains("OWN_KEY") && reply.text.contains("x-team"),
        "{}",
        reply.text
    );
    assert!(!reply.text.contains("sk-of-the-provider") && !reply.text.contains("secret-value"));
}
