//! The proxy: calls of providers' own clients, carried, metered and charged.

use std::thread;

use serde_json::{Value, json};
use tollkeeper::config::Settings;
use tollkeeper::domain::settings::upstream::{UpstreamKey, UpstreamSettings};

use crate::support::holders::Holder;
use crate::support::upstream::{Received, Script, Upstream, chat};
use crate::support::wire::{Wire, exchange};
use crate::support::{Reply, Server};

pub const CHAT: &str = "/v1/chat/completions";
const PROVIDER_KEY: &str = "sk-of-the-provider";

pub fn upstream(name: &str, port: u16, more: &str) -> UpstreamSettings {
    let text = format!("name = \"{name}\"\nbase_url = \"http://127.0.0.1:{port}\"\n{more}");
    let mut upstream: UpstreamSettings = toml::from_str(&text).unwrap();
    upstream.key = Some(UpstreamKey::read(PROVIDER_KEY).unwrap());
    upstream
}

/// An upstream for each dialect, all at one place.
fn every_dialect(provider: &Upstream) -> Vec<UpstreamSettings> {
    let dialects = ["openai", "anthropic", "gemini"];
    let one = |name| upstream(name, provider.port, &format!("dialect = {name:?}"));
    dialects.map(one).into()
}

/// Every model of theirs.
fn every_model() -> Value {
    let lines = ["openai", "anthropic", "gemini"]
        .map(|name| json!({ "provider_name": name, "all_models_allowed": true }));
    json!({ "provider_configs": lines })
}

pub fn start(change: impl FnOnce(&mut Settings), upstreams: Vec<UpstreamSettings>) -> Server {
    Server::start_with(|settings| {
        settings.upstreams = upstreams;
        change(settings);
    })
}

/// A server before an upstream of `OpenAI`'s dialect, and somebody with $1 who may use two models.
pub fn carried(upstream_is: &Upstream) -> (Server, Holder) {
    let server = start(|_| {}, vec![upstream("openai", upstream_is.port, "")]);
    let holder = server.client.make_holder("ada", &policy());
    (server, holder)
}

fn policy() -> Value {
    json!({
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o", "gpt-4o-mini"] }],
        "budgets": [{ "max_limit": 1, "reset_duration": "1d" }],
    })
}

pub fn ask(server: &Server, holder: &Holder, path: &str, body: &Value) -> Reply {
    server.client.with_virtual_key(&holder.key).post(path, body)
}

fn extend(body: &mut Value, more: &Value) {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
}

pub fn hello(more: &Value) -> Value {
    let mut body = json!({ "model": "gpt-4o", "max_tokens": 100, "messages": [{ "role": "user", "content": "hello" }] });
    extend(&mut body, more);
    body
}

/// What the holder has spent and holds of the first budget.
fn spent(server: &Server, holder: &Holder) -> (f64, f64) {
    let quota = server
        .client
        .with_virtual_key(&holder.key)
        .get("/v1/quota")
        .expect(200)
        .json();
    let budget = &quota["access_profiles"][0]["budgets"][0];
    (
        budget["current_usage"].as_f64().unwrap(),
        budget["held"].as_f64().unwrap(),
    )
}

fn close(amount: f64, expected: f64) -> bool {
    (amount - expected).abs() < 1e-9
}

#[test]
fn a_call_gets_the_providers_answer_and_is_charged_what_it_used() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let reply = ask(&server, &holder, CHAT, &hello(&json!({}))).expect(200);
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "hello");
    // 8 × $2.50 and 100 × $10 a million.
    assert_eq!(reply.header("x-tollkeeper-cost"), Some("0.00102"));
    assert!(
        reply
            .header("x-tollkeeper-reservation")
            .unwrap()
            .starts_with("res_")
    );
    assert_eq!(reply.header("x-upstream-request-id"), Some("theirs"));
    assert_eq!(reply.header("set-cookie"), None);
    assert_eq!(spent(&server, &holder), (0.00102, 0.0));
    let usage = server
        .client
        .get("/api/usage?group_by=provider,model")
        .expect(200)
        .json();
    let row = &usage["usage"][0];
    assert_eq!(
        (
            &row["provider"],
            &row["model"],
            &row["input_tokens"],
            &row["output_tokens"]
        ),
        (&json!("openai"), &json!("gpt-4o"), &json!(8), &json!(100))
    );
}

