//! What clients of the contract rely on in answers about users, their keys, management keys and tool groups.

use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn the_scopes_of_a_key_are_ids_with_their_names_beside() {
    let server = Server::start();
    let client = &server.client;
    let body = json!({ "name": "ci", "scopes": [1, "Users:View"] });
    let made = client.post("/api/api-keys", &body).expect(200).json()["api_key"].clone();
    let path = format!("/api/api-keys/{}", made["id"]);
    let list = client.get("/api/api-keys").expect(200).json();
    let changed = client
        .put(&path, &json!({ "description": "builds" }))
        .expect(200)
        .json();
    let read = client.get(&path).expect(200).json();
    for key in [
        &made,
        &read["api_key"],
        &changed["api_key"],
        &list["api_keys"][1],
    ] {
        assert_eq!(key["scopes"], json!([1, 5]));
        assert_eq!(
            key["scope_names"],
            json!(["AccessProfiles:View", "Users:View"])
        );
    }
    assert_eq!(client.put(&path, &read["api_key"]).expect(200).json(), read);
}

#[test]
fn a_key_that_may_do_everything_shows_every_id_and_still_may_when_they_are_sent_back() {
    let server = Server::start();
    let client = &server.client;
    let all: Vec<i64> = (1..=36).collect();
    let read = client.get("/api/api-keys/1").expect(200).json()["api_key"].clone();
    assert_eq!(read["scopes"], json!(all));
    assert_eq!(read["scope_names"], json!(["*"]));
    let mut sent = read.clone();
    sent["description"] = json!("kept");
    let kept = client.put("/api/api-keys/1", &sent).expect(200).json()["api_key"].clone();
    assert_eq!(
        (&kept["scopes"], &kept["scope_names"]),
        (&json!(all), &json!(["*"]))
    );
    // Another key that is given each of them holds each of them: those of later versions are not among them.
    let body = json!({ "name": "each", "scopes": all });
    let each = client.post("/api/api-keys", &body).expect(200).json()["api_key"].clone();
    assert_eq!(each["scope_names"].as_array().unwrap().len(), 36);
    let path = format!("/api/api-keys/{}", each["id"]);
    assert_eq!(client.put(&path, &each).expect(200).json()["api_key"], each);
}

#[test]
fn a_user_is_read_bare_with_the_first_active_profile_and_teams_and_made_in_an_envelope() {
    let server = Server::start();
    let client = &server.client;
    let (first, second) = (
        client.create_budgeted("first", 5),
        client.create_budgeted("second", 5),
    );
    let user = client.create_person("ada");
    let path = format!("/api/users/{user}");
    let read = |family: &str| {
        client
            .get(&format!("{family}/users/{user}"))
            .expect(200)
            .json()
    };
    assert_eq!(read("/api")["access_profile"], json!(null));
    let soon = json!({ "access_profile_id": first, "expires_at": "2026-06-01T12:01:00Z" });
    client
        .post(&format!("{path}/access-profiles"), &soon)
        .expect(201);
    client.assign(user, second);
    let before = read("/api");
    assert_eq!(before, read("/api/governance"));
    assert_eq!(before["id"], user.to_string());
    assert_eq!(before["teams"], json!([]));
    assert_eq!(before["access_profile"], before["access_profiles"][0]);
    server.time.advance_seconds(60);
    let after = read("/api");
    assert_eq!(after["access_profile"], after["access_profiles"][1]);
    // It can be sent back as it was read, and in the envelope of a write.
    assert_eq!(client.put(&path, &before).expect(200).json()["user"], after);
    assert_eq!(
        client
            .put(&path, &json!({ "user": after }))
            .expect(200)
            .json()["user"],
        after
    );
    let body = json!({ "name": "Bob", "email": "bob@example.com" });
    assert_eq!(
        client.post("/api/users", &body).expect(200).json()["user"]["name"],
        "Bob"
    );
}

