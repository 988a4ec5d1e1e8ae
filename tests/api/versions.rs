//! Versions of access profiles: listing, comparing and restoring them.

use serde_json::{Value, json};

use crate::support::Server;

fn providers(count: usize, models: usize, salt: usize) -> Value {
    let line = |n: usize| {
        let models: Vec<_> = (0..models)
            .map(|m| format!("model-{m}-{}", (n + m + salt) % 7))
            .collect();
        json!({ "provider_name": format!("provider-{n}"), "allowed_models": models,
                "budgets": [{ "max_limit": n * salt % 50 }] })
    };
    (0..count).map(line).collect()
}

#[test]
fn fifty_versions_of_a_large_profile_are_compared_and_restored_exactly() {
    let server = Server::start();
    let client = &server.client;
    let mut profile = client
        .create_profile(&json!({ "name": "large", "provider_configs": providers(100, 20, 0) }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    let mut kept = vec![profile.clone()];
    for step in 1..50_usize {
        server.time.advance_seconds(1);
        let body = match step % 5 {
            0 => json!({ "provider_configs": providers(100 - step, 20, step) }),
            1 => {
                json!({ "budgets": [{ "max_limit": step }], "rate_limit": { "request_max_limit": step } })
            }
            2 => {
                json!({ "tags": [format!("tag-{step}")], "description": "é".repeat(step), "rate_limit": null })
            }
            3 => json!({ "provider_configs": providers(step, 20, step), "budgets": [] }),
            _ => json!({ "name": format!("large {step}"), "calendar_aligned": step % 2 == 0 }),
        };
        profile = client.put(&path, &body).expect(200).json()["access_profile"].clone();
        kept.push(profile.clone());
    }
    for (index, expected) in kept.iter().enumerate() {
        let number = index + 1;
        let version = client
            .get(&format!("{path}/versions/{number}"))
            .expect(200)
            .json()["version"]
            .clone();
        let snapshot: Value = serde_json::from_str(version["snapshot"].as_str().unwrap()).unwrap();
        assert_eq!(&snapshot, expected);
        let against = (index * 7 + 3) % kept.len();
        let diff = client
            .get(&format!(
                "{path}/versions/{number}/diff?against={}",
                against + 1
            ))
            .expect(200);
        assert_eq!(
            diff.header("content-type"),
            Some("application/json-patch+json")
        );
        let mut patched = kept[against].clone();
        let steps: json_patch::Patch = serde_json::from_str(&diff.text).unwrap();
        json_patch::patch(&mut patched, &steps).unwrap();
        assert_eq!(&patched, expected, "{against} to {index}");
        let restored = client
            .send(
                "POST",
                &format!("{path}/versions/{number}/restore"),
                &[],
                None,
            )
            .expect(200);
        let mut restored = restored.json()["access_profile"].clone();
        for field in ["version", "updated_at"] {
            restored[field] = expected[field].clone();
        }
        assert_eq!(&restored, expected);
    }
    let list = client
        .get(&format!("{path}/versions?limit=500"))
        .expect(200)
        .json();
    let numbers: Vec<i64> = list["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["version"].as_i64().unwrap())
        .collect();
    let expected: Vec<i64> = (1..=list["total_count"].as_i64().unwrap()).rev().collect();
    assert_eq!(numbers, expected);
}

#[test]
fn restoring_what_is_not_there_or_not_allowed_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&json!({ "name": "old name" }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    client
        .put(&path, &json!({ "name": "new name" }))
        .expect(200);
    client.create_profile(&json!({ "name": "Old Name" }));
    let restore = |number: i64| {
        client.send(
            "POST",
            &format!("{path}/versions/{number}/restore"),
            &[],
            None,
        )
    };
    assert_eq!(restore(1).expect(409).code(), "duplicate_name");
    restore(3).expect(404);
    client
        .send("POST", &format!("{path}/versions/0/restore"), &[], None)
        .expect(400);
    client.get(&format!("{path}/versions/3/diff")).expect(404);
    client
        .get(&format!("{path}/versions/1/diff?against=9"))
        .expect(404);
    client
        .get(&format!("{path}/versions/1/diff?against=x"))
        .expect(400);
    client.get("/api/access-profiles/99/audit-logs").expect(404);
}

#[test]
fn a_version_that_today_s_rules_refuse_is_not_brought_back() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(
        &json!({ "name": "strict", "tags": ["a"], "budgets": [{ "max_limit": 1 }] }),
    );
    let path = "/api/access-profiles/1";
    let changed = client.put(path, &json!({ "tags": ["b"] })).expect(200);
    // As if the rules had been others when it was written.
    rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .execute(
            "UPDATE access_profile_versions SET snapshot = json_set(snapshot, '$.tags[0]', ' ', '$.budgets[0].max_limit', -1)
             WHERE access_profile_id = 1 AND version = 1",
            [],
        )
        .unwrap();
    let reply = client.send("POST", &format!("{path}/versions/1/restore"), &[], None);
    reply.expect_refusal(409, "conflict", "content_not_allowed");
    assert_eq!(
        reply.violations(),
        [
            "- content_not_allowed",
            "budgets[0].max_limit out_of_range",
            "tags[0] blank"
        ]
    );
    assert_eq!(
        client.get(path).json()["access_profile"],
        changed.json()["access_profile"]
    );
    assert_eq!(
        client.get(&format!("{path}/versions")).json()["total_count"],
        2
    );
}

#[test]
fn a_version_and_a_difference_are_known_by_their_tags() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "one" }));
    client
        .put("/api/access-profiles/1", &json!({ "name": "two" }))
        .expect(200);
    let mut tags = Vec::new();
    for path in [
        "versions/1",
        "versions/2",
        "versions/2/diff",
        "versions/2/diff?against=2",
    ] {
        let path = format!("/api/access-profiles/1/{path}");
        let shown = client.get(&path).expect(200);
        let tag = shown.header("etag").unwrap().to_owned();
        let known = client
            .send("GET", &path, &[("if-none-match", &tag)], None)
            .expect(304);
        assert_eq!(
            (known.header("etag"), known.text.as_str()),
            (Some(tag.as_str()), "")
        );
        assert!(!tags.contains(&tag), "{path}");
        tags.push(tag);
    }
}

