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

#[test]
fn an_interval_may_be_written_as_go_does() {
    let server = Server::start();
    let hour = 3_600_000_000_000_i64;
    for (number, (text, nanoseconds)) in [
        ("1h30m", hour * 3 / 2),
        ("1.5h", hour * 3 / 2),
        ("90m", hour * 3 / 2),
        ("1d12h0m0s", 36 * hour),
        ("5400000ms", hour * 3 / 2),
        ("3600000000us", hour),
        ("3600000000000ns", hour),
        ("0", 0),
        ("0h0m", 0),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "name": format!("{number}"), "auto_rotation_interval": text });
        let made = server.client.create_profile(&body);
        assert_eq!(made["auto_rotation_interval"], nanoseconds, "{text}");
    }
    for text in ["1h30", "h", "1h 30m", "1.h.", "-1h", "1x", ".h"] {
        assert_eq!(
            violations(&server, &json!(text), &json!(null)),
            ["auto_rotation_interval invalid_interval"],
            "{text}"
        );
    }
    for text in [
        "30m",
        "3599999999999ns",
        "99999999999999999999h",
        "0.00000000000000000001h1m",
    ] {
        assert_eq!(
            violations(&server, &json!(text), &json!(null)),
            ["auto_rotation_interval out_of_range"],
            "{text}"
        );
    }
}

#[test]
fn a_profile_that_rotates_keys_has_a_date() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "x", "auto_rotation_interval": "30d" }));
    let put = |body: &Value| client.put("/api/access-profiles/1", body);
    let null = json!({ "next_rotation_at": null });
    let refused = put(&null).expect(400).violations();
    assert_eq!(refused, ["next_rotation_at date_while_rotating"]);
    let off = json!({ "auto_rotation_interval": "", "next_rotation_at": null });
    assert_eq!(
        put(&off).expect(200).json()["access_profile"]["auto_rotation_interval"],
        0
    );
    put(&null).expect(200);
    // As it was read, with an interval in it.
    let on = json!({ "auto_rotation_interval": "1d", "next_rotation_at": null });
    let on = put(&on).expect(200).json()["access_profile"]["next_rotation_at"].clone();
    assert_eq!(on, "2026-06-02T12:00:00Z");
}