#[test]
fn each_side_keeps_its_own_key() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let bearer = format!("Bearer {}", holder.key);
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("x-api-key", &holder.key),
        ("api-key", &holder.key),
        ("x-goog-api-key", &holder.key),
        ("x-bf-vk", &holder.key),
    ] {
        let headers = [
            (name, value),
            ("content-type", "application/json"),
            ("cookie", "session=1"),
            ("x-tollkeeper-user", "1"),
            ("x-other", &holder.key),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("openai-organization", "org"),
            ("x-stays", "1"),
        ];
        let body = hello(&json!({})).to_string();
        let path = format!("{CHAT}?key={}&a=b&t={}", holder.key, holder.key);
        let reply = server
            .client
            .raw("POST", &path, &headers, Some(body.as_bytes()))
            .expect(200);
        assert!(!reply.text.contains("sk-of") && !format!("{:?}", reply.headers).contains("sk-of"));
        let sent = provider.last();
        assert!(!sent.text().contains("tk_"), "{name}: {}", sent.text());
        assert_eq!(
            sent.header("authorization"),
            Some("Bearer sk-of-the-provider")
        );
        assert_eq!(sent.target, "/v1/chat/completions?a=b");
        for gone in [
            "openai-organization",
            "x-api-key",
            "cookie",
            "x-tollkeeper-user",
            "x-other",
            "x-hop",
        ] {
            assert_eq!(sent.header(gone), None, "{gone}");
        }
        assert_eq!(sent.header("x-stays"), Some("1"));
        assert_eq!(sent.body, body.as_bytes());
    }
    let in_body = hello(&json!({ "user": holder.key }));
    let refused = ask(&server, &holder, CHAT, &in_body).expect(400);
    assert!(refused.text.contains("Tollkeeper key"), "{}", refused.text);
    let both = [
        ("authorization", bearer.as_str()),
        ("x-api-key", "sk-own-of-the-caller"),
        ("content-type", "application/json"),
    ];
    let body = hello(&json!({})).to_string();
    server
        .client
        .raw("POST", CHAT, &both, Some(body.as_bytes()))
        .expect(200);
    assert!(!provider.last().text().contains("sk-own"));
}

#[test]
fn a_stream_passes_and_its_usage_chunk_is_there_only_for_who_asked() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let plain = ask(&server, &holder, CHAT, &hello(&json!({ "stream": true }))).expect(200);
    assert_eq!(plain.header("content-type"), Some("text/event-stream"));
    assert!(plain.text.ends_with("data: [DONE]\n\n"), "{}", plain.text);
    assert!(!plain.text.contains("prompt_tokens"), "{}", plain.text);
    assert_eq!(
        provider.last().json()["stream_options"]["include_usage"],
        true
    );
    assert_eq!(spent(&server, &holder), (0.00102, 0.0));
    let asked = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let told = ask(&server, &holder, CHAT, &hello(&asked)).expect(200);
    assert!(told.text.contains("prompt_tokens"), "{}", told.text);
    assert_eq!(spent(&server, &holder), (0.00204, 0.0));
}

#[test]
fn a_stream_that_is_cut_costs_what_was_held_and_the_caller_sees_that_it_is_not_whole() {
    let provider = Upstream::start(|request| match chat(&request.json()) {
        Script::Events(mut events, _) => {
            events.truncate(1);
            Script::Events(events, true)
        }
        other => other,
    });
    let (server, holder) = carried(&provider);
    let body = hello(&json!({ "stream": true }));
    let cut = server
        .client
        .with_virtual_key(&holder.key)
        .try_post(CHAT, &body);
    assert!(cut.is_none(), "{cut:?}");
    let (used, held) = spent(&server, &holder);
    // 100 output tokens at most, and a prompt that is counted generously.
    assert!(
        used > 0.001 && used < 0.0015 && held == 0.0,
        "{used} {held}"
    );
}

#[test]
fn whatever_came_before_a_stream_was_cut_reaches_its_caller() {
    let pieces = |request: &Received| request.json()["user"].as_str().unwrap().parse().unwrap();
    let provider = Upstream::start(move |request| {
        Script::Events(vec!["data: piece\n\n".repeat(300); pieces(request)], true)
    });
    let (server, holder) = carried(&provider);
    // One comes together with its end. Several hundred fill every buffer on the way.
    for count in [1; 30].into_iter().chain([800]) {
        let body = hello(&json!({ "stream": true, "user": count.to_string() })).to_string();
        let mut wire = Wire::open(server.client.port);
        let head = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            holder.key,
            body.len()
        );
        assert!(wire.send(head.as_bytes()));
        let answer = wire.answer();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text.matches('p').count(), 300 * count);
        assert!(!answer.text.ends_with("0\r\n\r\n"), "it is not whole");
    }
}