#[test]
fn the_older_path_of_users_counts_pages_and_the_other_does_not() {
    let server = Server::start();
    let client = &server.client;
    for name in ["a", "b", "c", "d", "e"] {
        client.create_person(name);
    }
    let page = |query: &str| client.get(&format!("/api/users{query}")).expect(200).json();
    let second = page("?page=2&limit=2");
    let names: Vec<&Value> = second["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["name"])
        .collect();
    assert_eq!(names, ["c", "d"]);
    let about = |page: &Value| {
        ["total", "page", "limit", "total_pages", "has_more"].map(|member| page[member].clone())
    };
    assert_eq!(
        about(&second),
        [json!(5), json!(2), json!(2), json!(3), json!(true)]
    );
    assert_eq!(about(&page("?page=3&limit=2"))[4], json!(false));
    assert_eq!(about(&page("?limit=1000"))[2], json!(500));
    assert_eq!(
        about(&page("")),
        [json!(5), json!(1), json!(25), json!(1), json!(false)]
    );
    assert_eq!(
        about(&page("?page=9")),
        [json!(5), json!(9), json!(25), json!(1), json!(false)]
    );
    assert_eq!(page("?search=b@")["total"], 1);
    for group in ["team_id=t", "business_unit_id=u"] {
        let nobody = page(&format!("?{group}"));
        assert_eq!(
            (&nobody["users"], &nobody["total"], &nobody["total_pages"]),
            (&json!([]), &json!(0), &json!(0))
        );
    }
    let bad = client.get("/api/users?page=0&offset=1").expect(400);
    assert_eq!(
        bad.violations(),
        ["offset unknown_parameter", "page out_of_range"]
    );
    let other = client
        .get("/api/governance/users?limit=2&offset=2")
        .expect(200)
        .json();
    assert_eq!(other["users"], second["users"]);
    assert_eq!(other["total_count"], 5);
    let bad = client.get("/api/governance/users?page=2").expect(400);
    assert_eq!(bad.violations(), ["page unknown_parameter"]);
}

#[test]
fn a_change_of_role_says_what_was_done() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    let user = client.create_person("ada");
    let change = |role: Value| {
        let path = format!("/api/users/{user}/role");
        client
            .put(&path, &json!({ "role_id": role }))
            .expect(200)
            .json()
    };
    assert_eq!(
        change(json!(role))["message"],
        "the user \"ada\" is in the role \"writers\""
    );
    assert_eq!(
        change(json!(null))["message"],
        "the user \"ada\" is in no role"
    );
}

#[test]
fn a_tool_group_that_is_deleted_is_a_success_with_a_message() {
    let server = Server::start();
    let group = server.client.create_tool_group("reading");
    let gone = server
        .client
        .delete(&format!("/api/mcp/tool-groups/{group}"))
        .expect(200)
        .json();
    assert_eq!(gone["success"], true);
    assert!(gone["message"].as_str().unwrap().contains("reading"));
}

#[test]
fn a_virtual_key_says_that_a_profile_manages_it_and_has_no_limits_of_its_own() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    let user = client.create_person("ada");
    client.assign(user, profile);
    let of_user = format!("/api/users/{user}/virtual-keys");
    client
        .post(&of_user, &json!({ "name": "laptop" }))
        .expect(200);
    let keys = client.get(&of_user).expect(200).json()["virtual_keys"].clone();
    for (key, managed) in keys.as_array().unwrap().iter().zip([true, false]) {
        assert_eq!(key["is_access_profile_managed"], managed);
        let own = ["provider_configs", "mcp_configs", "calendar_aligned"]
            .map(|member| key[member].clone());
        assert_eq!(own, [json!([]), json!([]), json!(false)]);
        assert_eq!(key.get("config_hash"), Some(&json!(null)));
        assert!(key["value"].as_str().unwrap().ends_with("_****"));
        let path = format!(
            "/api/governance/virtual-keys/{}",
            key["id"].as_str().unwrap()
        );
        assert_eq!(client.get(&path).expect(200).json()["virtual_key"], *key);
        let written = client.put(&path, key).expect(200).json();
        assert_eq!(written["virtual_key"], *key);
        assert!(written["message"].is_string());
    }
}

#[test]
fn a_rotation_of_a_virtual_key_says_until_when_the_value_before_works() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    let user = client.create_person("ada");
    let key = client.assign(user, profile)["virtual_key"].clone();
    let path = format!(
        "/api/governance/virtual-keys/{}/rotate",
        key["id"].as_str().unwrap()
    );
    let rotated = client
        .post(&path, &json!({ "grace": "24h" }))
        .expect(200)
        .json();
    assert_eq!(
        rotated["message"],
        "the virtual key \"dev · user 1\" is rotated"
    );
    let shown = &rotated["virtual_key"];
    assert_eq!(shown["previous_value_expires_at"], "2026-06-02T12:00:00Z");
    assert_eq!(shown["rotated_at"], "2026-06-01T12:00:00Z");
    assert_ne!(shown["value"], key["value"]);
    let plain = client.post(&path, &json!({})).expect(200).json();
    server.time.advance_seconds(86_400);
    let read = client
        .get(path.trim_end_matches("/rotate"))
        .expect(200)
        .json();
    assert_eq!(read["virtual_key"].get("previous_value_expires_at"), None);
    assert_eq!(
        read["virtual_key"]["rotated_at"],
        plain["virtual_key"]["rotated_at"]
    );
}
