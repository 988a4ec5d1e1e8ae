//! What each permission lets one see. Everything that has a name gets one that is looked for in every answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollkeeper::domain::api_key::permission::Permission;
use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;

use crate::support::holders::call;
use crate::support::{Client, Server};

/// The kinds of things with a name, and what of theirs is looked for.
const NAMED: [(&str, &[&str]); 7] = [
    ("user", &["NameOfUser", "address-of-user@"]),
    ("role", &["NameOfRole"]),
    ("profile", &["NameOfProfile"]),
    ("virtual key", &["NameOfVirtualKey"]),
    ("API key", &["NameOfKey"]),
    ("actor", &["NameOfActor"]),
    ("tool group", &["NameOfGroup"]),
];

/// What the answers to a key that holds this alone show the names of.
fn seen_with(permission: &str) -> &'static [&'static str] {
    match permission {
        "AccessProfiles:View" => &["role", "profile", "actor"],
        "AccessProfiles:Update" | "VirtualKeys:Create" => &["profile"],
        // The names of keys begin with that of their profile.
        "AccessProfiles:Delete" | "Decisions:Create" | "VirtualKeys:View" => {
            &["profile", "virtual key"]
        }
        "VirtualKeys:Update" | "VirtualKeys:Delete" => &["virtual key"],
        "Users:View" | "Users:Update" => &["user", "role", "profile"],
        "Users:Delete" => &["user", "profile", "virtual key"],
        "Roles:View" | "Roles:Update" => &["role", "profile"],
        "Roles:Delete" => &["role"],
        "APIKeys:View" | "APIKeys:Update" => &["API key", "actor"],
        "APIKeys:Delete" => &["API key"],
        "VirtualMCPs:View" | "VirtualMCPs:Update" | "VirtualMCPs:Delete" => &["tool group"],
        _ => &[],
    }
}

/// A server with one of everything, made by a key with a name of its own, whose budget is almost used up.
struct Stage {
    server: Server,
    api_key: i64,
    virtual_key: String,
    virtual_key_id: String,
    budget: String,
    reservation: String,
}

impl Stage {
    fn set() -> Self {
        let server = Server::start();
        let (_, actor) = server.client.make_key("NameOfActor", &["*"]);
        let (api_key, _) = actor.make_key("NameOfKey", &[]);
        let role = actor.create_role("NameOfRole");
        let user = actor.create_user("NameOfUser", "address-of-user@example.com", Some(role));
        let body = json!({
            "name": "NameOfProfile",
            "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
            "budgets": [{ "max_limit": 1 }],
        });
        let profile = actor.create_profile(&body)["id"].as_i64().unwrap();
        actor.attach(profile, &[role], false, false).expect(200);
        let given = actor.assign(user, profile);
        let of_user = format!("/api/users/{user}");
        let body = json!({ "name": "NameOfVirtualKey" });
        let key = actor.post(&format!("{of_user}/virtual-keys"), &body);
        let key = key.expect(200).json()["virtual_key"].clone();
        actor.create_tool_group("NameOfGroup");
        let (of_key, budget) = (
            key["value"].as_str().unwrap(),
            &given["access_profile"]["budgets"][0],
        );
        let spent = json!({ "tokens": 1, "cost": 0.9, "request_id": "spent" });
        actor.post("/v1/usage", &call(of_key, &spent)).expect(201);
        let held = actor
            .reserve(of_key, &json!({ "estimated_cost": 0.01 }))
            .expect(201)
            .json();
        Self {
            api_key,
            virtual_key: of_key.to_owned(),
            virtual_key_id: key["id"].as_str().unwrap().to_owned(),
            budget: budget["id"].as_str().unwrap().to_owned(),
            reservation: held["reservation"]["id"].as_str().unwrap().to_owned(),
            server,
        }
    }

    fn path(&self, path: &str) -> String {
        let id = if path.contains("api-keys") {
            self.api_key
        } else {
            1
        };
        let path = path
            .replace("{id}", &id.to_string())
            .replace("{vk_id}", &self.virtual_key_id)
            .replace("{budget_id}", &self.budget)
            .replace("{reservation}", &self.reservation);
        let ones = ["{user_id}", "{profile_id}", "{role_id}", "{version}"];
        let path = ones.iter().fold(path, |path, one| path.replace(one, "1"));
        match path.as_str() {
            "/api/usage" => format!("{path}?group_by=user,access_profile"),
            _ => path,
        }
    }

