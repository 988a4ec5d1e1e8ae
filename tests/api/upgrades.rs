//! Databases that earlier versions wrote (`tests/fixtures`), opened by this one: whoever is there, what was spent, who may call, and
//! what was answered.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::holders::call;
use crate::support::{Server, TestTime};

/// A server on the database of a schema, at the instant of its last change, and what else was written then.
fn upgraded(schema: i32) -> (Server, Value) {
    upgraded_with(schema, |_| ())
}

/// The same after `more` was done to the database.
fn upgraded_with(schema: i32, more: impl FnOnce(&Connection)) -> (Server, Value) {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema-{schema}"));
    let written: Value = serde_json::from_str(&read(&fixture.join("written.json"))).unwrap();
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    let database = Connection::open(data.join("tollkeeper.db")).unwrap();
    database
        .execute_batch(&read(&fixture.join("database.sql")))
        .unwrap();
    more(&database);
    drop(database);
    let hex = written["audit_key"].as_str().unwrap();
    let bytes = (0..hex.len()).step_by(2);
    let key: Vec<u8> = bytes
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    fs::write(data.join("audit.key"), key).unwrap();
    fs::write(data.join("audit-anchor"), text(&written, "audit_anchor")).unwrap();
    fs::write(data.join("initial-key"), text(&written, "key")).unwrap();
    let server = Server::start_on(directory, TestTime::at(text(&written, "at")));
    (server, written)
}

fn read(path: &PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

fn text<'w>(written: &'w Value, name: &str) -> &'w str {
    written[name].as_str().unwrap()
}

/// The schemas of which `tests/fixtures/write.py` has left a database; that of each release is among them.
const SCHEMAS: [i32; 4] = [8, 17, 21, 24];

#[test]
fn profiles_people_and_what_they_spent_are_there_after_an_upgrade() {
    for schema in SCHEMAS {
        let (server, _) = upgraded(schema);
        let client = &server.client;
        let profile = client.get("/api/access-profiles/1").expect(200).json();
        let profile = &profile["access_profile"];
        assert_eq!(profile["name"], "Équipe");
        assert_eq!(profile["version"], 4);
        assert_eq!(
            profile["provider_configs"][0]["allowed_models"],
            json!(["gpt-4o", "regex:o[0-9]+(-mini)?"])
        );
        assert_eq!(
            profile["budgets"][1]["reset_config"]["quarter_start_month"],
            2
        );
        let versions = client
            .get("/api/access-profiles/1/versions")
            .expect(200)
            .json();
        assert_eq!(versions["total_count"], 4);
        client
            .post("/api/access-profiles/1/versions/1/restore", &json!({}))
            .expect(200);
        assert_eq!(
            client.get("/api/access-profiles/1").json()["access_profile"]["description"],
            "what developers get"
        );

        let found = client
            .get("/api/access-profiles?search=%C3%89QUIPE")
            .expect(200)
            .json();
        assert_eq!(found["total_count"], 1, "schema {schema}");
        let found = client
            .get("/api/governance/users?search=ada")
            .expect(200)
            .json();
        assert_eq!(found["users"][0]["role"]["name"], "Developers");

        let copies = client
            .get("/api/users/1/access-profiles")
            .expect(200)
            .json();
        let budgets = copies["access_profiles"][0]["budgets"].as_array().unwrap();
        let month = budgets
            .iter()
            .find(|budget| budget["reset_duration"] == "1M")
            .unwrap();
        assert_eq!(month["current_usage"], json!(0.25));
        assert_eq!(month["held"], json!(0.5));
        assert_eq!(month["effective_max_limit"], json!(125));
        let usage = client.get("/api/usage?user_id=2").expect(200).json();
        assert!(usage.to_string().contains("1.5"), "{usage}");
    }
}

#[test]
fn keys_and_what_was_promised_to_calls_hold_after_an_upgrade() {
    for schema in SCHEMAS {
        let (server, written) = upgraded(schema);
        let client = &server.client;
        for name in ["key", "ci", "ci_rotated"] {
            client
                .with_key(text(&written, name))
                .get("/api/session")
                .expect(200);
        }
        for name in ["ada", "bob", "bob_rotated"] {
            client
                .with_key(text(&written, name))
                .get("/v1/quota")
                .expect(200);
        }
        let of_bob = json!({ "provider": "openai", "model": "gpt-4o", "tokens": 10, "cost": 1.5, "request_id": "call-3",
            "virtual_key": text(&written, "bob") });
        client.post("/v1/usage", &of_bob).expect(200);
        let asked = json!({ "provider": "openai", "model": "gpt-4o", "estimated_tokens": 100, "estimated_cost": 0.5, "request_id": "call-2" });
        let again = client
            .post("/v1/reservations", &call(text(&written, "ada"), &asked))
            .expect(200)
            .json();
        assert_eq!(
            again["reservation"]["id"], written["open"],
            "schema {schema}"
        );
        for id in ["open", "settled"] {
            let path = format!("/v1/reservations/{}/settle", text(&written, id));
            client
                .post(&path, &json!({ "tokens": 90, "cost": 0.25 }))
                .expect(200);
        }
        let quota = client
            .with_key(text(&written, "ada"))
            .get("/v1/quota")
            .expect(200)
            .json();
        let budgets = quota["access_profiles"][0]["budgets"].as_array().unwrap();
        let month = budgets
            .iter()
            .find(|budget| budget["reset_duration"] == "1M")
            .unwrap();
        assert_eq!(
            (&month["current_usage"], &month["held"]),
            (&json!(0.5), &json!(0))
        );
    }
}

