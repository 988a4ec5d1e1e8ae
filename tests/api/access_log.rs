//! The access log of the real binary: one line a request, and no secret in any line.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::Client;
use crate::support::process::{Process, tollkeeper};
use crate::support::wire::{Wire, exchange};

/// What the test calls itself.
const AGENT: (&str, &str) = ("user-agent", "tests/1.0");

/// Starts the real binary at the most talkative level.
fn start(data_dir: &Path, format: &str) -> Process {
    let mut command = tollkeeper();
    command
        .arg("serve")
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--listen", "127.0.0.1:0", "--log-format", format])
        .env("TOLLKEEPER_LOG__LEVEL", "trace");
    Process::start_command(command, data_dir)
}

/// The one line about the request with this id.
fn line_of<'l>(log: &'l str, id: &str) -> &'l str {
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(id)).collect();
    assert_eq!(lines.len(), 1, "one line a request: {lines:?}");
    lines[0]
}

/// A few requests of every kind, each with an id of its own.
fn call(server: &Process) {
    let client = &server.client;
    let ask = |method: &str, path: &str, id: &str, body: Option<&Value>| {
        client
            .send(method, path, &[("x-request-id", id), AGENT], body)
            .status
    };
    let made = json!({ "name": "x" });
    assert_eq!(
        ask("POST", "/api/access-profiles", "id-create", Some(&made)),
        201
    );
    assert_eq!(
        ask(
            "GET",
            "/api/governance/access-profiles/1/versions?limit=1",
            "id-read",
            None
        ),
        200
    );
    assert_eq!(
        ask("GET", "/api/access-profiles/abc", "id-invalid", None),
        400
    );
    assert_eq!(ask("PATCH", "/api/access-profiles", "id-method", None), 405);
    assert_eq!(ask("GET", "/nope/%1b%5b31m", "id-nowhere", None), 404);
    let nobody = client.with_key("").send(
        "GET",
        "/api/access-profiles",
        &[("x-request-id", "id-nobody"), AGENT],
        None,
    );
    assert_eq!(nobody.status, 401);
    let stranger = [
        ("x-request-id", "id-stranger"),
        ("host", "evil.example"),
        AGENT,
    ];
    assert_eq!(client.send("GET", "/health", &stranger, None).status, 421);
}

/// Why those were refused that were.
const CODES: [(&str, &str); 5] = [
    ("id-invalid", "code=invalid_id"),
    ("id-method", "code=method_not_allowed"),
    ("id-nowhere", "code=no_route"),
    ("id-nobody", "code=authorization_missing"),
    ("id-stranger", "code=host_not_allowed"),
];

/// What the line of each request must say: method, route, status, and whether the key is known.
const EXPECTED: [(&str, &str, &str, u64, bool); 7] = [
    ("id-create", "POST", "/api/access-profiles", 201, true),
    (
        "id-read",
        "GET",
        "/api/governance/access-profiles/{id}/versions",
        200,
        true,
    ),
    ("id-invalid", "GET", "/api/access-profiles/{id}", 400, true),
    ("id-method", "PATCH", "/api/access-profiles", 405, false),
    ("id-nowhere", "GET", "-", 404, false),
    ("id-nobody", "GET", "/api/access-profiles", 401, false),
    ("id-stranger", "GET", "-", 421, false),
];

#[test]
fn each_request_is_one_json_line() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path(), "json");
    call(&server);
    let key_id = server.client.key["tk_mgmt_".len()..][..12].to_owned();
    assert!(server.terminate().success());
    let log = server.log();
    for line in log.lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["time"].as_str().unwrap().parse::<Timestamp>().is_ok());
        assert!(
            line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
    for (id, method, route, status, known) in EXPECTED {
        let line: Value = serde_json::from_str(line_of(&log, id)).unwrap();
        assert_eq!(line["request_id"], id);
        assert_eq!(
            line["key_id"],
            if known { key_id.as_str() } else { "-" },
            "{line}"
        );
        assert_eq!(line["method"], method);
        assert_eq!(line["route"], route, "{line}");
        assert_eq!(line["status"], status);
        assert!(line["duration_us"].is_u64(), "{line}");
        assert_eq!(
            (&line["level"], &line["message"]),
            (&json!("INFO"), &json!("request"))
        );
        assert_eq!(line["from"], "127.0.0.1", "{line}");
        assert_eq!(line["agent"], "tests/1.0", "{line}");
        let code = CODES.iter().find(|(known, _)| *known == id);
        let code = code.map(|(_, code)| code.trim_start_matches("code="));
        assert_eq!(line.get("code").and_then(Value::as_str), code, "{line}");
    }
}

