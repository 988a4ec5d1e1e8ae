//! Copies of access profiles: how users come by them, what they show, and how they go.

use serde_json::{Value, json};

use crate::support::{Client, Server};

fn rich() -> Value {
    json!({
        "name": "rich",
        "description": "everything",
        "tags": ["a"],
        "provider_configs": [{
            "provider_name": "OpenAI", "allowed_models": ["gpt-5*"],
            "budgets": [{ "max_limit": 5, "reset_duration": "1d" }],
            "rate_limit": { "token_max_limit": 1000, "token_reset_duration": "1m" }
        }],
        "budgets": [{ "max_limit": 100 }, { "max_limit": 300, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 2 } }],
        "rate_limit": { "request_max_limit": 60, "request_reset_duration": "1h" },
        "auto_rotation_interval": "30d",
        "mcp_servers": [{ "mcp_server_id": "files" }],
    })
}

fn key_names(client: &Client, user: i64) -> Vec<String> {
    let keys = client.copies_of(user);
    keys.iter()
        .flat_map(|copy| copy["virtual_key_ids"].as_array().unwrap().clone())
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_copy_shows_the_policy_with_what_binds_now() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&rich());
    let (user, id) = (client.create_person("ada"), profile["id"].as_i64().unwrap());
    server.time.advance_seconds(60);
    let given = client.assign(user, id);
    let key = given["virtual_key"].clone();
    assert_eq!(key["name"], "rich · user 1");
    assert!(key["value"].as_str().unwrap().starts_with("tk_vk_"));
    let key_id = key["id"].as_str().unwrap();

    let copy = given["access_profile"].clone();
    assert_eq!(client.copies_of(user), std::slice::from_ref(&copy));
    assert_eq!(client.copy_of(user, id), copy);
    let mut expected = json!({
        "id": 1, "user_id": user.to_string(), "parent_profile_id": id, "is_active": true, "expires_at": null,
        "source": "direct", "template_version": 1,
        "virtual_key_ids": [key_id], "virtual_key_values": { key_id: format!("tk_vk_{key_id}_****") },
        "created_at": "2026-06-01T12:01:00Z", "updated_at": "2026-06-01T12:01:00Z",
    });
    for field in [
        "name",
        "description",
        "tags",
        "calendar_aligned",
        "auto_rotation_interval",
        "next_rotation_at",
        "last_rotation_at",
        "mcp_tool_groups",
        "mcp_servers",
        "mcp_tool_overrides",
        "provider_configs",
        "budgets",
        "rate_limit",
    ] {
        expected[field] = profile[field].clone();
    }
    // Budgets and rate limits have ids of their own, and say when their windows are.
    let place = |limit: &mut Value, shown: &Value, more: Value| {
        limit["id"] = shown["id"].clone();
        for (name, value) in more.as_object().unwrap() {
            limit[name] = value.clone();
        }
    };
    let budget = |max: i64, end: &str| {
        json!({
            "effective_max_limit": max, "held": 0, "last_reset": "2026-06-01T12:01:00Z", "resets_at": end,
        })
    };
    let shown = &copy["budgets"];
    place(
        &mut expected["budgets"][0],
        &shown[0],
        budget(100, "2026-07-01T12:01:00Z"),
    );
    place(
        &mut expected["budgets"][1],
        &shown[1],
        budget(300, "2026-08-30T12:01:00Z"),
    );
    let line = &mut expected["provider_configs"][0];
    let shown = &copy["provider_configs"][0];
    place(
        &mut line["budgets"][0],
        &shown["budgets"][0],
        budget(5, "2026-06-02T12:01:00Z"),
    );
    let began = "2026-06-01T12:01:00Z";
    let tokens = json!({
        "token_held": 0, "token_resets_at": "2026-06-01T12:02:00Z",
        "token_last_reset": began, "request_last_reset": began,
    });
    place(&mut line["rate_limit"], &shown["rate_limit"], tokens);
    let requests = json!({
        "request_held": 0, "request_resets_at": "2026-06-01T13:01:00Z",
        "token_last_reset": began, "request_last_reset": began,
    });
    place(&mut expected["rate_limit"], &copy["rate_limit"], requests);
    assert_eq!(copy, expected);
    let id_of = |value: &Value| value["id"].as_str().unwrap().to_owned();
    assert!(id_of(&copy["budgets"][0]).starts_with("budget-1-"));
    assert!(id_of(&copy["rate_limit"]).starts_with("rate-limit-1-"));

    // A later window is the one that holds the time.
    server.time.advance_seconds(90 * 60);
    let later = client.copy_of(user, id);
    assert_eq!(
        later["rate_limit"]["request_last_reset"],
        "2026-06-01T13:01:00Z"
    );
    assert_eq!(later["budgets"], copy["budgets"]);
}

