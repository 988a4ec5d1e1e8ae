//! What is measured: its text, what is counted, and who may read it.
#![expect(
    clippy::float_cmp,
    reason = "counts, and dollars that are sums of powers of two"
)]

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use regex::Regex;
use serde_json::json;

use crate::proxy::{CHAT, ask, hello, start, upstream};
use crate::support::exposition::Exposed;
use crate::support::holders::reservation_id;
use crate::support::upstream::{Script, Upstream};
use crate::support::wire::exchange;
use crate::support::{Client, Server, TestTime};

const METRICS: &str = "/metrics";

fn read(client: &Client) -> Exposed {
    let reply = client.get(METRICS).expect(200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    Exposed::read(&reply.text)
}

/// A server before an upstream, somebody with $1 who may use a model of it, and some calls of every kind.
fn busy() -> Server {
    let provider = Upstream::start(|request| match request.json()["user"].as_str() {
        Some("refused") => Script::Json(400, json!({ "error": { "message": "no" } })),
        Some("gone") => Script::HangUp,
        _ => Script::Json(
            200,
            json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 100, "prompt_tokens_details": { "cached_tokens": 3 } } }),
        ),
    });
    let upstreams = vec![
        upstream("openai", provider.port, ""),
        upstream("idle", 1, "provider = 'other'"),
    ];
    let server = start(|_| {}, upstreams);
    let policy = json!({
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o"] }],
        "budgets": [{ "max_limit": 1, "reset_duration": "1d" }],
    });
    let holder = server.client.make_holder("ada", &policy);
    let ask = |user: &str| ask(&server, &holder, CHAT, &hello(&json!({ "user": user }))).status;
    assert_eq!(
        [ask(""), ask(""), ask("refused"), ask("gone")],
        [200, 200, 400, 502]
    );
    let reserve = |more| server.client.reserve(&holder.key, &more);
    let call = |cost: f64| json!({ "model": "gpt-4o", "estimated_cost": cost });
    let first = reserve(call(0.25)).expect(201);
    reserve(call(0.125)).expect(201);
    reserve(call(5.0)).expect(402);
    reserve(json!({ "model": "gpt-3" })).expect(403);
    server
        .client
        .settle(&reservation_id(&first), 950, 0.0625)
        .expect(200);
    // Who waits is told before it is counted, and the next question answered after.
    server.client.get("/v1/reservations").expect(200);
    server
}

#[test]
fn the_text_is_as_prometheus_wants_it_before_anything_happened_and_after() {
    read(&Server::start().client);
    read(&busy().client);
}

#[test]
fn what_happens_is_counted_once() {
    let server = busy();
    let seen = read(&server.client);
    let decided = |outcome, reason| {
        let labels = [
            ("decision", "reservation"),
            ("outcome", outcome),
            ("reason", reason),
        ];
        seen.sum("tollkeeper_decisions_total", &labels)
    };
    assert_eq!(decided("granted", "-"), 6.0);
    assert_eq!(decided("refused", "budget_exceeded"), 1.0);
    assert_eq!(decided("refused", "model_blocked"), 1.0);
    assert_eq!(seen.sum("tollkeeper_decisions_total", &[]), 8.0);
    assert_eq!(seen.sum("tollkeeper_holds_open", &[]), 1.0);
    assert_eq!(seen.sum("tollkeeper_held_dollars", &[]), 0.125);
    assert_eq!(seen.sum("tollkeeper_decision_queue_length", &[]), 0.0);
    let upstream = |name: &str, more: &[(&str, &str)]| {
        let labels = [&[("upstream", "openai")], more].concat();
        seen.sum(&format!("tollkeeper_upstream_{name}"), &labels)
    };
    for (outcome, count) in [
        ("answered", 2.0),
        ("refused", 1.0),
        ("broken_off", 1.0),
        ("timed_out", 0.0),
    ] {
        assert_eq!(upstream("calls_total", &[("outcome", outcome)]), count);
    }
    assert_eq!(upstream("calls_in_progress", &[]), 0.0);
    assert_eq!(upstream("first_byte_seconds_count", &[]), 3.0);
    assert!(upstream("sent_bytes_total", &[]) > 300.0);
    assert!(upstream("received_bytes_total", &[]) > 100.0);
    // What was answered, and what broke off, which is charged as it was held.
    assert_eq!(upstream("tokens_total", &[("kind", "cached_input")]), 6.0);
    assert_eq!(upstream("tokens_total", &[("kind", "output")]), 300.0);
    let carried = upstream("cost_dollars_total", &[]);
    assert!(carried > 0.002, "{carried}");
    let spent = seen.sum("tollkeeper_spent_dollars_total", &[]);
    assert!((spent - carried - 0.0625).abs() < 1e-9, "{spent} {carried}");
    for (route, status, count) in [
        ("/v1/reservations", "201", 2.0),
        ("/v1/reservations", "402", 1.0),
        (CHAT, "200", 2.0),
        (CHAT, "502", 1.0),
    ] {
        let labels = [("method", "POST"), ("route", route), ("status", status)];
        assert_eq!(
            seen.sum("tollkeeper_requests_total", &labels),
            count,
            "{labels:?}"
        );
    }
    for (group, count) in [("decisions", 6.0), ("proxy", 4.0), ("forward_auth", 0.0)] {
        let name = "tollkeeper_request_duration_seconds_count";
        assert_eq!(seen.sum(name, &[("group", group)]), count, "{group}");
    }
    let commits = seen.sum("tollkeeper_commit_duration_seconds_count", &[]);
    assert!(commits > 8.0, "{commits}");
    assert_eq!(seen.sum("tollkeeper_commit_writes_count", &[]), commits);
    let house = |name: &str| seen.sum(&format!("tollkeeper_{name}"), &[]);
    for name in ["ready", "audit_intact", "build_info"] {
        assert_eq!(house(name), 1.0, "{name}");
    }
    assert_eq!(house("limits_near_full"), 0.0);
    assert!(house("database_bytes") > 0.0 && house("disk_free_bytes") > 0.0);
    for name in [
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
    ] {
        assert!(seen.sum(name, &[]) > 0.0, "{name}");
    }
    let again = read(&server.client);
    let reads = [("route", METRICS), ("status", "200")];
    assert_eq!(again.sum("tollkeeper_requests_total", &reads), 1.0);
}

