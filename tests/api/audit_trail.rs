//! The whole audit trail of a day on which everything happened that the management can do: which entries there are, in which order, and
//! what each says, against what is written down in `audit_trail.txt`.

use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use regex::{Captures, Regex};
use rusqlite::Connection;
use serde_json::json;
use tollkeeper::domain::audit::action::ACTIONS;
use tollkeeper::domain::settings::origin::SettingOrigin;
use tollkeeper::service::access_profiles::rotation::rotate_due;
use tollkeeper::service::backups::restored;

use crate::support::{Client, Server};

const TRAIL: &str = include_str!("audit_trail.txt");
const PROFILES: &str = "/api/access-profiles";

/// Every entry as one line. Public ids of keys are random; they are numbered as they come.
fn trail(server: &Server) -> String {
    let database = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let mut entries = database
        .prepare(
            "SELECT id, created_at / 1000 - 1780315200, actor_id, actor_name, action, subject_kind, subject_id,
                    coalesce(access_profile_id, '-'), coalesce(user_id, '-'), coalesce(previous_version, '-'), coalesce(new_version, '-'),
                    coalesce(previous_value, '-'), coalesce(new_value, '-')
             FROM audit_logs ORDER BY id",
        )
        .unwrap();
    let entries = entries
        .query_map([], |row| {
            let column = |at: usize| {
                row.get::<_, String>(at)
                    .or_else(|_| row.get::<_, i64>(at).map(|number| number.to_string()))
            };
            let columns: Vec<String> = (0..13).map(column).collect::<Result<_, _>>()?;
            Ok(columns.join(" | "))
        })
        .unwrap();
    let entries: Vec<String> = entries.map(Result::unwrap).collect();
    let mut known: HashMap<String, usize> = HashMap::new();
    let numbered = |found: &Captures<'_>| {
        let next = known.len() + 1;
        format!("<key {}>", known.entry(found[0].to_owned()).or_insert(next))
    };
    let ids = Regex::new(r"\b[0-9A-Za-z]{12}\b").unwrap();
    ids.replace_all(&(entries.join("\n") + "\n"), numbered)
        .into_owned()
}

/// Roles, tool groups and profiles, with their versions.
fn templates(client: &Client) {
    for (path, name) in [
        ("/api/rbac/roles/2", "roles"),
        ("/api/mcp/tool-groups/2", "tools"),
    ] {
        let (all, _) = path.rsplit_once('/').unwrap();
        for made in ["first", "second"] {
            let body = json!({ "name": format!("{made} {name}"), "description": "made", "enabled": true, "tools": [] });
            let body = if name == "roles" {
                json!({ "name": body["name"], "description": "made" })
            } else {
                body
            };
            assert!(client.post(all, &body).status < 300);
        }
        client
            .put(path, &json!({ "description": "changed" }))
            .expect(200);
        client
            .put(path, &json!({ "description": "changed" }))
            .expect(200);
        client.delete(path).expect(200);
    }
    client.create_profile(&json!({
        "name": "dev", "tags": ["a"], "auto_rotation_interval": "12h", "next_rotation_at": "2026-06-01T13:00:00Z",
        "budgets": [{ "max_limit": 10 }],
        "rate_limit": { "request_max_limit": 100, "request_reset_duration": "1h" },
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["o3"], "budgets": [{ "max_limit": 2 }] }],
    }));
    client.change_profile(1, &json!({ "description": "more", "tags": ["b"] }));
    client.change_profile(1, &json!({ "description": "more" }));
    for way in ["deactivate", "activate", "activate"] {
        client
            .put(&format!("{PROFILES}/1/{way}"), &json!({}))
            .expect(200);
    }
    client
        .post(&format!("{PROFILES}/1/clone"), &json!({ "name": "copied" }))
        .expect(201);
    client
        .post(&format!("{PROFILES}/1/versions/1/restore"), &json!({}))
        .expect(200);
    client.create_budgeted("side", 5);
    client.delete(&format!("{PROFILES}/2")).expect(200);
}

/// Prices: the second of the same is none.
fn prices(client: &Client) {
    let path = "/api/prices/openai/own";
    for rate in [1, 1, 2] {
        let body = json!({ "rates": { "input": rate, "output": 5 } });
        client.put(path, &body).expect(200);
    }
    client.delete(path).expect(200);
}

/// Management keys, also one that is made twice under one idempotency key.
fn api_keys(client: &Client) {
    let body = json!({ "name": "a key", "scopes": ["Users:View"], "description": "made" });
    for _ in 0..2 {
        let once = [("idempotency-key", "once")];
        client
            .send("POST", "/api/api-keys", &once, Some(&body))
            .expect(200);
    }
    client
        .put("/api/api-keys/2", &json!({ "scopes": ["Roles:View"] }))
        .expect(200);
    client
        .post("/api/api-keys/2/rotate", &json!({ "grace": "1h" }))
        .expect(200);
    client.delete("/api/api-keys/2").expect(200);
}

