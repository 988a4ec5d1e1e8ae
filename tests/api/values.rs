//! Single values of an access profile: names, money, rotation, references, and the validator of the whole.

use serde_json::{Value, json};

use crate::support::Server;

const PATH: &str = "/api/access-profiles";
const HOUR: i64 = 3_600_000_000_000;

#[test]
fn names_are_trimmed_and_unique_without_regard_to_case() {
    let server = Server::start();
    for (first, stored, again) in [
        ("  Developers\t", "Developers", "dEVELOPERS "),
        ("Größe", "Größe", "GRÖßE"),
        ("ЖУРНАЛ", "ЖУРНАЛ", "журнал"),
        ("ΟΔΟΣ", "ΟΔΟΣ", "οδοσ"),
        ("οδός ς", "οδός ς", "ΟΔΌΣ Σ"),
        ("a  b", "a  b", "A  B"),
    ] {
        let profile = server.client.create_profile(&json!({ "name": first }));
        assert_eq!(profile["name"], stored);
        let reply = server.client.post(PATH, &json!({ "name": again }));
        let body = reply.expect_refusal(409, "conflict", "duplicate_name");
        assert_eq!(body["error"]["param"], "name", "{again}");
        assert!(
            reply.message().contains(&format!("{stored:?}")),
            "{}",
            reply.text
        );
    }
    server.client.create_profile(&json!({ "name": "a b" }));
    let longest = "é".repeat(255);
    let profile = server
        .client
        .create_profile(&json!({ "name": format!(" {longest} ") }));
    assert_eq!(profile["name"], longest);
}

#[test]
fn a_name_that_was_refused_takes_no_id() {
    let server = Server::start();
    let first = server.client.create_profile(&json!({ "name": "a" }));
    server
        .client
        .post(
            PATH,
            &json!({ "name": "A", "budgets": [{ "max_limit": 1 }] }),
        )
        .expect(409);
    let second = server
        .client
        .create_profile(&json!({ "name": "b", "budgets": [{ "max_limit": 1 }] }));
    assert_eq!(
        second["id"].as_i64().unwrap(),
        first["id"].as_i64().unwrap() + 1
    );
    assert_eq!(second["budgets"][0]["id"], "budget-1");
}