#[test]
fn only_what_never_reached_the_provider_or_was_its_own_error_costs_nothing() {
    let provider =
        Upstream::start(
            |request| match request.json()["messages"][0]["content"].as_str() {
                Some("busy") => Script::Json(529, json!({ "error": { "message": "overloaded" } })),
                Some("gone") => Script::HangUp,
                _ => chat(&request.json()),
            },
        );
    let (server, holder) = carried(&provider);
    let say = |text: &str| hello(&json!({ "messages": [{ "role": "user", "content": text }] }));
    let busy = ask(&server, &holder, CHAT, &say("busy")).expect(529);
    assert_eq!(busy.json()["error"]["message"], "overloaded");
    assert_eq!(spent(&server, &holder), (0.0, 0.0));
    let gone = ask(&server, &holder, CHAT, &say("gone")).expect(502);
    assert_eq!(gone.json()["error"]["code"], "upstream_broke_off");
    let (used, held) = spent(&server, &holder);
    assert!(used > 0.001 && held == 0.0, "{used} {held}");
    let nowhere = start(|_| {}, vec![upstream("openai", 9, "")]);
    let holder = nowhere.client.make_holder("ada", &policy());
    ask(&nowhere, &holder, CHAT, &hello(&json!({}))).expect(502);
    assert_eq!(spent(&nowhere, &holder), (0.0, 0.0));
}

#[test]
fn calls_in_flight_never_spend_more_than_there_is() {
    let provider = Upstream::chats();
    let server = start(|_| {}, vec![upstream("openai", provider.port, "")]);
    let holder = server.client.make_holder("ada", &policy());
    // 30,000 output tokens of gpt-4o: $0.30 and a little.
    let body = hello(&json!({ "max_tokens": 29_900 }));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| ask(&server, &holder, CHAT, &body).status))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(
        statuses.iter().all(|status| [200, 402].contains(status)),
        "{statuses:?}"
    );
    let passed = statuses.iter().filter(|status| **status == 200);
    let passed = u32::try_from(passed.count()).unwrap();
    let (used, held) = spent(&server, &holder);
    assert!(
        close(used, 0.00102 * f64::from(passed)) && held == 0.0,
        "{used} {held}"
    );
    assert_eq!(provider.received().len(), passed as usize);
}