#[test]
fn windows_of_an_aligned_copy_follow_the_calendar_of_the_time_zone() {
    let server = Server::start_with(|settings| {
        settings.time_zone = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    });
    let client = &server.client;
    let body = json!({ "name": "a", "calendar_aligned": true, "budgets": [{ "max_limit": 1, "reset_duration": "1d" }] });
    let id = client.create_profile(&body)["id"].as_i64().unwrap();
    let copy = client.assign(client.create_person("ada"), id)["access_profile"].clone();
    // Noon of 1 June in UTC is nine in the evening there.
    let budget = &copy["budgets"][0];
    assert_eq!(budget["last_reset"], "2026-05-31T15:00:00Z");
    assert_eq!(budget["resets_at"], "2026-06-01T15:00:00Z");
}

#[test]
fn what_cannot_be_assigned_is_refused_with_the_reason() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile) = (client.create_person("ada"), client.create_budgeted("p", 1));
    let path = format!("/api/users/{user}/access-profiles");
    let body = json!({ "access_profile_id": profile });
    for (path, body, what) in [
        ("/api/users/99/access-profiles", body.clone(), "user 99"),
        ("/api/users/x/access-profiles", body.clone(), "user x"),
        (
            path.as_str(),
            json!({ "access_profile_id": 99 }),
            "access profile 99",
        ),
    ] {
        let reply = client.post(path, &body);
        reply.expect_refusal(404, "not_found", "not_found");
        assert!(reply.message().contains(what), "{}", reply.text);
    }
    let past = json!({ "access_profile_id": profile, "expires_at": "2026-06-01T12:00:00Z" });
    assert_eq!(
        client.post(&path, &past).violations(),
        ["expires_at not_in_future"]
    );
    let wrong = json!({ "access_profil_id": 1, "expires_at": 5 });
    assert_eq!(
        client.post(&path, &wrong).violations(),
        [
            "access_profil_id unknown_field",
            "access_profile_id required",
            "expires_at wrong_type"
        ]
    );
    client
        .put(
            &format!("/api/access-profiles/{profile}/deactivate"),
            &json!({}),
        )
        .expect(200);
    let role = client.create_role("r");
    for reply in [
        client.post(&path, &body),
        client.attach(profile, &[role], true, true),
    ] {
        reply.expect_refusal(409, "conflict", "inactive_profile");
    }
    client
        .put(
            &format!("/api/access-profiles/{profile}/activate"),
            &json!({}),
        )
        .expect(200);
    client.post(&path, &body).expect(201);
    client
        .post(&path, &body)
        .expect_refusal(409, "conflict", "already_assigned");
    assert_eq!(client.copies_of(user).len(), 1);
}

#[test]
fn an_assignment_is_answered_once_and_for_all_under_its_idempotency_key() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile) = (client.create_person("ada"), client.create_budgeted("p", 1));
    let path = format!("/api/governance/users/{user}/access-profiles");
    let body = json!({ "access_profile_id": profile });
    let send = || client.send("POST", &path, &[("idempotency-key", "one")], Some(&body));
    let first = send().expect(201);
    let place = format!("{path}/{profile}");
    assert_eq!(first.header("location"), Some(place.as_str()));
    let again = send().expect(201);
    assert_eq!(
        (&again.text, again.header("etag")),
        (&first.text, first.header("etag"))
    );
    assert_eq!(client.get(&place).header("etag"), first.header("etag"));
    assert_eq!(client.audited("access_profile.assign").len(), 1);
    let secret = first.json()["virtual_key"]["value"]
        .as_str()
        .unwrap()
        .to_owned();
    let log = client.get("/api/access-profiles/audit-logs").text;
    assert!(!log.contains(&secret[20..40]));
}

