//! Forward-auth where the gateway shows the body of the request: what is decided on is what the body asks for.

use serde_json::{Value, json};

use crate::support::body_tricks::{
    NO_MODELS, NO_OBJECTS, ONE_MODEL, OTHER_SPELLINGS, REROUTING, TWO_MODELS,
};
use crate::support::holders::Holder;
use crate::support::wire::Wire;
use crate::support::{Reply, Server};

const EXACT: &str = "/v1/forward-auth";
const CHAT: &str = "/v1/forward-auth/v1/chat/completions";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Somebody who may use `gpt-4o` alone, and a server before whom nobody is counted.
fn start() -> (Server, Holder) {
    let server = Server::start();
    let policy = json!({
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o", "g"] }],
        "rate_limit": { "request_max_limit": 1000, "request_reset_duration": "1d" },
    });
    let holder = server.client.make_holder("ada", &policy);
    (server, holder)
}

fn ask(server: &Server, path: &str, more: &[(&str, &str)], body: &[u8], key: &str) -> Reply {
    let headers = [&[("x-api-key", key)], more].concat();
    server.client.raw("POST", path, &headers, Some(body))
}

/// How many requests were counted.
fn counted(server: &Server, holder: &Holder) -> i64 {
    let quota = server.client.with_virtual_key(&holder.key).get("/v1/quota");
    let copy = &quota.expect(200).json()["access_profiles"][0];
    copy["rate_limit"]["request_current_usage"]
        .as_i64()
        .unwrap()
}

#[test]
fn the_model_of_the_body_is_decided_on_wherever_it_stands() {
    let (server, holder) = start();
    let mut expected = 0;
    let large = format!(
        r#"{{"messages":[{{"content":"{}"}}],"model":"gpt-4o"}}"#,
        "x".repeat(3_000_000)
    );
    for path in [EXACT, CHAT, "/v1/forward-auth/api/chat?x=1"] {
        for body in ONE_MODEL.into_iter().chain([&*large]) {
            ask(&server, path, &[JSON], body.as_bytes(), &holder.key).expect(200);
            let other = body
                .replace("gpt-4o", "gpt-5")
                .replace("gpt\\u002d4o", "o3");
            if !body.contains("metadata") {
                let refused = ask(&server, path, &[JSON], other.as_bytes(), &holder.key);
                assert_eq!(refused.status, 403, "{path} {}", refused.text);
                assert_eq!(
                    refused.header("x-tollkeeper-refusal"),
                    Some("model_blocked")
                );
            }
            expected += 1;
            assert_eq!(counted(&server, &holder), expected);
        }
    }
}