#[test]
fn each_request_is_one_text_line() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path(), "text");
    call(&server);
    let key_id = server.client.key["tk_mgmt_".len()..][..12].to_owned();
    assert!(server.terminate().success());
    let log = server.log();
    for (id, method, route, status, known) in EXPECTED {
        let line = line_of(&log, id);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words[0].parse::<Timestamp>().is_ok(), "{line}");
        let key = if known { key_id.as_str() } else { "-" };
        let said = [
            "INFO".to_owned(),
            "request".to_owned(),
            format!("request_id={id}"),
            format!("key_id={key}"),
            format!("method={method}"),
            format!("route={route}"),
            format!("status={status}"),
        ];
        assert_eq!(words[1..8], said, "{line}");
        let duration = words[8].strip_prefix("duration_us=").unwrap();
        assert!(duration.parse::<u64>().is_ok(), "{line}");
        let more: &[&str] = match CODES.iter().find(|(known, _)| *known == id) {
            Some((_, code)) if status == 401 => {
                &["from=127.0.0.1", "tried_id=-", code, "agent=tests/1.0"]
            }
            Some((_, code)) => &["from=127.0.0.1", code, "agent=tests/1.0"],
            None => &["from=127.0.0.1", "agent=tests/1.0"],
        };
        assert_eq!(&words[9..], more, "{line}");
    }
    assert!(
        !log.contains('\u{1b}'),
        "no client writes escape codes into the log"
    );
}

#[test]
fn requests_that_come_together_have_whole_lines_in_their_order() {
    const CONNECTIONS: usize = 8;
    const REQUESTS: usize = 300;
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path(), "json");
    let port = server.client.port;
    let mut wires: Vec<Wire> = (0..CONNECTIONS).map(|_| Wire::open(port)).collect();
    for (number, wire) in wires.iter_mut().enumerate() {
        let requests: Vec<String> = (0..REQUESTS)
            .map(|request| {
                format!(
                    "GET /health HTTP/1.1\r\nhost: localhost\r\nx-request-id: {number}-{request}\r\n\r\n"
                )
            })
            .collect();
        assert!(wire.send(requests.concat().as_bytes()));
    }
    for wire in &mut wires {
        for _ in 0..REQUESTS {
            assert_eq!(wire.answer().status, 200);
        }
    }
    assert!(server.terminate().success());
    let log = server.log();
    let ids: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|line| line["request_id"].as_str().map(str::to_owned))
        .collect();
    for number in 0..CONNECTIONS {
        let of_one = |id: &&String| id.starts_with(&format!("{number}-"));
        let found: Vec<&String> = ids.iter().filter(of_one).collect();
        let sent: Vec<String> = (0..REQUESTS)
            .map(|request| format!("{number}-{request}"))
            .collect();
        assert!(found.into_iter().eq(&sent), "connection {number}");
    }
}

#[test]
fn no_secret_is_in_the_log_at_trace_whatever_way_it_was_sent() {
    for format in ["text", "json"] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = start(directory.path(), format);
        let client = server.client.clone();
        let (id, other) = client.make_key("canary", &["AccessProfiles:View"]);
        for key in [&client.key, &other.key] {
            let bearer = format!("Bearer {key}");
            let short = format!("Bearer {}", &key[..key.len() - 1]);
            let many = [
                ("authorization", bearer.as_str()),
                ("authorization", &short),
                ("x-request-id", key),
            ];
            client.raw("GET", "/api/access-profiles", &many, None);
            for (name, value) in [
                ("authorization", bearer.as_str()),
                ("authorization", &short),
                ("authorization", key),
                ("x-api-key", key),
                ("cookie", key),
                ("x-request-id", key),
                ("content-type", key),
                ("host", key),
                ("if-none-match", key),
            ] {
                for path in [
                    "/api/access-profiles",
                    "/api/access-profiles/1",
                    "/nope",
                    "/",
                ] {
                    client.raw("GET", path, &[(name, value)], None);
                    client.raw("POST", path, &[(name, value)], Some(b"{}"));
                }
            }
            for path in [
                format!("/{key}"),
                format!("/api/access-profiles/{key}"),
                format!("/api/access-profiles?key={key}&search={key}&sort={key}"),
            ] {
                client.get(&path);
                // Any word can stand where the method is expected.
                exchange(
                    client.port,
                    format!("{key} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
                );
            }
            client.post(
                "/api/access-profiles",
                &json!({ "name": key, "tags": [key], key: 1 }),
            );
            client.post("/api/api-keys", &json!({ "name": "x", "scopes": [key] }));
            client.raw(
                "POST",
                "/api/access-profiles",
                &[
                    ("authorization", &bearer),
                    ("content-type", "application/json"),
                ],
                Some(key.as_bytes()),
            );
        }
        client.delete(&format!("/api/api-keys/{id}")).expect(200);
        other.get("/api/access-profiles").expect(401);
        assert!(server.terminate().success());
        let log = server.log();
        assert!(log.lines().count() > 100, "{}: {log}", log.lines().count());
        for key in [&client.key, &other.key] {
            // After the kind and the public id comes what nobody may see, whole or in part.
            let secret = &key["tk_mgmt_".len() + 13..];
            for piece in [&secret[..16], &secret[16..32], &secret[32..]] {
                assert!(!log.contains(piece), "{format}: {log}");
            }
        }
    }
}