#[test]
fn keys_that_are_refused_are_counted_by_code_and_limits_that_are_nearly_full_together() {
    let server = Server::start();
    let policy = json!({
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
        "budgets": [{ "max_limit": 1, "reset_duration": "1d" }],
    });
    let holder = server.client.make_holder("ada", &policy);
    let usage = json!({ "virtual_key": holder.key, "provider": "openai", "model": "gpt-5", "tokens": 1, "cost": 0.99, "request_id": "once" });
    server.client.post("/v1/usage", &usage).expect(201);
    // The same again is no decision.
    server.client.post("/v1/usage", &usage).expect(200);
    server.client.with_key("").get("/api/users").expect(401);
    for _ in 0..3 {
        let wrong = format!("{}x", server.client.key);
        server.client.with_key(&wrong).get("/api/users").expect(401);
    }
    let seen = read(&server.client);
    let refused = |code| seen.sum("tollkeeper_credentials_refused_total", &[("code", code)]);
    assert_eq!(refused("authorization_missing"), 1.0);
    assert_eq!(
        refused("api_key_malformed") + refused("api_key_checksum"),
        3.0
    );
    assert_eq!(seen.sum("tollkeeper_limits_near_full", &[]), 1.0);
    let charges = [("decision", "charge"), ("outcome", "granted")];
    assert_eq!(seen.sum("tollkeeper_decisions_total", &charges), 1.0);
    assert_eq!(seen.sum("tollkeeper_spent_dollars_total", &[]), 0.99);
}

#[test]
fn money_beyond_every_number_is_shown_as_very_much() {
    const DOLLARS: u32 = 1_000_000_000;
    let server = Server::start();
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let dollars = |name: &str| read(&server.client).sum(&format!("tollkeeper_{name}"), &[]);
    for number in 0..20 {
        let more = json!({ "estimated_cost": DOLLARS });
        server.client.reserve(&holder.key, &more).expect(201);
        let charge = json!({
            "virtual_key": holder.key, "provider": "openai", "model": "gpt-4o", "tokens": 0, "cost": DOLLARS,
            "request_id": format!("call-{number}"),
        });
        server.client.post("/v1/usage", &charge).expect(201);
    }
    // 64 bits of nanodollars end there.
    assert!(
        dollars("held_dollars") > 1.8e10,
        "{}",
        dollars("held_dollars")
    );
    assert!(
        dollars("spent_dollars_total") > 1.8e10,
        "{}",
        dollars("spent_dollars_total")
    );
}

#[test]
fn nobody_invents_a_series() {
    let server = busy();
    let series = |seen: &Exposed| -> BTreeSet<String> {
        let samples = seen.samples.iter();
        samples
            .map(|(name, labels, _)| format!("{name} {labels:?}"))
            .collect()
    };
    let holder = server.client.make_holder(
        "bob",
        &json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] }),
    );
    let everything = |round: usize| {
        let name = format!("invented{round}");
        let id = format!("{name}-id");
        let headers = [("user-agent", name.as_str()), ("x-request-id", &id)];
        server
            .client
            .send("GET", &format!("/{name}/{name}"), &headers, None);
        server
            .client
            .send("GET", &format!("/static/{name}"), &headers, None);
        server
            .client
            .send("GET", "/api/users/9", &[("host", &name)], None);
        let odd = format!(
            "{} /{name} HTTP/1.1
host: localhost
connection: close

",
            name.to_uppercase()
        );
        exchange(server.client.port, odd);
        server
            .client
            .reserve(&holder.key, &json!({ "model": name, "provider": name }));
        server.client.reserve(&name, &json!({}));
        ask(
            &server,
            &holder,
            CHAT,
            &hello(&json!({ "model": name, "user": name })),
        );
        server.client.with_key(&name).get("/api/users");
    };
    everything(0);
    let before = series(&read(&server.client));
    (1..30).for_each(everything);
    let reply = server.client.get(METRICS).expect(200);
    let after = series(&Exposed::read(&reply.text));
    let new: Vec<_> = after.difference(&before).collect();
    // Reading them is one itself.
    assert!(new.iter().all(|name| name.contains(METRICS)), "{new:?}");
    for secret in ["invented", "ada", "bob", holder.key_id(), "gpt-4o"] {
        assert!(!reply.text.contains(secret), "{secret}");
    }
}