#[test]
fn refusals_look_as_the_providers_own() {
    let provider = Upstream::chats();
    let server = start(
        |settings| {
            settings.refusals.contact = Some("the platform team".to_owned());
            settings.refusals.link = Some("https://toll.example/#/me".to_owned());
        },
        every_dialect(&provider),
    );
    let mut everything = every_model();
    everything["budgets"] = json!([{ "max_limit": 0.0001, "reset_duration": "1d" }]);
    let holder = server.client.make_holder("ada", &everything);
    let dry = ask(&server, &holder, CHAT, &hello(&json!({}))).expect(402);
    let error = &dry.json()["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("insufficient_quota"), &json!("insufficient_quota"))
    );
    let text = error["message"].as_str().unwrap();
    assert!(
        text.contains("the platform team") && text.contains("https://toll.example"),
        "{text}"
    );
    assert_eq!(dry.header("x-should-retry"), Some("false"));
    let body = json!({ "model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{ "role": "user", "content": "hello" }] });
    let dry = ask(&server, &holder, "/v1/messages", &body)
        .expect(402)
        .json();
    assert_eq!(
        (&dry["type"], &dry["error"]["type"]),
        (&json!("error"), &json!("billing_error"))
    );
    let body = json!({ "contents": [{ "parts": [{ "text": "hello" }] }], "generationConfig": { "maxOutputTokens": 1000 } });
    let dry = ask(
        &server,
        &holder,
        "/v1beta/models/gemini-2.5-pro:generateContent",
        &body,
    )
    .expect(402)
    .json();
    assert_eq!(
        (&dry["error"]["code"], &dry["error"]["status"]),
        (&json!(402), &json!("RESOURCE_EXHAUSTED"))
    );
    let stranger = server
        .client
        .with_key("")
        .post(CHAT, &hello(&json!({})))
        .expect(401);
    assert_eq!(stranger.json()["error"]["code"], "invalid_api_key");
    let stranger = server
        .client
        .with_key("")
        .post("/v1/messages", &json!({}))
        .expect(401);
    assert_eq!(stranger.json()["error"]["type"], "authentication_error");
    assert_eq!(provider.received().len(), 0);
}

#[test]
fn no_text_about_a_key_is_taken_for_a_clients_own_error() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let cut_off = &holder.key[..holder.key.len() - 1];
    for key in ["", "sk-nothing", cut_off] {
        let client = server.client.with_virtual_key(key);
        let refused = client.post("/v1/messages", &json!({})).expect(401);
        // Claude Code shows nothing of a text with this word but `Please run /login`.
        assert!(!refused.text.contains("x-api-key"), "{}", refused.text);
        assert!(refused.text.contains("tk_vk_"), "{}", refused.text);
    }
}

#[test]
fn who_wants_a_websocket_is_told_at_once_to_make_requests() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let bearer = format!("Bearer {}", holder.key);
    let handshake = [
        ("authorization", bearer.as_str()),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for path in ["/v1/responses", "/openai/v1/responses"] {
        // Codex repeats any other refusal for seconds before it goes on without.
        let refused = server.client.raw("GET", path, &handshake, None);
        let refused = refused.expect(426);
        assert_eq!(refused.header("upgrade"), Some("HTTP/1.1"));
        assert_eq!(refused.json()["error"]["code"], "no_websocket");
    }
    let plain = [("authorization", bearer.as_str())];
    for (path, status) in [("/v1/responses", 405), ("/openai/v1/files", 404)] {
        let refused = server.client.raw("GET", path, &plain, None);
        refused.expect(status);
    }
    assert_eq!(provider.received().len(), 0);
}

#[test]
fn the_model_that_is_decided_on_is_the_model_that_is_called() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let bearer = format!("Bearer {}", holder.key);
    let send = |body: &str| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("x-model", "gpt-4o"),
        ];
        server
            .client
            .raw("POST", CHAT, &headers, Some(body.as_bytes()))
    };
    let rest = "\"max_tokens\":9,\"messages\":[]}";
    for body in [
        format!("{{\"model\":\"gpt-4o\",\"model\":\"o3\",{rest}"),
        format!("{{\"model\":\"gpt-4o\",\"mod\\u0065l\":\"o3\",{rest}"),
        format!("{{\"metadata\":{{\"model\":\"gpt-4o\"}},\"model\":\"o3\",{rest}"),
        format!("{{\"model\":\"gpt-4o,o3\",{rest}"),
        format!("{{\"model\":null,{rest}"),
        format!("{{\"model\":[\"gpt-4o\"],{rest}"),
        format!("{{\"models\":[\"o3\"],\"model\":\"gpt-4o\",{rest}"),
        format!("{{\"Model\":\"o3\",\"model\":\"gpt-4o\",{rest}"),
        format!("{{\"model\":\"gpt-4o\",{rest}{{\"model\":\"o3\"}}"),
        "not json".to_owned(),
        String::new(),
    ] {
        let reply = send(&body);
        assert!(
            [400, 403].contains(&reply.status),
            "{body}: {} {}",
            reply.status,
            reply.text
        );
    }
    assert_eq!(provider.received().len(), 0);
    let last_counts = format!("{{\"model\":\"o3\",\"mod\\u0065l\":\"gpt-4o\",{rest}");
    send(&last_counts).expect(200);
    let came = provider.last();
    assert_eq!(came.json()["model"], "gpt-4o");
    assert!(!String::from_utf8_lossy(&came.body).contains("o3"));
    for path in [
        "/v1/chat%2fcompletions",
        "/v1/x/../chat/completions",
        "//v1/chat/completions",
        "/openai/../v1/chat/completions",
        "/openai/v1/files",
        "/openai/v1/realtime",
    ] {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let reply = server.client.raw(
            "POST",
            path,
            &headers,
            Some(hello(&json!({})).to_string().as_bytes()),
        );
        assert!(reply.status >= 400, "{path}: {}", reply.status);
    }
    assert_eq!(provider.received().len(), 1);
}