#[test]
fn a_line_says_who_came_from_where_with_what_and_why_it_was_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = tollkeeper();
    command
        .arg("serve")
        .arg("--data-dir")
        .arg(directory.path())
        .args(["--listen", "127.0.0.1:0"])
        .env("TOLLKEEPER_SERVER__TRUSTED_PROXIES", "127.0.0.1");
    let mut server = Process::start_command(command, directory.path());
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["a"] }] });
    let holder = server.client.make_holder("ada", &policy);
    let caller = server.client.with_virtual_key(&holder.key);
    let call = json!({ "model": "b", "messages": [] });
    let faked = "Mozilla/5.0 (X11) status=200 \"code=none\"";
    let headers = |id| {
        [
            ("x-request-id", id),
            ("x-forwarded-for", "203.0.113.9"),
            ("user-agent", faked),
        ]
    };
    let chat = "/v1/chat/completions";
    let status = |client: &Client, path, id, body| {
        client.send("POST", path, &headers(id), Some(body)).status
    };
    assert_eq!(status(&caller, chat, "id-carried", &call), 404);
    let own = server.client.clone();
    let reserved = json!({ "virtual_key": holder.key, "model": "b" });
    assert_eq!(status(&own, "/v1/reservations", "id-asked", &reserved), 403);
    let unknown = json!({ "virtual_key": "tk_vk_0", "model": "b" });
    assert_eq!(
        status(&own, "/v1/reservations", "id-unknown", &unknown),
        401
    );
    assert!(server.terminate().success());
    let log = server.log();
    let shown = "agent=\"Mozilla/5.0 (X11) status=200 \\\"code=none\\\"\"";
    for (id, key_id, status, code) in [
        ("id-carried", holder.key_id(), 404, "no_upstream"),
        ("id-asked", &own.key[8..20], 403, "model_blocked"),
        ("id-unknown", &own.key[8..20], 401, "access_not_found"),
    ] {
        let line = line_of(&log, id);
        for part in [
            format!("key_id={key_id} "),
            format!(" status={status} "),
            " from=203.0.113.9 ".to_owned(),
            format!(" code={code} "),
        ] {
            assert!(line.contains(&part), "{part}: {line}");
        }
        assert!(line.ends_with(shown), "{line}");
    }
}

#[test]
fn a_dead_key_that_a_gateway_asks_about_again_and_again_is_a_few_lines_and_a_count() {
    const CALLS: u64 = 200;
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path(), "text");
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let user = format!("/api/users/{}", holder.user_id);
    server.client.delete(&user).expect(200);
    for _ in 0..CALLS {
        server.client.reserve(&holder.key, &json!({})).expect(401);
    }
    assert!(server.terminate().success());
    let log = server.log();
    let told = format!("tried_id={} code=access_not_found", holder.key_id());
    let about: Vec<&str> = log.lines().filter(|line| line.contains(&told)).collect();
    let counted = about.iter().filter_map(|line| line.split_once(" count="));
    let counts: Vec<u64> = counted.map(|(_, count)| count.parse().unwrap()).collect();
    let whole = about.len() - counts.len();
    assert!(whole <= 10 && !counts.is_empty(), "{about:?}");
    assert_eq!(whole as u64 + counts.iter().sum::<u64>(), CALLS);
}

#[test]
fn a_flood_of_refused_credentials_is_a_few_lines_and_a_count() {
    for format in ["text", "json"] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = start(directory.path(), format);
        let (id, dead) = server.client.make_key("dead", &["AccessProfiles:View"]);
        server
            .client
            .delete(&format!("/api/api-keys/{id}"))
            .expect(200);
        for number in 0..300 {
            let id = format!("id-flood-{number}");
            let reply = dead.send(
                "GET",
                "/api/access-profiles",
                &[("x-request-id", &id)],
                None,
            );
            assert!([401, 429].contains(&reply.status), "{}", reply.text);
        }
        // Who is let in has a line each, in the middle of it too.
        for number in 0..20 {
            let id = format!("id-let-in-{number:02}");
            let request_id = [("x-request-id", id.as_str())];
            let reply = server
                .client
                .send("GET", "/api/access-profiles", &request_id, None);
            reply.expect(200);
        }
        assert!(server.terminate().success());
        let log = server.log();
        for number in 0..20 {
            line_of(&log, &format!("id-let-in-{number:02}"));
        }
        let whole: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("id-flood-"))
            .collect();
        assert!((1..=10).contains(&whole.len()), "{} lines", whole.len());
        let key_id = &dead.key["tk_mgmt_".len()..][..12];
        for told in [key_id, "127.0.0.1", "api_key_revoked"] {
            assert!(whole[0].contains(told), "{}", whole[0]);
        }
        let counted: u64 = log
            .lines()
            .filter(|line| line.contains("refused as often again"))
            .map(|line| {
                assert!(
                    line.contains(key_id) && line.contains("127.0.0.1"),
                    "{line}"
                );
                let at = line.find("count").unwrap() + "count".len();
                let digits = line[at..].trim_start_matches(|c: char| !c.is_ascii_digit());
                let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u64>().unwrap()
            })
            .sum();
        assert_eq!(counted + whole.len() as u64, 300);
    }
}