#[test]
fn money_is_kept_digit_by_digit() {
    let server = Server::start();
    let bearer = format!("Bearer {}", server.client.key);
    for (at, (sent, kept)) in [
        ("0.1", "0.1"),
        ("0", "0"),
        ("-0.0", "0"),
        ("123456789.123456789", "123456789.123456789"),
        ("1e-9", "0.000000001"),
        ("0.30000000000000004", "0.3"),
        ("1000000000", "1000000000"),
        ("1E3", "1000"),
        ("12.50", "12.5"),
        ("0.0000000005", "0.000000001"),
        ("2.9999999999", "3"),
        ("999999999.999999999", "999999999.999999999"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!("{{\"name\":\"m{at}\",\"budgets\":[{{\"max_limit\":{sent}}}]}}");
        let created = server
            .client
            .raw(
                "POST",
                PATH,
                &[
                    ("authorization", &bearer),
                    ("content-type", "application/json"),
                ],
                Some(body.as_bytes()),
            )
            .expect(201);
        let shown = format!("\"max_limit\":{kept},");
        assert!(created.text.contains(&shown), "{sent}: {}", created.text);
        let read = server.client.get(&format!("{PATH}/{}", at + 1)).expect(200);
        assert!(read.text.contains(&shown), "{sent}: {}", read.text);
        let listed = server
            .client
            .get(&format!("{PATH}?offset={at}"))
            .expect(200);
        assert!(listed.text.contains(&shown), "{sent}: {}", listed.text);
    }
}

#[test]
fn rotation_is_given_as_a_span_or_in_nanoseconds_and_falls_due_one_interval_from_now() {
    let server = Server::start();
    for (at, (sent, nanoseconds, next)) in [
        (json!("1h"), HOUR, json!("2026-06-01T13:00:00Z")),
        (json!("60m"), HOUR, json!("2026-06-01T13:00:00Z")),
        (json!("3600s"), HOUR, json!("2026-06-01T13:00:00Z")),
        (json!(HOUR), HOUR, json!("2026-06-01T13:00:00Z")),
        (json!("12h"), 12 * HOUR, json!("2026-06-02T00:00:00Z")),
        (json!("30d"), 720 * HOUR, json!("2026-07-01T12:00:00Z")),
        (json!("2w"), 336 * HOUR, json!("2026-06-15T12:00:00Z")),
        (json!("365d"), 8_760 * HOUR, json!("2027-06-01T12:00:00Z")),
        (
            json!(8_760 * HOUR),
            8_760 * HOUR,
            json!("2027-06-01T12:00:00Z"),
        ),
        (json!(""), 0, json!(null)),
        (json!(0), 0, json!(null)),
        (json!(null), 0, json!(null)),
    ]
    .into_iter()
    .enumerate()
    {
        let profile = server
            .client
            .create_profile(&json!({ "name": at.to_string(), "auto_rotation_interval": sent }));
        assert_eq!(profile["auto_rotation_interval"], nanoseconds, "{sent}");
        assert_eq!(profile["next_rotation_at"], next, "{sent}");
        assert_eq!(profile["last_rotation_at"], Value::Null);
    }
}

#[test]
fn the_date_of_the_next_rotation_is_shown_in_utc() {
    let server = Server::start();
    for (sent, shown) in [
        ("2026-06-01T12:00:01Z", "2026-06-01T12:00:01Z"),
        ("2026-08-01T00:00:00+02:00", "2026-07-31T22:00:00Z"),
        ("2026-08-01T00:00:00.123456Z", "2026-08-01T00:00:00.123Z"),
    ] {
        let profile = server.client.create_profile(
            &json!({ "name": sent, "auto_rotation_interval": "30d", "next_rotation_at": sent }),
        );
        assert_eq!(profile["next_rotation_at"], shown);
    }
}

#[test]
fn references_that_are_not_known_here_are_accepted_and_listed_once_each() {
    let server = Server::start();
    let profile = server.client.create_profile(&json!({
        "name": "mcp", "mcp_tool_groups": [{ "tool_group_id": 42 }], "mcp_servers": [{ "mcp_server_id": "github" }],
        "mcp_tool_overrides": [{ "mcp_client_id": "slack", "tool_name": "a" }, { "mcp_client_id": "slack", "tool_name": "b" }]
    }));
    let detail = server
        .client
        .get(&format!("{PATH}/{}", profile["id"]))
        .expect(200)
        .json();
    assert_eq!(
        detail["unresolved_references"],
        json!([{ "kind": "mcp_client", "id": "slack" }, { "kind": "mcp_server", "id": "github" }, { "kind": "mcp_tool_group", "id": "42" }])
    );
    assert_eq!(detail["roles"], json!([]));
    assert_eq!(detail["user_count"], 0);
    let plain = server.client.create_profile(&json!({ "name": "plain" }));
    let detail = server
        .client
        .get(&format!("{PATH}/{}", plain["id"]))
        .expect(200)
        .json();
    assert_eq!(detail["unresolved_references"], json!([]));
}

#[test]
fn an_answer_that_the_client_has_is_not_sent_again() {
    let server = Server::start();
    let created = server
        .client
        .post(PATH, &json!({ "name": "x" }))
        .expect(201);
    let etag = created.header("etag").unwrap().to_owned();
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() > 4,
        "{etag} is strong"
    );
    let ask = |known: &str| {
        server.client.send(
            "GET",
            &format!("{PATH}/1"),
            &[("if-none-match", known)],
            None,
        )
    };
    for known in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        "*".to_owned(),
    ] {
        let reply = ask(&known).expect(304);
        assert_eq!(reply.header("etag"), Some(etag.as_str()));
        assert_eq!(reply.text, "");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    for other in ["\"other\"", "\"\"", etag.trim_matches('"')] {
        ask(other).expect(200);
    }
    let other = server
        .client
        .post(PATH, &json!({ "name": "y" }))
        .expect(201);
    assert_ne!(other.header("etag"), Some(etag.as_str()));
}

