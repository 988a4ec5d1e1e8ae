//! What permissions there are, and which of them the key of a call holds (API.md §3).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Server};

fn catalogue(client: &Client) -> Vec<Value> {
    let list = client.get("/api/rbac/permissions").expect(200).json();
    list["permissions"].as_array().unwrap().clone()
}

/// What `me/permissions` says is held, as names.
fn held(client: &Client) -> BTreeSet<String> {
    let own = client.get("/api/users/me/permissions").expect(200).json();
    let mut held = BTreeSet::new();
    for (resource, operations) in own["permissions"].as_object().unwrap() {
        for (operation, is_held) in operations.as_object().unwrap() {
            if is_held.as_bool().unwrap() {
                held.insert(format!("{resource}:{operation}"));
            }
        }
    }
    held
}

#[test]
fn resources_and_operations_are_the_words_of_permissions_with_ids_that_stay() {
    let server = Server::start();
    let client = &server.client;
    let (_, nothing) = client.make_key("nothing", &[]);
    for (list, word, first) in [
        (
            "resources",
            "resource",
            json!({ "id": 1, "name": "AccessProfiles" }),
        ),
        (
            "operations",
            "operation",
            json!({ "id": 1, "name": "View" }),
        ),
    ] {
        let answer = nothing.get(&format!("/api/rbac/{list}")).expect(200).json();
        for path in [
            format!("/api/governance/rbac/{list}"),
            format!("/api/{list}"),
            format!("/api/governance/{list}"),
        ] {
            assert_eq!(nothing.get(&path).expect(200).json(), answer, "{path}");
        }
        let words = answer[list].as_array().unwrap();
        assert_eq!(answer["count"], words.len());
        assert_eq!(words[0], first);
        for (at, one) in words.iter().enumerate() {
            assert_eq!(one["id"], at + 1, "{one}");
        }
        let named: BTreeSet<&str> = words
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        let permissions = catalogue(client);
        let used: BTreeSet<&str> = permissions
            .iter()
            .map(|one| one[word].as_str().unwrap())
            .collect();
        assert_eq!(named, used, "{list}");
    }
}

#[test]
fn a_key_reads_which_of_all_permissions_it_holds() {
    let server = Server::start();
    let client = &server.client;
    let every: BTreeSet<String> = catalogue(client)
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(held(client), every);
    let scopes = ["Users:View", "Decisions:Create", "Backups:Download"];
    let (_, some) = client.make_key("some", &scopes);
    assert_eq!(held(&some), scopes.map(str::to_owned).into());
    let (_, nothing) = client.make_key("nothing", &[]);
    assert_eq!(held(&nothing), BTreeSet::new());
    let own = nothing
        .get("/api/governance/users/me/permissions")
        .expect(200)
        .json();
    let shown: BTreeSet<String> = own["permissions"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(resource, operations)| {
            let operations = operations.as_object().unwrap().keys();
            operations.map(move |operation| format!("{resource}:{operation}"))
        })
        .collect();
    assert_eq!(shown, every, "what is not held is there as false");
}

#[test]
fn nobody_reads_own_permissions_without_a_management_key() {
    let server = Server::start();
    let path = "/api/users/me/permissions";
    let none = server.client.with_key("").get(path);
    none.expect_refusal(401, "authentication_error", "authorization_missing");
    let user = server.client.create_person("ada");
    server.client.create_profile(&json!({ "name": "dev" }));
    let key = server.client.assign(user, 1)["virtual_key"]["value"].clone();
    let holder = server.client.with_key(key.as_str().unwrap());
    holder
        .get(path)
        .expect_refusal(401, "authentication_error", "wrong_credential_kind");
}

#[test]
fn virtual_keys_are_not_for_whoever_keeps_access_profiles_unless_that_is_said() {
    let server = Server::start();
    let client = &server.client;
    let user = client.create_person("ada");
    client.create_profile(&json!({ "name": "dev" }));
    let operations = ["View", "Create", "Update", "Delete"];
    let of = |resource: &str| operations.map(|operation| format!("{resource}:{operation}"));
    let key_of = |resource: &str| {
        let scopes = of(resource);
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        client.make_key(resource, &scopes).1
    };
    let (profiles, keys) = (key_of("AccessProfiles"), key_of("VirtualKeys"));
    // An assignment comes with a key, and is one of a profile.
    let of_user = format!("/api/users/{user}");
    let assignment = json!({ "access_profile_id": 1 });
    let copies = format!("{of_user}/access-profiles");
    keys.post(&copies, &assignment)
        .expect_refusal(403, "permission_error", "missing_permission");
    profiles.post(&copies, &assignment).expect(201);
    let made = keys
        .post(&format!("{of_user}/virtual-keys"), &json!({}))
        .expect(200)
        .json();
    let id = made["virtual_key"]["id"].as_str().unwrap();
    let (one, rotation) = (
        format!("/api/virtual-keys/{id}"),
        format!("/api/virtual-keys/{id}/rotate"),
    );
    let deletion = format!("{of_user}/access-profiles/virtual-keys/{id}");
    let new = format!("{of_user}/virtual-keys");
    let under = format!("{of_user}/access-profiles/1/virtual-keys");
    for (method, path, needed) in [
        ("GET", "/api/virtual-keys", "VirtualKeys:View"),
        ("GET", &new, "VirtualKeys:View"),
        ("GET", &one, "VirtualKeys:View"),
        ("POST", &new, "VirtualKeys:Create"),
        ("POST", &under, "VirtualKeys:Create"),
        ("PUT", &one, "VirtualKeys:Update"),
        ("POST", &rotation, "VirtualKeys:Update"),
        ("DELETE", &deletion, "VirtualKeys:Delete"),
    ] {
        let body = (method == "PUT").then(|| json!({ "description": "x" }));
        let refused = profiles.send(method, path, &[], body.as_ref());
        refused.expect_refusal(403, "permission_error", "missing_permission");
        assert!(refused.message().contains(needed), "{}", refused.text);
        keys.send(method, path, &[], body.as_ref()).expect(200);
    }
}
