//! What the holder of a virtual key sees of what binds it.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::holders::reservation_id;

fn policy() -> Value {
    json!({
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
        "budgets": [{ "max_limit": 10 }],
        "rate_limit": { "token_max_limit": 1000, "request_max_limit": 5 }
    })
}

#[test]
fn a_holder_sees_limits_use_and_holds_of_every_copy() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let user: i64 = ada.user_id.parse().unwrap();
    let other = client.create_budgeted("other", 3);
    client.assign(user, other);
    let held = client
        .reserve(
            &ada.key,
            &json!({ "estimated_tokens": 100, "estimated_cost": 2 }),
        )
        .expect(201);
    client.settle(&reservation_id(&held), 40, 1.5).expect(200);
    client
        .reserve(
            &ada.key,
            &json!({ "estimated_tokens": 10, "estimated_cost": 0.5 }),
        )
        .expect(201);

    let me = client.with_virtual_key(&ada.key);
    let answer = me.get("/v1/quota").expect(200);
    let quota = answer.json();
    let name = "profile of ada · user 1";
    assert_eq!(
        quota["virtual_key"],
        json!({ "id": ada.key_id(), "name": name, "is_active": true, "expires_at": null })
    );
    assert_eq!(quota["user_id"], ada.user_id);
    assert_eq!(quota["access_profiles"], json!(client.copies_of(user)));
    let of_page = ["count", "total_count", "limit", "offset"].map(|field| quota[field].clone());
    assert_eq!(of_page, [2, 2, 25, 0].map(|number| json!(number)));
    let second = me.get("/v1/quota?limit=1&offset=1").expect(200).json();
    assert_eq!(second["access_profiles"][0], quota["access_profiles"][1]);
    assert_eq!(
        (&second["count"], &second["total_count"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        me.get("/v1/quota?limit=0").expect(400).violations(),
        ["limit out_of_range"]
    );
    let budget = &quota["access_profiles"][0]["budgets"][0];
    assert_eq!(
        (
            &budget["current_usage"],
            &budget["held"],
            &budget["effective_max_limit"]
        ),
        (&json!(1.5), &json!(0.5), &json!(10))
    );
    let limit = &quota["access_profiles"][0]["rate_limit"];
    assert_eq!(
        (
            &limit["token_current_usage"],
            &limit["token_held"],
            &limit["request_current_usage"]
        ),
        (&json!(40), &json!(10), &json!(1))
    );
    let tag = answer.header("etag").unwrap().to_owned();
    me.send("GET", "/v1/quota", &[("if-none-match", &tag)], None)
        .expect(304);
    // Every place where clients of AI providers put their key.
    for place in ["x-api-key", "x-goog-api-key", "api-key", "x-bf-vk"] {
        let reply = client
            .with_key("")
            .send("GET", "/v1/quota", &[(place, &ada.key)], None);
        assert_eq!(reply.expect(200).text, answer.text, "{place}");
    }
}

#[test]
fn a_key_that_was_rotated_works_within_its_grace_and_one_that_is_gone_does_not() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let (old, path) = (
        client.with_virtual_key(&ada.key),
        format!("/api/virtual-keys/{}/rotate", ada.key_id()),
    );
    client.post(&path, &json!({ "grace": "1h" })).expect(200);
    old.get("/v1/quota").expect(200);
    server.time.advance_seconds(3_600);
    old.get("/v1/quota")
        .expect_refusal(401, "access_not_found", "access_not_found");
    let ben = client.make_holder("ben", &policy());
    let me = client.with_virtual_key(&ben.key);
    me.get("/v1/quota").expect(200);
    client
        .delete(&format!("/api/users/{}", ben.user_id))
        .expect(200);
    me.get("/v1/quota")
        .expect_refusal(401, "access_not_found", "access_not_found");
}

#[test]
fn management_keys_are_refused_there_and_virtual_keys_everywhere_else() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let reply = client.get("/v1/quota");
    reply.expect_refusal(401, "access_not_found", "access_not_found");
    for kind in ["management API key", "virtual key"] {
        assert!(reply.message().contains(kind), "{}", reply.text);
    }
    client.with_key("").get("/v1/quota").expect_refusal(
        401,
        "virtual_key_required",
        "virtual_key_required",
    );
    for path in [
        "/api/users",
        "/api/access-profiles",
        "/api/users/1/access-profiles",
    ] {
        let reply = client.with_virtual_key(&ada.key).get(path);
        reply.expect_refusal(401, "authentication_error", "wrong_credential_kind");
    }
}

#[test]
fn a_key_that_goes_while_it_asks_is_not_known() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    // As between the moment when the ledger knew it and that in which it is read.
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    database.execute("DELETE FROM virtual_keys", []).unwrap();
    let gone = server.client.with_virtual_key(&ada.key).get("/v1/quota");
    gone.expect_refusal(401, "access_not_found", "access_not_found");
}