/// Users, what they hold, and their keys.
fn people(server: &Server) {
    let client = &server.client;
    client.attach(1, &[1], true, false).expect(200);
    client.attach(1, &[1], true, false).expect(200);
    let ada = client.create_user("Ada", "ada@example.com", Some(1));
    let bob = client.create_user("Bob", "bob@example.com", None);
    client
        .put(&format!("/api/users/{ada}"), &json!({ "name": "Ada L" }))
        .expect(200);
    client.assign(ada, 3);
    client.assign(bob, 1);
    let keys = format!("/api/users/{bob}/virtual-keys");
    let made = client
        .post(&keys, &json!({ "name": "at large" }))
        .expect(200)
        .json();
    let id = made["virtual_key"]["id"].as_str().unwrap().to_owned();
    let key = format!("/api/virtual-keys/{id}");
    client
        .put(&key, &json!({ "description": "changed" }))
        .expect(200);
    client
        .post(&format!("{key}/rotate"), &json!({ "grace": "1h" }))
        .expect(200);
    let budget = client.copy_of(bob, 1)["budgets"][0].clone();
    let over = client.override_path(bob, 1, &budget);
    client
        .put(
            &over,
            &json!({ "amount": 3, "mode": "cycles", "cycles": 2 }),
        )
        .expect(200);
    client
        .put(&over, &json!({ "amount": 4, "mode": "forever" }))
        .expect(200);
    client.delete(&over).expect(200);
    client.delete(&over).expect(200);
    client.change_profile(
        1,
        &json!({ "budgets": [{ "max_limit": 20, "reset_duration": "1w" }] }),
    );
    client.propagate(
        1,
        &json!({ "fields": ["budgets", "rate_limit"], "reset_usage": true }),
    );
    client
        .put(&format!("/api/users/{bob}/role"), &json!({ "role_id": 1 }))
        .expect(200);
    client
        .put(
            &format!("/api/users/{ada}/role"),
            &json!({ "role_id": null }),
        )
        .expect(200);
    client.attach(3, &[1], false, true).expect(200);
    server.time.advance_seconds(2 * 3_600);
    rotate_due(&server.services, Duration::from_hours(1)).unwrap();
    client
        .delete(&format!(
            "/api/users/{bob}/access-profiles/virtual-keys/{id}"
        ))
        .expect(200);
    client
        .delete(&format!("/api/users/{bob}/access-profiles/1"))
        .expect(200);
    client
        .post(
            &format!("/api/users/{bob}/access-profiles"),
            &json!({ "access_profile_id": 1, "expires_at": "2026-06-01T14:30:00Z" }),
        )
        .expect(201);
    server.time.advance_seconds(3_600);
    // The time of that copy is over: it makes room.
    client.assign(bob, 1);
    client.delete(&format!("/api/users/{ada}")).expect(200);
    client.delete(&format!("{PROFILES}/1/roles/1")).expect(200);
}

/// A backup is made, taken out of the house and tried out; and one was restored before the start.
fn backups(server: &Server) {
    let client = &server.client;
    let made = client.post("/api/backups", &json!({})).expect(201).json();
    let path = format!("/api/backups/{}", made["backup"]["name"].as_str().unwrap());
    let recipient = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z";
    client
        .get(&format!("{path}?recipient={recipient}"))
        .expect(200);
    client
        .post(&format!("{path}/drill"), &json!({}))
        .expect(200);
    let restored = json!({
        "backup": "a.tar.zst", "made_at": "2026-05-31T12:00:00Z", "restored_at": "2026-06-01T11:00:00Z", "kept": "before-restore/b",
        "findings": [], "undone": {
            "api_keys": [{ "id": "c", "name": "revoked", "was": "revoked" }], "virtual_keys": [], "changes": 2, "last_changes": [],
        },
    });
    let note = server.data_dir().join("restored");
    std::fs::write(&note, restored.to_string()).unwrap();
    std::fs::set_permissions(&note, Permissions::from_mode(0o600)).unwrap();
    restored::tell(&server.services);
    assert!(!note.exists());
}

#[test]
fn everything_that_happens_is_told_as_it_always_was() {
    let server = Server::start();
    templates(&server.client);
    api_keys(&server.client);
    people(&server);
    prices(&server.client);
    let server = server.restart_with(|settings| {
        settings.log.level = log::LevelFilter::Warn;
        let level = ("log.level".to_owned(), SettingOrigin::Flag("--log-level"));
        settings.origins.extend([level]);
    });
    backups(&server);
    let told = trail(&server);
    for action in ACTIONS {
        // What happens to reservations is told by the ledger's journal, and `tests/faults/recovery.rs` loses what the log needs.
        let is_elsewhere = ["reservation.", "audit."].map(|it| action.starts_with(it));
        let is_told = told.contains(&format!(" | {action} | "));
        assert!(
            is_told || is_elsewhere.contains(&true),
            "{action} is not told:\n{told}"
        );
    }
    assert_eq!(told, TRAIL, "this was told:\n{told}");
    let verdict = server.client.get(&format!("{PROFILES}/audit-logs/verify"));
    assert_eq!(verdict.expect(200).json()["intact"], true);
}