#[test]
fn a_prefix_or_a_path_names_the_upstream_and_the_profile_chooses_otherwise() {
    let (one, two) = (Upstream::chats(), Upstream::chats());
    let server = start(
        |_| {},
        vec![
            upstream("groq", one.port, "provider = \"groq\""),
            upstream("openai", two.port, ""),
            upstream("own", one.port, "provider = \"openai\"\nfree = true"),
        ],
    );
    let policy = json!({ "provider_configs": [
        { "provider_name": "openai", "allowed_models": ["gpt-4o", "llama-3.3-70b-versatile"] },
        { "provider_name": "groq", "all_models_allowed": true },
    ] });
    let holder = server.client.make_holder("ada", &policy);
    let call = |path: &str, model: &str| {
        ask(&server, &holder, path, &hello(&json!({ "model": model }))).expect(200)
    };
    // The first line that allows it, of those for which a price is known.
    call(CHAT, "gpt-4o");
    assert_eq!((one.received().len(), two.received().len()), (0, 1));
    call(CHAT, "groq/llama-3.3-70b-versatile");
    assert_eq!(one.last().json()["model"], "llama-3.3-70b-versatile");
    call("/groq/v1/chat/completions", "llama-3.3-70b-versatile");
    call("/groq/chat/completions", "llama-3.3-70b-versatile");
    assert_eq!(one.received().len(), 3);
    call("/own/v1/chat/completions", "gpt-4o");
    call(CHAT, "own/gpt-4o");
    assert_eq!(one.last().json()["model"], "gpt-4o");
    assert_eq!((one.received().len(), two.received().len()), (5, 1));
}

#[test]
fn a_model_without_a_price_is_refused_with_what_to_do_and_a_free_upstream_needs_none() {
    let provider = Upstream::chats();
    let server = start(
        |_| {},
        vec![
            upstream("openai", provider.port, ""),
            upstream("local", provider.port, "free = true"),
        ],
    );
    let policy = json!({ "provider_configs": [
        { "provider_name": "openai", "all_models_allowed": true }, { "provider_name": "local", "all_models_allowed": true },
    ], "budgets": [{ "max_limit": 0.01, "reset_duration": "1d" }] });
    let holder = server.client.make_holder("ada", &policy);
    let body = hello(&json!({ "model": "our-own-model" }));
    let refused = ask(&server, &holder, "/openai/v1/chat/completions", &body).expect(403);
    assert!(
        refused.text.contains("price") && refused.text.contains("our-own-model"),
        "{}",
        refused.text
    );
    let blocked = json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o"] }] });
    let other = server.client.make_holder("bob", &blocked);
    let blocked = ask(&server, &other, "/openai/v1/chat/completions", &body).expect(403);
    assert_eq!(blocked.json()["error"]["code"], "model_not_found");
    let carried = ask(&server, &holder, "/local/v1/chat/completions", &body).expect(200);
    assert_eq!(carried.header("x-tollkeeper-cost"), Some("0"));
    // The budget runs dry; what costs nothing passes all the same.
    server.client.post("/v1/usage", &json!({ "virtual_key": holder.key, "provider": "openai", "model": "gpt-4o", "tokens": 1, "cost": 0.01, "request_id": "1" })).expect(201);
    ask(&server, &holder, "/local/v1/chat/completions", &body).expect(200);
    ask(
        &server,
        &holder,
        "/openai/v1/chat/completions",
        &hello(&json!({})),
    )
    .expect(402);
    let counting =
        json!({ "provider_configs": policy["provider_configs"], "budgets": [{ "max_limit": 0 }] });
    let nobody = server.client.make_holder("eve", &counting);
    ask(&server, &nobody, "/local/v1/chat/completions", &body).expect(402);
}

#[test]
fn the_models_of_a_key_are_listed_in_the_dialect_of_who_asks_whatever_its_budget() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let client = server.client.with_virtual_key(&holder.key);
    let ids = |reply: &Reply| -> Vec<String> {
        let list = reply.json()["data"].as_array().unwrap().clone();
        list.iter()
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = client.get("/v1/models").expect(200);
    assert_eq!(ids(&list), ["gpt-4o", "gpt-4o-mini"]);
    client.get("/v1/models/gpt-4o").expect(200);
    assert_eq!(
        client.get("/v1/models/o3").expect(404).json()["error"]["code"],
        "model_not_found"
    );
    let anthropic = client
        .send(
            "GET",
            "/v1/models",
            &[("anthropic-version", "2023-06-01")],
            None,
        )
        .expect(200);
    assert_eq!(anthropic.json()["has_more"], false);
    let gemini = client.get("/v1beta/models").expect(200).json();
    assert_eq!(gemini["models"][0]["name"], "models/gpt-4o");
    assert_eq!(provider.received().len(), 0);
}