#[test]
fn a_copy_that_goes_takes_its_keys_along() {
    let server = Server::start();
    let client = &server.client;
    let user = client.create_person("ada");
    let (one, two) = (
        client.create_budgeted("one", 1),
        client.create_budgeted("two", 1),
    );
    client.assign(user, one);
    client.assign(user, two);
    let path = format!("/api/users/{user}/access-profiles/{one}");
    let tag = client
        .get(&path)
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    client
        .send("GET", &path, &[("if-none-match", &tag)], None)
        .expect(304);
    client
        .send("DELETE", &path, &[("if-match", "\"9-00000000\"")], None)
        .expect_refusal(412, "precondition_failed", "stale_if_match");
    let gone = client
        .send("DELETE", &path, &[("if-match", &tag)], None)
        .expect(200)
        .json();
    assert_eq!(gone["deleted_vk_names"], json!(["one · user 1"]));
    assert_eq!(gone["deleted_vk_count"], 1);
    let left = client.copies_of(user);
    assert_eq!(
        (left.len(), &left[0]["parent_profile_id"]),
        (1, &json!(two))
    );
    let reply = client.delete(&path);
    reply.expect_refusal(404, "not_found", "not_found");
    assert!(
        reply
            .message()
            .contains(&format!("{one} for the user {user}")),
        "{}",
        reply.text
    );
    // Held again, it counts from now on and is another copy.
    server.time.advance_seconds(1);
    let again = client.assign(user, one)["access_profile"].clone();
    assert_eq!(
        (&again["id"], &again["created_at"]),
        (&json!(3), &json!("2026-06-01T12:00:01Z"))
    );
    let order: Vec<Value> = client
        .copies_of(user)
        .iter()
        .map(|copy| copy["parent_profile_id"].clone())
        .collect();
    assert_eq!(order, [json!(two), json!(one)]);
}

#[test]
fn an_expired_copy_stays_and_is_inactive() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile) = (client.create_person("ada"), client.create_budgeted("p", 1));
    let body = json!({ "access_profile_id": profile, "expires_at": "2026-06-02T00:00:00+02:00" });
    let path = format!("/api/users/{user}/access-profiles");
    let copy = client.post(&path, &body).expect(201).json()["access_profile"].clone();
    assert_eq!(
        (&copy["is_active"], &copy["expires_at"]),
        (&json!(true), &json!("2026-06-01T22:00:00Z"))
    );
    let tag = client
        .get(&format!("{path}/{profile}"))
        .header("etag")
        .unwrap()
        .to_owned();
    server.time.advance_seconds(10 * 3_600);
    let reply = client.send(
        "GET",
        &format!("{path}/{profile}"),
        &[("if-none-match", &tag)],
        None,
    );
    assert_eq!(
        reply.expect(200).json()["access_profile"]["is_active"],
        false
    );
    assert_eq!(client.copies_of(user).len(), 1);
}

