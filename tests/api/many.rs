//! Thousands of users at once: what gives all of them something, and pages far behind the first.

use serde_json::{Value, json};
use tollkeeper::domain::people::user::{Email, NewUser};
use tollkeeper::store::people::users;

use crate::support::Server;

/// More than are given something with one statement, and more than a page may be behind the first without the list being kept.
const MANY: i64 = 2_300;

/// A server with these many users in a role.
fn crowded() -> Server {
    let server = Server::start();
    let role = server.client.create_role("everybody");
    let made = server.change(move |work| {
        for number in 1..=MANY {
            let new = NewUser {
                name: format!("Member {}", MANY - number),
                email: Email::from_stored(format!("m{number}@example.com")),
                role_id: Some(role),
            };
            users::insert(work, &new)?;
        }
        Ok(())
    });
    made.unwrap();
    server
}

/// Every item of a list, page by page.
fn all(server: &Server, path: &str, items: &str) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let page = server
            .client
            .get(&format!("{path}&limit=500&offset={}", found.len()))
            .expect(200)
            .json();
        let on_page = page[items].as_array().unwrap();
        assert_eq!(page["count"], on_page.len());
        if on_page.is_empty() {
            assert_eq!(page["total_count"], found.len(), "{path}");
            return found;
        }
        found.extend(on_page.iter().cloned());
    }
}

#[test]
fn everybody_in_a_role_gets_a_copy_and_a_key_of_their_own() {
    let server = crowded();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    client.create_budgeted("other", 5);
    client.assign(7, 2);
    client.assign(8, profile);
    let applied = client.attach(profile, &[1], false, true).expect(200).json();
    assert_eq!(applied["users_applied"], MANY - 1);
    let keys = all(&server, "/api/virtual-keys?sort=id", "virtual_keys");
    assert_eq!(i64::try_from(keys.len()).unwrap(), MANY + 1);
    let mut ids: Vec<_> = keys.iter().map(|key| key["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), keys.len(), "no id twice");
    for user in [1, 7, 8, 999, 1_000, 1_001, MANY] {
        let copy = client.copy_of(user, profile);
        let source = if user == 8 { "direct" } else { "role" };
        assert_eq!(
            (&copy["source"], &copy["is_active"]),
            (&json!(source), &json!(true))
        );
        let key = copy["virtual_key_ids"][0].as_str().unwrap();
        let shown = client
            .get(&format!("/api/virtual-keys/{key}"))
            .expect(200)
            .json();
        let shown = &shown["virtual_key"];
        let name = format!("dev · user {user}");
        assert_eq!(
            (&shown["name"], &shown["is_access_profile_managed"]),
            (&json!(name), &json!(true))
        );
        assert_eq!(shown["user_id"], user.to_string());
        let search = name.replace(' ', "%20").replace('·', "%C2%B7");
        let found = all(
            &server,
            &format!("/api/virtual-keys?search={search}"),
            "virtual_keys",
        );
        assert!(found.iter().any(|found| found["id"] == key), "{name}");
        // The secret of a key that nobody was shown is made by rotating it, and it opens what was given.
        let path = format!("/api/virtual-keys/{key}/rotate");
        let value =
            client.post(&path, &json!({})).expect(200).json()["virtual_key"]["value"].clone();
        let quota = client
            .with_virtual_key(value.as_str().unwrap())
            .get("/v1/quota")
            .expect(200);
        assert_eq!(quota.json()["user_id"], user.to_string());
    }
}

#[test]
fn pages_far_behind_hold_what_the_filters_let_through_after_every_write() {
    let server = crowded();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    client.attach(profile, &[1], false, true).expect(200);
    let sorts = [
        "id",
        "-id",
        "name",
        "-name",
        "email",
        "-created_at",
        "updated_at",
    ];
    let filters = [
        "search=member",
        "search=me",
        "access_profile_id=1",
        "role_id=1",
        "role_id=1&search=example",
    ];
    let names = |path: &str| -> Vec<String> {
        let users = all(&server, path, "users");
        users
            .iter()
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for sort in sorts {
        let expected = names(&format!("/api/governance/users?sort={sort}"));
        for filter in filters {
            assert_eq!(
                names(&format!("/api/governance/users?{filter}&sort={sort}")),
                expected,
                "{filter} {sort}"
            );
        }
    }
    for search in ["search=user", "search=us"] {
        for sort in ["id", "-name", "created_at"] {
            let keys = all(
                &server,
                &format!("/api/virtual-keys?{search}&sort={sort}"),
                "virtual_keys",
            );
            let every = all(
                &server,
                &format!("/api/virtual-keys?sort={sort}"),
                "virtual_keys",
            );
            assert_eq!(keys, every, "{search} {sort}");
        }
    }
    // What is kept of a list is forgotten by the next write.
    for left in [MANY - 1, MANY - 2] {
        client.delete(&format!("/api/users/{left}")).expect(200);
        for filter in filters {
            let path = format!("/api/governance/users?{filter}&limit=1&offset=2100");
            assert_eq!(
                client.get(&path).expect(200).json()["total_count"],
                left,
                "{filter}"
            );
        }
        let path = "/api/virtual-keys?search=us&limit=1";
        assert_eq!(client.get(path).expect(200).json()["total_count"], left);
    }
}

#[test]
fn a_virtual_key_is_found_by_its_description() {
    let server = Server::start();
    let client = &server.client;
    client.create_budgeted("dev", 5);
    let user = client.create_person("ada");
    client.assign(user, 1);
    let path = format!("/api/users/{user}/virtual-keys");
    let body = json!({ "name": "laptop", "description": "In der GROẞEN Küche" });
    let made = client.post(&path, &body).expect(200).json();
    let key = made["virtual_key"]["id"].as_str().unwrap();
    let found = |search: &str| {
        let both = ["/api/virtual-keys", &path].map(|path| {
            let list = client
                .get(&format!("{path}?search={search}"))
                .expect(200)
                .json();
            list["total_count"].as_i64().unwrap()
        });
        assert_eq!(both[0], both[1], "{search}");
        both[0]
    };
    for search in ["K%C3%9CCHE", "k%C3%BC", "gro%C3%9Fen%20k", "laptop"] {
        assert_eq!(found(search), 1, "{search}");
    }
    assert_eq!(found("garage"), 0);
    let one = format!("/api/virtual-keys/{key}");
    client
        .put(&one, &json!({ "description": "in the garage" }))
        .expect(200);
    assert_eq!(
        (found("garage"), found("k%C3%BCche"), found("k%C3%BC")),
        (1, 0, 0)
    );
}