#[test]
fn a_page_of_large_versions_ends_early_or_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let models = |salt: usize| -> Value {
        let models: Vec<_> = (0..10_000)
            .map(|n| format!("{:x>80}-{n:05}-{salt:02}", ""))
            .collect();
        json!([{ "provider_name": "openai", "allowed_models": models }])
    };
    client.create_profile(&json!({ "name": "heavy", "provider_configs": models(0) }));
    let path = "/api/access-profiles/1";
    for salt in 1..20 {
        client
            .put(path, &json!({ "provider_configs": models(salt) }))
            .expect(200);
    }
    for (list, items) in [("versions", "versions"), ("audit-logs", "audit_logs")] {
        let list = format!("{path}/{list}");
        assert_eq!(
            client
                .get(&format!("{list}?limit=20"))
                .expect(400)
                .violations(),
            ["limit page_too_large"]
        );
        let mut seen = 0;
        while seen < 20 {
            let reply = client.get(&format!("{list}?offset={seen}")).expect(200);
            assert!(reply.text.len() < 20 * 1024 * 1024);
            let page = reply.json();
            let count = page[items].as_array().unwrap().len();
            assert_eq!(
                (&page["count"], &page["total_count"]),
                (&json!(count), &json!(20))
            );
            assert!(count > 0 && (seen > 0 || count < 20));
            seen += count;
        }
        assert_eq!(seen, 20);
    }
}

#[test]
fn a_small_change_of_a_large_profile_adds_little_to_what_is_kept() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "large", "provider_configs": providers(100, 20, 0) }));
    let path = "/api/access-profiles/1";
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let kept = || -> i64 {
        let pages = "SELECT (page_count - freelist_count) * page_size
                     FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        database.query_row(pages, [], |row| row.get(0)).unwrap()
    };
    let change = |n: usize| {
        server.time.advance_seconds(1);
        let body = json!({ "description": format!("change {n}") });
        client.put(path, &body).expect(200);
    };
    change(0);
    let before = kept();
    (1..=40).for_each(change);
    let added = kept() - before;
    let whole = client.get(path).expect(200).text.len();
    assert!(
        added < 40 * 2_048 && whole > 40_000,
        "{added} bytes for 40 changes of {whole}"
    );
    // A change of nearly everything is what the next ones are differences from.
    let other = json!({ "provider_configs": providers(100, 20, 5) });
    client.put(path, &other).expect(200);
    (41..=50).for_each(change);
    let list = client
        .get(&format!("{path}/versions?limit=100"))
        .expect(200)
        .json();
    let versions = list["versions"].as_array().unwrap();
    let bytes: Vec<u64> = versions
        .iter()
        .map(|one| one["stored_bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(versions.len(), 53);
    assert!(bytes[0] > 40_000, "{bytes:?}");
    let small = bytes.iter().filter(|bytes| **bytes < 1_000).count();
    assert!(
        small >= 50 && bytes[1..].iter().all(|bytes| *bytes < 20_000),
        "{bytes:?}"
    );
    for version in versions {
        let number = version["version"].as_u64().unwrap();
        let snapshot: Value = serde_json::from_str(version["snapshot"].as_str().unwrap()).unwrap();
        assert_eq!(snapshot["version"], number);
        let alone = client
            .get(&format!("{path}/versions/{number}"))
            .expect(200)
            .json();
        assert_eq!(&alone["version"], version);
    }
    let verdict = client
        .get("/api/access-profiles/audit-logs/verify")
        .expect(200)
        .json();
    assert_eq!(verdict["intact"], true, "{verdict}");
    // What was packed is covered by the log as well.
    server.time.advance_seconds(3_600);
    let damage = "UPDATE access_profile_versions SET packed = x'00' WHERE version = 7";
    assert_eq!(database.execute(damage, []).unwrap(), 1);
    let verdict = client
        .get("/api/access-profiles/audit-logs/verify")
        .expect(200)
        .json();
    assert_eq!(verdict["intact"], false, "{verdict}");
    client.get(&format!("{path}/versions/7")).expect(500);
}