/// The places of members that this version leaves out where there is nothing, and that earlier ones wrote as null.
fn once_null(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_left_out = ["rate_limit", "reset_config"].contains(&name.as_str())
                    || name.ends_with("_reset_duration");
                if value.is_null() && is_left_out {
                    found.push(name.clone());
                }
                once_null(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| once_null(item, found)),
        _ => {}
    }
}

#[test]
fn what_an_earlier_version_wrote_is_shown_as_it_is_written_today_and_compared_so() {
    for schema in SCHEMAS {
        let (server, _) = upgraded(schema);
        let client = &server.client;
        let get = |path: &str| client.get(path).expect(200).json();
        let parsed = |text: &Value| {
            text.as_str()
                .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
        };
        let versions = get("/api/access-profiles/1/versions");
        let log = get("/api/access-profiles/audit-logs?limit=500");
        let mut shown = vec![get("/api/access-profiles"), get("/api/access-profiles/1")];
        shown.extend(
            versions["versions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| parsed(&one["snapshot"])),
        );
        let told = log["audit_logs"].as_array().unwrap().iter();
        shown.extend(
            told.map(|one| json!([parsed(&one["previous_values"]), parsed(&one["new_values"])])),
        );
        let mut found = Vec::new();
        for one in &shown {
            once_null(one, &mut found);
        }
        assert_eq!(found, [""; 0], "schema {schema}");
        // A change of one field is told as that alone, although the version before was written otherwise.
        let change = json!({ "description": "after the upgrade" });
        client.put("/api/access-profiles/1", &change).expect(200);
        let entry = get("/api/access-profiles/1/audit-logs?limit=1")["audit_logs"][0].clone();
        assert_eq!(entry["action"], "update");
        assert_eq!(parsed(&entry["new_values"]), change);
        let steps = get("/api/access-profiles/1/versions/5/diff?against=4");
        let paths: Vec<&str> = steps
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["path"].as_str().unwrap())
            .collect();
        assert_eq!(paths, ["/description", "/updated_at", "/version"]);
        // Every action is told by the name that it has today.
        let log = get("/api/access-profiles/audit-logs?action=create");
        assert!(log["total_count"].as_u64().unwrap() > 0, "schema {schema}");
        let walked = get("/api/access-profiles/audit-logs/verify");
        assert_eq!(walked["intact"], true, "schema {schema}: {walked}");
    }
}

#[test]
fn the_audit_log_goes_on_where_an_earlier_version_left_it() {
    for schema in SCHEMAS {
        let (server, _) = upgraded(schema);
        server
            .client
            .create_profile(&json!({ "name": "after the upgrade" }));
        let walked = server
            .client
            .get("/api/access-profiles/audit-logs/verify")
            .expect(200)
            .json();
        assert_eq!(walked["intact"], true, "schema {schema}: {walked}");
        // Versions that kept what they were set to are told of another data directory.
        let told = i64::from(schema > 21);
        assert_eq!(walked["entries"], 19 + told, "schema {schema}");
    }
}

#[test]
fn management_keys_do_with_virtual_keys_what_they_could_before_an_upgrade() {
    let cases = [
        ("*", vec!["*"]),
        ("", vec![]),
        ("Users:View,Roles:View", vec!["Users:View", "Roles:View"]),
        (
            "Users:View,AccessProfiles:Update",
            vec!["AccessProfiles:Update", "Users:View", "VirtualKeys:Update"],
        ),
        (
            "AccessProfiles:View,AccessProfiles:Create,AccessProfiles:Delete",
            vec![
                "AccessProfiles:View",
                "AccessProfiles:Create",
                "AccessProfiles:Delete",
                "VirtualKeys:View",
                "VirtualKeys:Create",
                "VirtualKeys:Delete",
            ],
        ),
    ];
    // With schema 24 virtual keys have permissions of their own.
    for schema in SCHEMAS.into_iter().filter(|schema| *schema < 24) {
        let (server, written) = upgraded_with(schema, |database| {
            for ((before, _), number) in cases.iter().zip(0_i64..) {
                let sql = "INSERT INTO api_keys (public_id, name, name_key, permissions, salt, secret_hash, created_by, created_at, updated_at)
                    SELECT printf('case%08d', ?1), 'case ' || ?1, 'case ' || ?1, ?2, salt, secret_hash, created_by, created_at, updated_at
                    FROM api_keys WHERE name = 'ci'";
                database.execute(sql, (number, before)).unwrap();
            }
        });
        let client = &server.client;
        let keys = client.get("/api/api-keys").expect(200).json();
        let keys = keys["api_keys"].as_array().unwrap();
        for (number, (before, after)) in cases.iter().enumerate() {
            let name = format!("case {number}");
            let key = keys.iter().find(|key| key["name"] == name).unwrap();
            assert_eq!(key["scope_names"], json!(after), "{schema}: {before}");
        }
        // The key of the time may look and no more, as it could.
        let ci = client.with_key(text(&written, "ci_rotated"));
        let seen = ci.get("/api/virtual-keys").expect(200).json();
        assert_eq!(seen["total_count"], 3, "schema {schema}");
        ci.post("/api/users/1/virtual-keys", &json!({}))
            .expect_refusal(403, "permission_error", "missing_permission");
    }
}

#[test]
fn roles_of_before_are_permitted_nothing_and_can_be_from_then_on() {
    for schema in SCHEMAS {
        let (server, _) = upgraded(schema);
        let client = &server.client;
        let path = "/api/rbac/roles/1/permissions";
        let read = client.get(path).expect(200).json();
        assert_eq!(read["permissions"], json!([]), "schema {schema}");
        let body = json!({ "permission_ids": [1], "revision": read["revision"] });
        client.put(path, &body).expect(200);
        let read = client.get(path).expect(200).json();
        assert_eq!(read["permissions"][0]["name"], "AccessProfiles:View");
    }
}