#[test]
fn a_violation_in_an_envelope_is_named_with_its_whole_path() {
    let server = Server::start();
    let reply = server.client.post(
        PATH,
        &json!({ "access_profile": {
            "name": " ", "next_rotation_at": "2020-01-01T00:00:00Z", "mcp_servers": [{ "mcp_server_id": "s" }],
            "mcp_tool_overrides": [{ "mcp_client_id": "s", "tool_name": "t", "action": "exclude" }] } }),
    );
    assert_eq!(
        reply.violations(),
        [
            "access_profile.mcp_tool_overrides[0] exclude_on_granted_server",
            "access_profile.name blank",
            "access_profile.next_rotation_at not_in_future",
            "access_profile.next_rotation_at rotation_without_interval",
        ]
    );
}

#[test]
fn whole_answers_can_be_sent_back_to_change_what_they_show() {
    let server = Server::start();
    server.furnish();
    let client = &server.client;
    for (path, name) in [
        ("/api/users/1", "user"),
        ("/api/roles/1", "role"),
        ("/api/rbac/roles/1", "role"),
        ("/api/mcp/tool-groups/1", "mcp_tool_group"),
        ("/api/virtual-keys/VirtualKey01", "virtual_key"),
    ] {
        let mut whole = client.get(path).expect(200).json();
        if name == "user" {
            // A user is read without an envelope.
            whole = json!({ name: whole });
        }
        whole[name]["name"] = json!(format!("{name} as sent back"));
        let changed = client.put(path, &whole).expect(200).json();
        let mut changed = json!({ name: changed[name] });
        assert_eq!(changed[name]["name"], whole[name]["name"], "{path}");
        changed[name]["name"] = json!("");
        let refused = client.put(path, &changed).expect(400);
        assert_eq!(
            refused.violations(),
            [format!("{name}.name blank")],
            "{path}"
        );
        assert!(
            refused.message().starts_with(&format!("{name}.name: ")),
            "{}",
            refused.text
        );
        let refused = client.put(path, &json!({ name: [] })).expect(400);
        assert_eq!(
            refused.violations(),
            [format!("{name} wrong_type")],
            "{path}"
        );
        // Beside other fields it is one that is not known.
        let refused = client
            .put(path, &json!({ name: {}, "description": "" }))
            .expect(400);
        assert!(
            refused
                .violations()
                .contains(&format!("{name} unknown_field"))
                || name == "role",
            "{path}"
        );
    }
}

#[test]
fn a_fiscal_year_begins_in_january_unless_told_otherwise() {
    let server = Server::start();
    let body = json!({ "name": "x", "budgets": [{ "max_limit": 1, "reset_duration": "1Q", "reset_config": {} }] });
    let made = server.client.create_profile(&body);
    assert_eq!(
        made["budgets"][0]["reset_config"],
        json!({ "quarter_start_month": 1 })
    );
}

#[test]
fn an_empty_fiscal_calendar_of_what_is_not_quarterly_says_nothing() {
    let server = Server::start();
    let body = json!({ "name": "x", "budgets": [
        { "max_limit": 1, "reset_duration": "1d", "reset_config": {} }, { "max_limit": 2, "reset_config": {} },
    ] });
    let made = server.client.create_profile(&body);
    for budget in made["budgets"].as_array().unwrap() {
        assert!(budget.get("reset_config").is_none(), "{budget}");
    }
}