#[test]
fn what_nobody_meters_is_refused_unless_the_operator_lists_it() {
    let provider = Upstream::start(|_| Script::Json(200, json!({ "ok": true })));
    let server = start(
        |_| {},
        vec![upstream(
            "openai",
            provider.port,
            "unmetered_paths = [\"/v1/files\"]",
        )],
    );
    let holder = server.client.make_holder("ada", &policy());
    let client = server.client.with_virtual_key(&holder.key);
    for more in [
        json!({ "background": true }),
        json!({ "previous_response_id": "resp_1" }),
    ] {
        let mut body = json!({ "model": "gpt-4o", "input": "hello" });
        extend(&mut body, &more);
        client.post("/v1/responses", &body).expect(400);
    }
    client.post("/openai/v1/batches", &json!({})).expect(404);
    client.get("/openai/v1/filesystem").expect(404);
    assert_eq!(provider.received().len(), 0);
    client.get("/openai/v1/files?limit=2").expect(200);
    assert_eq!(provider.last().target, "/v1/files?limit=2");
    let elsewhere =
        json!({ "provider_configs": [{ "provider_name": "groq", "all_models_allowed": true }] });
    let other = server.client.make_holder("eve", &elsewhere);
    server
        .client
        .with_virtual_key(&other.key)
        .get("/openai/v1/files")
        .expect(403);
}

#[test]
fn a_caller_who_goes_does_not_save_the_money() {
    use std::io::Write;
    use std::sync::mpsc;
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let provider = Upstream::start(move |request| {
        let Script::Events(events, _) = chat(&request.json()) else {
            panic!("no stream");
        };
        may_go_on.lock().unwrap().recv().unwrap();
        Script::Events(events, false)
    });
    let (server, holder) = carried(&provider);
    let body = hello(&json!({ "stream": true })).to_string();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.client.port)).unwrap();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        holder.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    while spent(&server, &holder).1 == 0.0 {
        thread::yield_now();
    }
    drop(stream);
    go_on.send(()).unwrap();
    while spent(&server, &holder).1 > 0.0 {
        thread::yield_now();
    }
    assert_eq!(spent(&server, &holder), (0.00102, 0.0));
}

#[test]
fn no_upstream_can_have_the_name_of_a_path_of_ours() {
    use tollkeeper::domain::settings::upstream::RESERVED;
    for route in tollkeeper::http::routes::table() {
        for path in route.paths() {
            let first = path.split('/').nth(1).unwrap_or_default();
            let is_free = first.is_empty() || first.starts_with('{');
            assert!(is_free || RESERVED.contains(&first), "{path}");
        }
    }
}

