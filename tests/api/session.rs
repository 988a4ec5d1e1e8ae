//! A key can find out what it may do, and learns nothing else.

use serde_json::json;

use crate::support::Server;

#[test]
fn every_key_reads_its_own_name_and_permissions() {
    let server = Server::start();
    let mine = server.client.get("/api/session").expect(200).json();
    assert_eq!(mine["api_key"]["scope_names"], json!(["*"]));
    assert_eq!(mine["api_key"]["expires_at"], json!(null));
    let (id, narrow) = server
        .client
        .make_key("narrow", &["Users:View", "AccessProfiles:View"]);
    let reply = narrow.get("/api/session").expect(200);
    let key = &reply.json()["api_key"];
    assert_eq!(
        (&key["id"], &key["name"], &key["scope_names"]),
        (
            &json!(id),
            &json!("narrow"),
            &json!(["AccessProfiles:View", "Users:View"])
        )
    );
    let secret = narrow.key.rsplit('_').next().unwrap();
    assert!(!reply.text.contains(secret), "{}", reply.text);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[test]
fn a_key_without_any_permission_is_told_so() {
    let server = Server::start();
    let (_, nothing) = server.client.make_key("nothing", &[]);
    let answer = nothing.get("/api/session").expect(200).json();
    assert_eq!(answer["api_key"]["scopes"], json!([]));
    assert_eq!(answer["api_key"]["scope_names"], json!([]));
}
