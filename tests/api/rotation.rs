//! Bad rotation intervals and dates of an access profile.

use serde_json::{Value, json};

use crate::support::Server;

/// The violations of a profile with this interval and date.
#[track_caller]
fn violations(server: &Server, interval: &Value, next: &Value) -> Vec<String> {
    let body = json!({ "name": "x", "auto_rotation_interval": interval, "next_rotation_at": next });
    let reply = server.client.post("/api/access-profiles", &body);
    assert_eq!(reply.status, 400, "{body}: {}", reply.text);
    reply.violations()
}

#[test]
fn rotation_takes_from_1_hour_to_365_days() {
    let server = Server::start();
    for value in [
        json!("59m"),
        json!("366d"),
        json!("8761h"),
        json!(1),
        json!(-1),
        json!(3_599_999_999_999_i64),
        json!(31_536_000_000_000_001_i64),
    ] {
        assert_eq!(
            violations(&server, &value, &json!(null)),
            ["auto_rotation_interval out_of_range"]
        );
    }
    for value in [
        json!("1M"),
        json!("30"),
        json!("d"),
        json!("-1d"),
        json!("1.5d"),
        json!(true),
        json!({}),
    ] {
        assert_eq!(
            violations(&server, &value, &json!(null)),
            ["auto_rotation_interval invalid_interval"]
        );
    }
    let fraction = json!(3.5e12 + 0.5);
    assert_eq!(
        violations(&server, &fraction, &json!(null)),
        ["auto_rotation_interval wrong_type"]
    );
}

#[test]
fn the_next_rotation_lies_in_the_future_and_needs_an_interval() {
    let server = Server::start();
    let violations = |interval, next| violations(&server, &interval, &next);
    assert_eq!(
        violations(json!("1d"), json!("2026-06-01T12:00:00Z")),
        ["next_rotation_at not_in_future"]
    );
    assert_eq!(
        violations(json!("1d"), json!("2026-06-01T13:59:59+02:00")),
        ["next_rotation_at not_in_future"]
    );
    let alone = ["next_rotation_at rotation_without_interval"];
    for off in [json!(null), json!(0), json!("")] {
        assert_eq!(violations(off, json!("2026-07-01T00:00:00Z")), alone);
    }
    assert_eq!(
        violations(json!(0), json!("2025-01-01T00:00:00Z")),
        ["next_rotation_at not_in_future", alone[0]]
    );
    for text in [
        "",
        "tomorrow",
        "2026-07-01",
        "2026-07-01T00:00:00",
        "2026-13-01T00:00:00Z",
    ] {
        assert_eq!(
            violations(json!("1d"), json!(text)),
            ["next_rotation_at invalid_timestamp"],
            "{text}"
        );
    }
    assert_eq!(
        violations(json!("1d"), json!(1_800_000_000)),
        ["next_rotation_at wrong_type"]
    );
}

#[test]
fn another_interval_begins_when_it_is_set() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "x", "auto_rotation_interval": "30d" }));
    server.time.advance_seconds(3_600);
    let next = |change: Value| client.change_profile(1, &change)["next_rotation_at"].clone();
    let before = "2026-07-01T12:00:00Z";
    assert_eq!(next(json!({ "description": "y" })), before);
    assert_eq!(next(json!({ "auto_rotation_interval": "30d" })), before);
    let both = json!({ "auto_rotation_interval": "29d", "next_rotation_at": before });
    assert_eq!(next(both), before, "a date that is sent stays");
    let anew = next(json!({ "auto_rotation_interval": "12h" }));
    assert_eq!(anew, "2026-06-02T01:00:00Z");
}