#[test]
fn attaching_gives_copies_to_who_is_in_the_role_and_has_none() {
    let server = Server::start();
    let client = &server.client;
    let (role, other) = (client.create_role("dev"), client.create_role("ops"));
    let people: Vec<i64> = (0..3)
        .map(|n| client.create_user(&format!("u{n}"), &format!("u{n}@example.com"), Some(role)))
        .collect();
    let profile = client.create_budgeted("p", 1);
    client.assign(people[0], profile);
    let attached = client
        .attach(profile, &[role, other], true, true)
        .expect(200)
        .json();
    assert_eq!(attached["users_applied"], 2);
    assert!(attached["message"].as_str().unwrap().contains("rotate"));
    assert_eq!(client.copies_of(people[0])[0]["source"], "direct");
    for user in &people[1..] {
        let copies = client.copies_of(*user);
        assert_eq!(
            (&copies[0]["source"], &copies[0]["source_role_id"]),
            (&json!("role"), &json!(role))
        );
        assert_eq!(key_names(client, *user).len(), 1);
    }
    // Again it changes nothing, unless it is no default any more.
    let audits = || client.audited("attach_role").len();
    assert_eq!(
        client
            .attach(profile, &[role], true, true)
            .expect(200)
            .json()["users_applied"],
        0
    );
    assert_eq!(audits(), 1);
    client.attach(profile, &[role], false, false).expect(200);
    assert_eq!(audits(), 2);
    let path = format!("/api/access-profiles/{profile}");
    let detail = client.get(&path).expect(200).json();
    assert_eq!(detail["user_count"], 3);
    let view = |id: i64, role: i64, name: &str, default: bool| json!({ "id": id, "access_profile_id": profile, "role_id": role, "role_name": name, "is_default": default });
    assert_eq!(
        detail["roles"],
        json!([view(1, role, "dev", false), view(2, other, "ops", true)])
    );

    let reply = client.attach(profile, &[role, 99], true, true);
    reply.expect_refusal(404, "not_found", "not_found");
    assert!(reply.message().contains("role 99"), "{}", reply.text);
    let empty = client.post(&format!("{path}/roles"), &json!({ "role_ids": [] }));
    assert_eq!(empty.violations(), ["role_ids empty"]);

    client.delete(&format!("{path}/roles/{role}")).expect(200);
    client
        .delete(&format!("{path}/roles/{role}"))
        .expect_refusal(404, "not_found", "not_found");
    assert_eq!(client.copies_of(people[1]).len(), 1, "what was given stays");
}

#[test]
fn the_validator_of_a_profile_covers_its_roles_and_holders_but_refuses_no_edit_for_them() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile) = (client.create_person("ada"), client.create_budgeted("p", 1));
    let path = format!("/api/access-profiles/{profile}");
    let tag = || {
        client
            .get(&path)
            .expect(200)
            .header("etag")
            .unwrap()
            .to_owned()
    };
    let mut seen = vec![tag()];
    client.assign(user, profile);
    seen.push(tag());
    client
        .attach(profile, &[client.create_role("r")], false, false)
        .expect(200);
    seen.push(tag());
    for old in &seen[..2] {
        client
            .send("GET", &path, &[("if-none-match", old)], None)
            .expect(200);
    }
    client
        .send("GET", &path, &[("if-none-match", &seen[2])], None)
        .expect(304);
    let change = json!({ "description": "new" });
    let changed = client
        .send("PUT", &path, &[("if-match", &seen[0])], Some(&change))
        .expect(200);
    assert_eq!(changed.header("etag"), Some(tag().as_str()));
    client
        .send(
            "PUT",
            &path,
            &[("if-match", &seen[2])],
            Some(&json!({ "description": "x" })),
        )
        .expect_refusal(412, "precondition_failed", "stale_if_match");
}

#[test]
fn a_profile_that_users_hold_stays_and_the_refusal_names_them() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("p", 1);
    let people: Vec<i64> = (0..12)
        .map(|n| client.create_person(&format!("u{n}")))
        .collect();
    for user in &people {
        client.assign(*user, profile);
    }
    let path = format!("/api/access-profiles/{profile}");
    let refusal = client
        .delete(&path)
        .expect_refusal(409, "conflict", "profile_in_use");
    let first: Vec<String> = people[..10].iter().map(i64::to_string).collect();
    assert_eq!(
        refusal["extra_fields"],
        json!({ "user_count": 12, "user_ids": first })
    );
    assert!(
        refusal["error"]["message"]
            .as_str()
            .unwrap()
            .contains("12 users")
    );
    for user in &people {
        client
            .delete(&format!("/api/users/{user}/access-profiles/{profile}"))
            .expect(200);
    }
    client.delete(&path).expect(200);
}