#[test]
fn a_prefix_is_taken_out_of_the_path_where_the_path_names_the_model() {
    let provider = Upstream::start(|_| {
        Script::Json(
            200,
            json!({ "candidates": [], "usageMetadata": { "promptTokenCount": 8, "candidatesTokenCount": 100, "totalTokenCount": 108 } }),
        )
    });
    let gemini = upstream("gemini", provider.port, "dialect = \"gemini\"");
    let server = start(|_| {}, vec![gemini]);
    let policy =
        json!({ "provider_configs": [{ "provider_name": "gemini", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let body = json!({ "contents": [{ "parts": [{ "text": "hello" }] }] });
    let (v1, v1beta) = (
        "/v1/models/gemini-2.5-pro:generateContent",
        "/v1beta/models/gemini-2.5-pro:generateContent",
    );
    for (path, target) in [
        (
            "/v1beta/models/gemini/gemini-2.5-pro:generateContent",
            v1beta,
        ),
        (
            "/gemini/v1beta/models/gemini-2.5-pro:generateContent",
            v1beta,
        ),
        (v1, v1),
    ] {
        let answer = ask(&server, &holder, path, &body).expect(200);
        assert_eq!(provider.last().target, target);
        assert_eq!(provider.last().header("x-goog-api-key"), Some(PROVIDER_KEY));
        assert!(answer.header("x-tollkeeper-cost").is_some());
    }
    let names = server
        .client
        .with_virtual_key(&holder.key)
        .get("/gemini/v1beta/models")
        .expect(200)
        .json();
    assert!(names["models"].as_array().unwrap().len() > 5);
}

#[test]
fn what_nobody_could_charge_for_is_refused() {
    let provider = Upstream::chats();
    let server = start(|_| {}, every_dialect(&provider));
    let holder = server.client.make_holder("ada", &every_model());
    let responses = |more: Value| {
        let mut body = json!({ "model": "gpt-4o", "input": "hello" });
        extend(&mut body, &more);
        ("/v1/responses", body)
    };
    let claude = |more: Value| {
        let mut body = json!({ "model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [] });
        extend(&mut body, &more);
        ("/v1/messages", body)
    };
    let gemini = |more: Value| ("/v1beta/models/gemini-2.5-pro:generateContent", more);
    for (path, body) in [
        (CHAT, hello(&json!({ "service_tier": "priority" }))),
        (CHAT, hello(&json!({ "service_tier": 1 }))),
        responses(json!({ "tools": [{ "type": "image_generation", "model": "gpt-image-1" }] })),
        responses(
            json!({ "tools": [{ "type": "function", "name": "f" }, { "type": "code_interpreter" }] }),
        ),
        responses(json!({ "tools": [{ "type": "file_search", "vector_store_ids": ["vs_1"] }] })),
        responses(json!({ "input": [{ "type": "item_reference", "id": "msg_1" }] })),
        claude(json!({ "speed": "fast" })),
        claude(json!({ "inference_geo": "us" })),
        claude(json!({ "container": "c_1" })),
        claude(json!({ "tools": [{ "type": "code_execution_20250825", "name": "x" }] })),
        gemini(json!({ "contents": [], "tools": [{ "google_search": {} }] })),
        gemini(json!({ "contents": [], "cachedContent": "cachedContents/1" })),
    ] {
        let refused = ask(&server, &holder, path, &body).expect(400);
        assert!(refused.text.len() > 50, "{}", refused.text);
    }
    assert_eq!(provider.received().len(), 0);
    for (path, body) in [
        (
            CHAT,
            hello(
                &json!({ "service_tier": "auto", "tools": [{ "type": "function", "function": { "name": "f" } }] }),
            ),
        ),
        responses(
            json!({ "tools": [{ "type": "web_search" }, { "type": "custom", "name": "c" }], "input": [{ "role": "user", "content": "hello" }] }),
        ),
    ] {
        ask(&server, &holder, path, &body).expect(200);
    }
    let headers = [
        ("x-goog-api-key", holder.key.as_str()),
        ("content-type", "application/json"),
        ("x-goog-fieldmask", "candidates"),
    ];
    let path = "/v1beta/models/gemini-2.5-pro:generateContent?fields=candidates&$fields=x&alt=proto&callback=f";
    server
        .client
        .raw("POST", path, &headers, Some(b"{\"contents\":[]}"))
        .expect(200);
    let sent = provider.last();
    assert_eq!(
        (sent.target.as_str(), sent.header("x-goog-fieldmask")),
        ("/v1beta/models/gemini-2.5-pro:generateContent", None)
    );
}

#[test]
fn a_provider_that_is_not_set_up_right_costs_nothing_and_is_not_the_callers_fault() {
    let provider = Upstream::start(|request| match request.json()["max_tokens"].as_i64() {
        Some(1) => Script::Json(
            401,
            json!({ "error": { "message": "Incorrect API key provided: sk-of-the-provider" } }),
        ),
        _ => Script::Json(308, json!({})),
    });
    let (server, holder) = carried(&provider);
    for max_tokens in [1, 2] {
        let reply = ask(
            &server,
            &holder,
            CHAT,
            &hello(&json!({ "max_tokens": max_tokens })),
        )
        .expect(502);
        assert_eq!(reply.json()["error"]["code"], "upstream_set_up");
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        assert!(!reply.text.contains("sk-of"));
    }
    assert_eq!(spent(&server, &holder), (0.0, 0.0));
}

#[test]
fn sound_costs_at_least_what_its_length_or_text_may_cost() {
    let provider = Upstream::start(|request| {
        if request.target.ends_with("speech") {
            Script::Bytes("audio/mpeg", vec![7; 100])
        } else {
            Script::Bytes("text/plain", b"hello".to_vec())
        }
    });
    let (server, _) = carried(&provider);
    let all = json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }], "budgets": [{ "max_limit": 10 }] });
    let holder = server.client.make_holder("bob", &all);
    let speech = json!({ "model": "gpt-4o-mini-tts", "voice": "alloy", "input": "x".repeat(1000) });
    ask(&server, &holder, "/v1/audio/speech", &speech).expect(200);
    // 3,000 output tokens at $12 a million.
    let (spoken, _) = spent(&server, &holder);
    assert!(spoken >= 0.036, "{spoken}");
    let form = format!(
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\ncontent-disposition: form-data; name=\"response_format\"\r\n\r\ntext\r\n\
         --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\ncontent-type: audio/mpeg\r\n\r\n{}\r\n--b--\r\n",
        "s".repeat(60_000)
    );
    let headers = [
        ("x-api-key", holder.key.as_str()),
        ("content-type", "multipart/form-data; boundary=b"),
    ];
    server
        .client
        .raw(
            "POST",
            "/v1/audio/transcriptions",
            &headers,
            Some(form.as_bytes()),
        )
        .expect(200);
    let (both, held) = spent(&server, &holder);
    // A minute at least, at $0.006.
    assert!(both - spoken >= 0.006 && held == 0.0, "{both} {spoken}");
    let twice = [
        ("x-api-key", holder.key.as_str()),
        ("content-type", "multipart/form-data; boundary=b"),
        ("content-type", "multipart/form-data; boundary=c"),
    ];
    server
        .client
        .raw(
            "POST",
            "/v1/audio/transcriptions",
            &twice,
            Some(form.as_bytes()),
        )
        .expect(400);
}

#[test]
fn a_file_that_the_provider_keeps_is_named_only_where_the_operator_shares_files() {
    let provider = Upstream::chats();
    let server = start(|_| {}, every_dialect(&provider));
    let holder = server.client.make_holder("ada", &every_model());
    let part = |part: Value| json!([{ "role": "user", "content": [part] }]);
    let chat = |of: Value| (CHAT, hello(&json!({ "messages": part(of) })));
    let responses = |of: Value| {
        let body = json!({ "model": "gpt-4o", "input": part(of) });
        ("/v1/responses", body)
    };
    let claude = |source: Value| {
        let messages = part(json!({ "type": "document", "source": source }));
        let body = json!({ "model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages });
        ("/v1/messages", body)
    };
    let gemini = |address: &str| {
        let body = json!({ "contents": [{ "parts": [{ "fileData": { "fileUri": address } }] }] });
        ("/v1beta/models/gemini-2.5-pro:generateContent", body)
    };
    let by_id = chat(json!({ "type": "file", "file": { "file_id": "file-1" } }));
    for (path, body) in [
        by_id.clone(),
        responses(json!({ "type": "input_file", "file_id": "file-1" })),
        responses(json!({ "type": "input_image", "file_id": "file-1" })),
        claude(json!({ "type": "file", "file_id": "file_1" })),
        gemini("https://generativelanguage.googleapis.com/v1beta/files/abc"),
        gemini("files/abc"),
        gemini("HTTPS://GenerativeLanguage.GoogleAPIs.com.:443/v1beta/%66iles/abc"),
        gemini("GS://bucket/of-the-house.pdf"),
        gemini("gs://bucket/of-the-house.pdf"),
    ] {
        let refused = ask(&server, &holder, path, &body).expect(400);
        assert!(refused.text.contains("file"), "{}", refused.text);
    }
    assert_eq!(provider.received().len(), 0);
    for (path, body) in [
        chat(
            json!({ "type": "file", "file": { "file_data": "data:application/pdf;base64,AAAA" } }),
        ),
        responses(json!({ "type": "input_file", "file_url": "https://example.com/files/a.pdf" })),
        claude(json!({ "type": "url", "url": "https://example.com/files/a.pdf" })),
        gemini("https://example.com/files/a.mp4"),
        (
            "/v1beta/models/gemini-2.5-pro:generateContent",
            json!({ "contents": [{ "parts": [{ "functionResponse": { "name": "f", "response": { "file_id": "abc" } } }] }] }),
        ),
        (CHAT, hello(&json!({ "metadata": { "file_id": "ours" } }))),
        (
            CHAT,
            hello(&json!({ "messages": part(json!({ "type": "text", "text": "file_id" })) })),
        ),
        (
            CHAT,
            hello(
                &json!({ "tools": [{ "type": "function", "function": { "name": "f",
            "parameters": { "type": "object", "properties": { "file_id": { "type": "string" } } } } }] }),
            ),
        ),
    ] {
        ask(&server, &holder, path, &body).expect(200);
    }
    let sharing = upstream("openai", provider.port, "unmetered_paths = ['/v1/files']");
    let server = start(|_| {}, vec![sharing]);
    let holder = server.client.make_holder("ada", &every_model());
    ask(&server, &holder, by_id.0, &by_id.1).expect(200);
}

#[test]
fn a_client_of_http_1_0_gets_a_stream_as_it_is_and_sees_its_end() {
    let provider = Upstream::chats();
    let (server, holder) = carried(&provider);
    let body = hello(&json!({ "stream": true })).to_string();
    let request = format!(
        "POST {CHAT} HTTP/1.0\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        holder.key,
        body.len()
    );
    let answer = exchange(server.client.port, request).expect(200);
    assert_eq!(answer.header("transfer-encoding"), None);
    let events = &answer.text;
    assert!(
        events.starts_with("data: ") && events.ends_with("data: [DONE]\n\n"),
        "{events}"
    );
}