    fn body(&self, example: &Value) -> Value {
        let mut body = example.clone();
        if body.get("virtual_key").is_some() {
            body["virtual_key"] = json!(self.virtual_key);
        }
        if body.get("virtual_key_id").is_some() {
            body["virtual_key_id"] = json!(self.virtual_key_id);
        }
        body
    }
}

fn key(server: &Server, scopes: &[&str]) -> Client {
    server.client.make_key(&scopes.join(" and "), scopes).1
}

/// What is seen of the names of others in the answers of every route to a key with these permissions: reads first, removals last.
fn seen(scopes: &[&str]) -> BTreeSet<&'static str> {
    let stage = Stage::set();
    let client = key(&stage.server, scopes);
    let mut all = BTreeSet::new();
    let table = routes::documented();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        for route in table.iter().filter(|route| route.method.as_str() == method) {
            if matches!(route.access, Access::Public | Access::VirtualKey) {
                continue;
            }
            let path = stage.path(&route.paths()[0]);
            // What is sent is no secret: a change of nothing shows what is there.
            let body = match (method, &route.description.example) {
                (_, None) => None,
                // Then a key is named after what it is for.
                ("POST", _) if path.ends_with("/virtual-keys") => Some(json!({})),
                ("PUT", Some(_)) if !path.ends_with("override") && !path.ends_with("/role") => {
                    Some(json!({}))
                }
                (_, Some(example)) => Some(stage.body(example)),
            };
            let reply = client.send(method, &path, &[], body.as_ref());
            for (kind, names) in NAMED {
                if names.iter().any(|name| reply.text.contains(name)) {
                    all.insert(kind);
                }
            }
        }
    }
    all
}

#[test]
fn each_permission_shows_the_names_that_its_row_says_and_no_others() {
    for permission in Permission::all().map(|permission| permission.to_string()) {
        let expected: BTreeSet<&str> = seen_with(&permission).iter().copied().collect();
        assert_eq!(seen(&[&permission]), expected, "{permission}");
    }
}

#[test]
fn profiles_and_users_together_show_who_has_what() {
    let all = seen(&["AccessProfiles:View", "Users:View"]);
    assert!(all.contains("user"), "{all:?}");
    let stage = Stage::set();
    let both = key(&stage.server, &["AccessProfiles:View", "Users:View"]);
    let alone = key(&stage.server, &["AccessProfiles:View"]);
    for path in [
        "/api/access-profiles/1/users",
        "/api/usage?group_by=user",
        "/api/usage/near-limits",
    ] {
        let (with, without) = (both.get(path).expect(200), alone.get(path).expect(200));
        assert!(with.text.contains("NameOfUser"), "{path}: {}", with.text);
        // The same but for who it is: the ids are there, and how many there are.
        let (mut with, without) = (with.json(), without.json());
        strip(&mut with);
        assert_eq!(with, without, "{path}");
        assert!(without.to_string().contains("\"1\""), "{path}: {without}");
    }
}

/// Takes out who users are.
fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(members) => {
            members.remove("user_name");
            if let Some(user) = members.get_mut("user").and_then(Value::as_object_mut) {
                user.retain(|name, _| name == "id");
            }
            members.values_mut().for_each(strip);
        }
        _ => {}
    }
}

#[test]
fn nobody_is_found_by_what_may_not_be_seen() {
    let stage = Stage::set();
    let alone = key(&stage.server, &["AccessProfiles:View", "VirtualKeys:View"]);
    for list in [
        "/api/virtual-keys",
        "/api/users/1/virtual-keys",
        "/api/access-profiles",
    ] {
        for text in ["NameOfUser", "address-of-user"] {
            let found = alone
                .get(&format!("{list}?search={text}"))
                .expect(200)
                .json();
            assert_eq!(found["total_count"], 0, "{list} {text}");
        }
    }
    for path in [
        "/api/usage?user_id=address-of-user@example.com",
        "/api/usage/near-limits?user_id=NameOfUser",
        "/api/usage?sort=user_name",
        "/api/access-profiles/1/users?search=NameOfUser",
        "/api/access-profiles/1/users?sort=email",
        "/api/virtual-keys?sort=user_name",
    ] {
        alone.get(path).expect(400);
    }
}

#[test]
fn what_each_permission_shows_stands_in_the_documents() {
    let server = Server::start();
    let document = server.client.get("/openapi.json").expect(200).json();
    let about = document["info"]["description"].as_str().unwrap();
    let readme = include_str!("../../README.md");
    for permission in Permission::all() {
        let row = format!("| `{permission}` | {} |\n", permission.lets_see());
        assert!(about.contains(&row), "the document lacks {row}");
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}