#[test]
fn who_reads_them_holds_the_permission_or_reaches_their_listener() {
    let server = Server::start_with(|settings| {
        settings.metrics.listen = Some("127.0.0.1:0".parse().unwrap());
    });
    let (_, reader) = server.client.make_key("prometheus", &["Metrics:View"]);
    read(&reader);
    reader.get("/api/users").expect(403);
    let (_, other) = server.client.make_key("other", &["Settings:View"]);
    other
        .get(METRICS)
        .expect_refusal(403, "permission_error", "missing_permission");
    let nobody = server.client.with_key("");
    nobody.get(METRICS).expect(401);
    reader
        .get("/metrics?name=x")
        .expect_refusal(400, "validation_error", "unknown_parameter");
    let aside = Client::new(server.metrics_port.unwrap(), "");
    assert_eq!(read(&aside).types, read(&reader).types);
    for path in ["/", "/health", "/api/users", "/v1/quota", "/metrics/x"] {
        aside.with_key(&reader.key).get(path).expect(404);
    }
    aside.post(METRICS, &json!({})).expect(405);
    // A scraper knows a pod by its address; a page of a stranger by a name of its own.
    for (host, status) in [
        ("10.1.2.3:9464", 200),
        ("[2001:db8::1]", 200),
        ("evil.example", 421),
    ] {
        assert_eq!(
            aside.send("GET", METRICS, &[("host", host)], None).status,
            status
        );
    }
    assert_eq!(
        server
            .client
            .send("GET", METRICS, &[("host", "10.1.2.3")], None)
            .status,
        421
    );
}

/// Everything that stands as an expression in the files for Grafana and Prometheus.
fn expressions() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/monitoring");
    let dashboard = std::fs::read_to_string(folder.join("dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let mut found = Vec::new();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    for target in panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten()
    {
        found.push(target["expr"].as_str().unwrap().to_owned());
    }
    let rules = std::fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let expression = Regex::new(r"(?m)^ +expr: (?:>-?\n((?: {10,}.*\n)+)|(.+)$)").unwrap();
    let alerts = rules.matches("- alert: ").count();
    let all = expression.captures_iter(&rules);
    let all: Vec<String> = all
        .map(|parts| parts.get(1).or(parts.get(2)).unwrap().as_str().to_owned())
        .collect();
    assert_eq!(all.len(), alerts, "an alert has one expression");
    found.extend(all);
    found
}

#[test]
fn the_dashboard_and_the_alerts_name_metrics_that_exist() {
    let server = busy();
    let seen = read(&server.client);
    let (names, mut used) = (seen.names(), BTreeSet::new());
    let quoted = Regex::new("\"[^\"]*\"").unwrap();
    let metric = Regex::new(r"\b(?:tollkeeper|process)_[a-z_]+\b").unwrap();
    let expressions = expressions();
    assert!(expressions.len() > 30, "{}", expressions.len());
    for expression in expressions {
        let bare = quoted.replace_all(&expression, "\"\"");
        let mut any = bare.contains("up{");
        for found in metric.find_iter(&bare) {
            // A warning is there when something is wrong; its name stands in the text.
            let known = names.contains(found.as_str()) || seen.types.contains_key(found.as_str());
            assert!(known, "there is no {} ({expression})", found.as_str());
            used.insert(found.as_str().to_owned());
            any = true;
        }
        assert!(any, "{expression}");
    }
    assert!(used.len() > 25, "{used:?}");
}

/// A moment that never was has no sample, so what compares with it says nothing: the alerts have to go by something else there.
#[test]
fn alerts_about_backups_fire_where_there_never_was_one() {
    let success = "tollkeeper_backup_last_success_timestamp_seconds";
    let failure = "tollkeeper_backup_last_failure_timestamp_seconds";
    let time = TestTime::at(&Timestamp::now().to_string());
    let server = Server::start_on(tempfile::tempdir().unwrap(), time);
    std::fs::write(server.data_dir().join("backups"), "in the way").unwrap();
    server.client.post("/api/backups", &json!({})).expect(503);
    server.time.advance_seconds(3 * 86_400);
    let seen = read(&server.client);
    assert!(!seen.names().contains(success));
    assert!(seen.names().contains(failure));
    assert_eq!(
        seen.sum("tollkeeper_warning", &[("code", "backup_old")]),
        1.0
    );
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all: Vec<String> = expressions().iter().map(|one| words(one)).collect();
    let never = format!(
        "tollkeeper_warning{{code=\"backup_old\"}} == 1 unless on (job, instance) {success}"
    );
    assert!(all.contains(&never), "{all:?}");
    let failed = format!("{failure} > {success} or {failure} unless {success}");
    assert!(all.contains(&failed), "{all:?}");
}
