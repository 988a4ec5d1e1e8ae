//! What joining and leaving a role, and being deleted, does to what a user holds.

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// The profiles that a user holds, in the order of assignment, with where they came from.
fn held(client: &Client, user: i64) -> Vec<(i64, String)> {
    let user = client.get(&format!("/api/users/{user}")).expect(200).json();
    let copies = user["access_profiles"].as_array().unwrap();
    copies
        .iter()
        .map(|copy| {
            let source = copy["source"].as_str().unwrap().to_owned();
            (copy["parent_profile_id"].as_i64().unwrap(), source)
        })
        .collect()
}

fn key_names(client: &Client, user: i64) -> Vec<String> {
    let list = client
        .get(&format!("/api/users/{user}/virtual-keys"))
        .expect(200)
        .json();
    let keys = list["virtual_keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Profiles 1 "write", 2 "read" and 3 "both"; roles 1 writers (write, both) and 2 readers (read, both); all by default.
fn with_roles() -> Server {
    let server = Server::start();
    let client = &server.client;
    for name in ["write", "read", "both"] {
        client.create_profile(&json!({ "name": name }));
    }
    for name in ["writers", "readers"] {
        client.create_role(name);
    }
    for (profile, roles) in [(1, &[1][..]), (2, &[2]), (3, &[1, 2])] {
        client.attach(profile, roles, true, false).expect(200);
    }
    server
}

fn role(id: i64) -> (i64, String) {
    (id, "role".to_owned())
}

#[test]
fn who_joins_a_role_gets_its_default_profiles_each_with_a_key_that_is_shown_once() {
    let server = with_roles();
    let client = &server.client;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "role_id": 1 });
    let send = || {
        client.send(
            "POST",
            "/api/users",
            &[("idempotency-key", "k1")],
            Some(&body),
        )
    };
    let made = send().expect(200);
    assert_eq!(
        send().expect(200).text,
        made.text,
        "the same caller sees them again"
    );
    let made = made.json();
    let keys = made["virtual_keys"].as_array().unwrap();
    let names: Vec<&str> = keys
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["write · user 1", "both · user 1"]);
    for key in keys {
        let (id, value) = (key["id"].as_str().unwrap(), key["value"].as_str().unwrap());
        assert!(value.starts_with(&format!("tk_vk_{id}_")) && value.len() == 68);
        assert_eq!(server.columns_with(&value[19..62]), [""; 0]);
    }
    assert_eq!(made["user"]["access_profiles"].as_array().unwrap().len(), 2);
    assert_eq!(held(client, 1), [role(1), role(3)]);
    let list = client
        .get("/api/governance/users?access_profile_id=3")
        .expect(200)
        .json();
    assert_eq!(
        (&list["total_count"], &list["users"][0]["id"]),
        (&json!(1), &json!("1"))
    );
}

#[test]
fn a_change_of_role_takes_only_what_came_from_the_old_one() {
    let server = with_roles();
    let client = &server.client;
    client.create_user("Ada", "ada@example.com", Some(1));
    client.create_profile(&json!({ "name": "direct" }));
    client.assign(1, 4);
    client
        .post("/api/users/1/virtual-keys", &json!({ "name": "laptop" }))
        .expect(200);
    client
        .post(
            "/api/users/1/access-profiles/1/virtual-keys",
            &json!({ "name": "build" }),
        )
        .expect(200);
    let change = |role_id: Value| {
        client
            .put("/api/users/1/role", &json!({ "role_id": role_id }))
            .expect(200)
            .json()
    };
    let changed = change(json!(2));
    assert_eq!(
        changed["deleted_vk_names"],
        json!(["write · user 1", "build", "both · user 1"])
    );
    assert_eq!(changed["deleted_vk_count"], 3);
    let new: Vec<&str> = changed["virtual_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(new, ["read · user 1", "both · user 1"]);
    let direct = (4, "direct".to_owned());
    assert_eq!(held(client, 1), [direct.clone(), role(2), role(3)]);
    let left = change(json!(null));
    assert_eq!(left["virtual_keys"], json!([]));
    assert_eq!(held(client, 1), [direct]);
    assert_eq!(key_names(client, 1), ["direct · user 1", "laptop"]);
}

#[test]
fn a_key_at_large_survives_a_swap_of_roles_and_goes_with_the_last_copy() {
    let server = with_roles();
    let client = &server.client;
    client.create_user("Ada", "ada@example.com", Some(1));
    client
        .post("/api/users/1/virtual-keys", &json!({ "name": "laptop" }))
        .expect(200);
    client
        .put("/api/users/1/role", &json!({ "role_id": 2 }))
        .expect(200);
    assert_eq!(
        key_names(client, 1),
        ["laptop", "read · user 1", "both · user 1"]
    );
    let left = client
        .put("/api/users/1/role", &json!({ "role_id": null }))
        .expect(200)
        .json();
    assert_eq!(
        left["deleted_vk_names"],
        json!(["read · user 1", "both · user 1", "laptop"])
    );
    assert_eq!(key_names(client, 1), [""; 0]);
}

#[test]
fn who_is_deleted_leaves_no_key_and_no_copy() {
    let server = with_roles();
    let client = &server.client;
    client.create_user("Ada", "ada@example.com", Some(1));
    client.create_user("Bob", "bob@example.com", Some(1));
    client
        .post("/api/users/1/virtual-keys", &json!({ "name": "laptop" }))
        .expect(200);
    let gone = client.delete("/api/users/1").expect(200).json();
    assert_eq!(
        gone["deleted_vk_names"],
        json!(["write · user 1", "both · user 1", "laptop"])
    );
    let keys = client.get("/api/virtual-keys?limit=2").expect(200).json();
    assert_eq!(keys["total_count"], 2);
    assert_eq!(
        client.get("/api/virtual-keys?search=Ada").json()["total_count"],
        0
    );
    assert_eq!(client.get("/api/access-profiles/1").json()["user_count"], 1);
    let told = client.audited("user.delete")[0]["previous_values"].clone();
    assert_eq!(told["virtual_keys"], gone["deleted_vk_names"]);
}

#[test]
fn the_log_of_a_profile_tells_who_gained_and_lost_it_by_a_role() {
    let server = with_roles();
    let client = &server.client;
    client.create_user("Ada", "ada@example.com", Some(1));
    let told = |profile: i64| -> Vec<String> {
        let path = format!("/api/access-profiles/{profile}/audit-logs?user_id=1");
        let log = client.get(&path).expect(200).json();
        let entries = log["audit_logs"].as_array().unwrap();
        let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
        entries.iter().map(action).collect()
    };
    let (gained, lost) = ("access_profile.assign", "access_profile.unassign");
    assert_eq!((told(1), told(2)), (vec![gained.to_owned()], Vec::new()));
    client
        .put("/api/users/1/role", &json!({ "role_id": 2 }))
        .expect(200);
    assert_eq!(told(1), [lost, gained]);
    assert_eq!(told(2), [gained]);
    client.delete("/api/users/1").expect(200);
    assert_eq!(told(2), [lost, gained]);
}