#[test]
fn holders_are_listed_page_by_page_with_what_binds_them() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("p", 7);
    for n in 0..5 {
        client.assign(client.create_person(&format!("u{n}")), profile);
    }
    let path = format!("/api/governance/access-profiles/{profile}/users");
    let page = client
        .get(&format!("{path}?limit=2&offset=3"))
        .expect(200)
        .json();
    assert_eq!(
        (
            &page["count"],
            &page["total_count"],
            &page["limit"],
            &page["offset"]
        ),
        (&json!(2), &json!(5), &json!(2), &json!(3))
    );
    let holder = &page["holders"][0];
    assert_eq!(
        holder["user"],
        json!({ "id": "4", "name": "u3", "email": "u3@example.com" })
    );
    assert_eq!(holder["access_profile"], client.copy_of(4, profile));
    client
        .get("/api/access-profiles/99/users")
        .expect_refusal(404, "not_found", "not_found");
    let mine = client
        .get("/api/users/1/access-profiles?offset=1")
        .expect(200)
        .json();
    assert_eq!(
        (&mine["access_profiles"], &mine["total_count"]),
        (&json!([]), &json!(1))
    );
}

#[test]
fn a_copy_whose_time_is_over_is_replaced_by_whatever_gives_the_profile_again() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    let role = client.create_role("r");
    let short = json!({ "access_profile_id": profile, "expires_at": "2026-06-01T12:01:00Z" });
    let users = ["by hand", "by role", "with all"].map(|name| {
        let user = client.create_user(name, &format!("{}@x", name.replace(' ', "-")), None);
        let path = format!("/api/users/{user}/access-profiles");
        let given = client.post(&path, &short).expect(201).json();
        client
            .post(&path, &short)
            .expect_refusal(409, "conflict", "already_assigned");
        let key = given["virtual_key"]["value"].as_str().unwrap().to_owned();
        (user, key)
    });
    let [(by_hand, _), (by_role, _), (with_all, _)] = users.clone();
    let join = |user: i64| {
        let path = format!("/api/users/{user}/role");
        client
            .put(&path, &json!({ "role_id": role }))
            .expect(200)
            .json()
    };
    join(with_all);
    server.time.advance_seconds(3_600);
    client.assign(by_hand, profile);
    let applied = client
        .attach(profile, &[role], true, true)
        .expect(200)
        .json();
    assert_eq!(applied["users_applied"], 1);
    assert_eq!(join(by_role)["virtual_keys"].as_array().unwrap().len(), 1);
    for (user, key) in users {
        let copies = client.copies_of(user);
        assert_eq!(copies.len(), 1, "{user}");
        assert_eq!(copies[0]["is_active"], true, "{user}");
        assert_eq!(copies[0]["expires_at"], json!(null), "{user}");
        let dead = client.with_virtual_key(&key).get("/v1/quota");
        assert_eq!(dead.status, 401, "the key of the old copy went with it");
    }
    let entries = client.audited("access_profile.assign");
    let gone = |entry: &&Value| {
        entry["previous_values"]["virtual_keys"] == json!([format!("dev · user {by_hand}")])
    };
    assert_eq!(entries.iter().filter(gone).count(), 1);
}

#[test]
fn attaching_again_without_a_word_about_newcomers_keeps_what_was_said() {
    let server = Server::start();
    let client = &server.client;
    let (profile, role) = (client.create_budgeted("dev", 5), client.create_role("eng"));
    let path = format!("/api/access-profiles/{profile}");
    let attach = |rest: Value| {
        let mut body = json!({ "role_ids": [role] });
        body.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        client.post(&format!("{path}/roles"), &body).expect(200);
        client.get(&path).expect(200).json()["roles"][0]["is_default"].clone()
    };
    assert_eq!(attach(json!({})), false);
    assert_eq!(attach(json!({ "is_default": true })), true);
    assert_eq!(attach(json!({})), true);
    assert_eq!(attach(json!({ "is_default": null })), true);
    assert_eq!(attach(json!({ "is_default": false })), false);
}