#[test]
fn a_body_that_could_be_read_in_two_ways_is_let_in_by_nothing() {
    let (server, holder) = start();
    let member = |member: &str| format!(r#"{{"model":"gpt-4o",{member}}}"#).into_bytes();
    let bodies: Vec<Vec<u8>> = [
        TWO_MODELS
            .map(|(body, _)| body.as_bytes().to_vec())
            .to_vec(),
        NO_MODELS
            .map(|model| format!(r#"{{"model":{model}}}"#).into_bytes())
            .to_vec(),
        NO_OBJECTS.map(|(body, _)| body.to_vec()).to_vec(),
        OTHER_SPELLINGS
            .map(|name| member(&format!(r#""{name}":1"#)))
            .to_vec(),
        REROUTING.map(member).to_vec(),
        vec![
            b"{}".to_vec(),
            br#"{"model":"gpt-4o","model":"gpt-4o"}"#.to_vec(),
            br#"{"model":"gpt-4o","n":1,"n":2}"#.to_vec(),
            br#"{"model":" gpt-4o"}"#.to_vec(),
            member(&format!(r#""user":"{}""#, holder.key)),
            member(r#""previous_response_id":"resp_1""#),
            member(r#""background":true"#),
        ],
    ]
    .concat();
    for path in [EXACT, CHAT, "/v1/forward-auth//v1/chat/completions"] {
        for body in &bodies {
            // A header that names what is allowed helps nobody.
            for more in [&[JSON][..], &[JSON, ("x-model", "gpt-4o")]] {
                if body.is_empty() {
                    continue;
                }
                let refused = ask(&server, path, more, body, &holder.key);
                let shown = String::from_utf8_lossy(body);
                assert_eq!(refused.status, 400, "{path} {shown} {}", refused.text);
                assert!(!refused.text.contains(&holder.key));
            }
        }
    }
    assert_eq!(counted(&server, &holder), 0);
}

#[test]
fn a_body_of_another_kind_is_let_in_only_where_its_path_is_one_that_takes_it() {
    let (server, holder) = start();
    let chat = br#"{"model":"gpt-4o"}"#;
    let refused = |path: &str, more: &[(&str, &str)], body: &[u8], status: u16| {
        let more = [more, &[("x-model", "gpt-4o")]].concat();
        let reply = ask(&server, path, &more, body, &holder.key);
        assert_eq!(reply.status, status, "{path} {more:?} {}", reply.text);
    };
    for path in [EXACT, CHAT] {
        refused(path, &[], chat, 400);
        refused(path, &[("content-type", "text/plain")], chat, 415);
        refused(
            path,
            &[("content-type", "application/json; charset=utf-16")],
            chat,
            415,
        );
        refused(path, &[JSON, ("content-encoding", "gzip")], chat, 415);
        refused(path, &[JSON, ("content-type", "text/plain")], chat, 400);
        refused(path, &[JSON, JSON], chat, 400);
    }
    let form = |model: &str| {
        let part = |name: &str, value: &str| {
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\nabc\r\n";
        format!("{}{file}--b--\r\n", part("model", model)).into_bytes()
    };
    let kind = ("content-type", "multipart/form-data; boundary=b");
    let heard = "/v1/forward-auth/v1/audio/transcriptions";
    ask(&server, heard, &[kind], &form("gpt-4o"), &holder.key).expect(200);
    ask(&server, heard, &[kind], &form("whisper-1"), &holder.key).expect(403);
    for (path, body) in [
        (EXACT, form("gpt-4o")),
        ("/v1/forward-auth/v1/files", form("gpt-4o")),
        ("/v1/forward-auth/v1/audio/transcriptions/", form("gpt-4o")),
        (CHAT, form("gpt-4o")),
    ] {
        refused(path, &[kind], &body, 415);
    }
    let twice = [&form("gpt-4o")[..form("gpt-4o").len() - 7], &form("gpt-4o")].concat();
    refused(heard, &[kind], &twice, 400);
    assert_eq!(counted(&server, &holder), 1);
}

#[test]
fn headers_beside_a_body_must_name_the_same() {
    let (server, holder) = start();
    let said = |headers: &[(&str, &str)], body: &str| {
        let more = [&[JSON], headers].concat();
        let reply = ask(&server, EXACT, &more, body.as_bytes(), &holder.key);
        let code = reply.header("x-tollkeeper-refusal").map(str::to_owned);
        (reply.status, code, reply)
    };
    let (plain, prefixed) = (r#"{"model":"gpt-4o"}"#, r#"{"model":"openai/gpt-4o"}"#);
    for (headers, body) in [
        (&[("x-model", "gpt-4o")][..], plain),
        (&[("x-model", "GPT-4o")], plain),
        (&[("x-model", "openai/gpt-4o")], plain),
        (&[("x-model", "gpt-4o")], prefixed),
        (&[("x-model", "gpt-4o"), ("x-provider", "OpenAI")], prefixed),
        (&[("x-model", "")], plain),
    ] {
        let (status, _, reply) = said(headers, body);
        assert_eq!(status, 200, "{headers:?} {}", reply.text);
    }
    for (headers, body, code, names) in [
        (
            &[("x-model", "gpt-5")][..],
            plain,
            "model_differs",
            ["gpt-5", "gpt-4o"],
        ),
        (
            &[("x-model", "gpt-4o-mini")],
            plain,
            "model_differs",
            ["gpt-4o-mini", "gpt-4o"],
        ),
        (
            &[("x-model", "x/gpt-4o"), ("x-provider", "openai")],
            plain,
            "model_differs",
            ["x/gpt-4o", "gpt-4o"],
        ),
        (
            &[("x-model", "azure/gpt-4o")],
            prefixed,
            "model_differs",
            ["azure/gpt-4o", "openai/gpt-4o"],
        ),
        (
            &[("x-provider", "anthropic")],
            prefixed,
            "provider_differs",
            ["anthropic", "openai"],
        ),
    ] {
        let (status, said, reply) = said(headers, body);
        assert_eq!(
            (status, said.as_deref()),
            (400, Some(code)),
            "{headers:?} {}",
            reply.text
        );
        for name in names {
            assert!(reply.message().contains(name), "{}", reply.message());
        }
    }
    // A provider may have models of another's name.
    let routed = json!({ "provider_configs": [{ "provider_name": "openrouter", "all_models_allowed": true }] });
    let bob = server.client.make_holder("bob", &routed);
    let more = [JSON, ("x-provider", "openrouter")];
    ask(
        &server,
        EXACT,
        &more,
        br#"{"model":"openai/gpt-4o"}"#,
        &bob.key,
    )
    .expect(200);
}

#[test]
fn the_beginning_of_a_body_is_not_taken_for_all_of_it() {
    let (server, holder) = start();
    let body = br#"{"model":"gpt-4o"}"#;
    for (value, status) in [("false", 200), ("true", 413), ("True", 413), ("1", 413)] {
        for path in [EXACT, CHAT] {
            let more = [JSON, ("x-envoy-auth-partial-body", value)];
            let reply = ask(&server, path, &more, body, &holder.key);
            assert_eq!(reply.status, status, "{value} {}", reply.text);
            if status == 413 {
                assert!(
                    reply.message().contains("max_request_bytes"),
                    "{}",
                    reply.text
                );
            }
        }
    }
}

#[test]
fn a_body_in_chunks_is_read_as_any_other_and_an_empty_one_is_none() {
    let (server, holder) = start();
    let status = |path: &str, chunks: &str| {
        let mut wire = Wire::open(server.client.port);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
            holder.key
        );
        wire.send(format!("{head}{chunks}0\r\n\r\n").as_bytes());
        wire.head().status
    };
    assert_eq!(
        status(EXACT, "a\r\n{\"model\":\"\r\n8\r\ngpt-4o\"}\r\n"),
        200
    );
    assert_eq!(
        status(EXACT, "a\r\n{\"model\":\"\r\n7\r\ngpt-5\"}\r\n"),
        403
    );
    // As a call it names no model; on the exact path it may be anything.
    assert_eq!(status(CHAT, ""), 400);
    assert_eq!(status(EXACT, ""), 200);
    assert_eq!(counted(&server, &holder), 1);
}

#[test]
fn a_body_is_as_large_as_the_proxy_takes_it() {
    let server = Server::start_with(|settings| settings.proxy.max_body = 1 << 20);
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let body = |length: usize| format!(r#"{{"model":"gpt-4o","x":"{}"}}"#, "x".repeat(length));
    for path in [EXACT, CHAT] {
        let most = body((1 << 20) - body(0).len());
        ask(&server, path, &[JSON], most.as_bytes(), &holder.key).expect(200);
        let larger = body(1 << 20);
        ask(&server, path, &[JSON], larger.as_bytes(), &holder.key).expect(413);
    }
}

#[test]
fn a_model_in_the_path_counts_as_one_in_the_body() {
    let (server, holder) = start();
    let at =
        |model: &str| format!("/v1/forward-auth/v1beta/models/{model}:generateContent?alt=sse");
    let content = json!({ "contents": [] });
    let said = |path: &str, more: &[(&str, &str)], body: &Value| {
        let more = [&[JSON], more].concat();
        ask(
            &server,
            path,
            &more,
            body.to_string().as_bytes(),
            &holder.key,
        )
    };
    said(&at("g"), &[], &content).expect(200);
    said(&at("g"), &[("x-model", "G")], &content).expect(200);
    said(&at("h"), &[], &content).expect(403);
    said(&at("h"), &[("x-model", "g")], &content).expect(400);
    said(&at("h"), &[], &json!({ "model": "models/g" })).expect(400);
    // Some gateways ask with GET whatever they are asked.
    let got = |path: &str| {
        let headers = [("x-goog-api-key", holder.key.as_str())];
        server.client.raw("GET", path, &headers, None)
    };
    got(&at("h")).expect(403);
    got("/v1/forward-auth/v1/models/h:generateContent").expect(403);
    got("/v1/forward-auth/v1beta/models/h").expect(200);
    // A file that the provider keeps, maybe of somebody else.
    let file = json!({ "contents": [{ "parts": [{ "fileData": { "fileUri": "files/a" } }] }] });
    said(&at("g"), &[], &file).expect(400);
    // Where the gateway requires a known path, a body that names an allowed model is not enough.
    let unknown = "/v1/forward-auth/openai/deployments/h/extensions/chat/completions";
    let known_alone = [("x-tollkeeper-require", "path")];
    said(unknown, &known_alone, &json!({ "model": "g" })).expect(400);
    said(&at("g"), &known_alone, &content).expect(200);
    // A path that some server reads as such a one, and whose body names nothing.
    for path in [
        "/v1/forward-auth//v1beta/models/h:generateContent",
        "/v1/forward-auth/v1beta/./models/h:generateContent",
        "/v1/forward-auth/v1beta/models/h%3AgenerateContent",
        "/v1/forward-auth/v1beta/models/g/../h:generateContent",
    ] {
        said(path, &[("x-model", "g")], &content).expect(400);
        said(path, &[], &content).expect(400);
    }
    assert_eq!(counted(&server, &holder), 3);
}
