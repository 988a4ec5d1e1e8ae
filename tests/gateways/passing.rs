//! What passes a gateway and what does not, whichever it is.

use serde_json::json;

use crate::gateway::Gateway;
use crate::support::body_tricks::{
    NO_MODELS, NO_OBJECTS, ONE_MODEL, OTHER_SPELLINGS, REROUTING, TWO_MODELS,
};
use crate::support::holders::Holder;
use crate::support::upstream::{Received, Script, Upstream};
use crate::support::{Client, process::Process};

const CHAT: &str = "/v1/chat/completions";
const JSON: &str = "application/json";
/// A call of an allowed model, and one of a model that is not.
const ALLOWED: &str = r#"{"model":"gpt-5"}"#;
const FORBIDDEN: &str = r#"{"model":"claude-opus"}"#;

/// Something behind a gateway that remembers what reaches it.
pub fn upstream() -> Upstream {
    Upstream::start(|_| Script::Json(200, json!({ "reached": true })))
}

/// Two people with as many requests as the tests need, who may use models that begin with `gpt-5`.
pub fn people(server: &Process) -> [Holder; 2] {
    let policy = json!({
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-5*"] }],
        "budgets": [{ "max_limit": 1, "reset_duration": "1d" }],
        "rate_limit": { "request_max_limit": 1000, "request_reset_duration": "1d" },
    });
    ["ada", "bob"].map(|name| server.client.make_holder(name, &policy))
}

/// How many requests of a key are counted.
pub fn counted(client: &Client, holder: &Holder) -> i64 {
    let quota = client.with_virtual_key(&holder.key).get("/v1/quota");
    let copy = &quota.expect(200).json()["access_profiles"][0];
    copy["rate_limit"]["request_current_usage"]
        .as_i64()
        .unwrap()
}

/// Behind a gateway that shows no body, calls need `x-model` and a path of calls; lists of models and preflights pass.
pub fn what_no_body_is_shown_of(gateway: &Gateway, key: &str) {
    let bearer = format!("Authorization: Bearer {key}");
    let key = ["-H", bearer.as_str()];
    let at = |path: &str, more: &[&str]| gateway.curl_at(path, &[&key, more].concat());
    let body = ["-H", "Content-Type: application/json", "-d", "{}"];
    let model = ["-H", "x-model: gpt-5"];
    let passed = |(status, text): (u16, String)| {
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("upstream for user"), "{text}");
        assert!(!text.contains("tk_vk_"), "{text}");
    };
    passed(at("/v1/models", &[]));
    passed(at("/v1/models?x=1", &["-H", "x-api-key: sk-x"]));
    let preflight = ["-X", "OPTIONS", "-H", "Access-Control-Request-Method: POST"];
    passed(gateway.curl_at(CHAT, &preflight));
    for (path, more, status) in [
        (CHAT, &body[..], 400),
        (CHAT, &[], 400),
        // What its client says of the request is not what the gateway says, nor is it asked for it in the query.
        (
            CHAT,
            &[
                &body[..],
                &[
                    "-H",
                    "X-Forwarded-Uri: /v1/models",
                    "-H",
                    "X-Forwarded-Method: GET",
                ],
            ]
            .concat(),
            400,
        ),
        (
            CHAT,
            &[&body[..], &["-H", "Access-Control-Request-Method: POST"]].concat(),
            400,
        ),
        (
            "/v1/chat/completions?require=key&hold=1&trust=x",
            &body[..],
            400,
        ),
        (
            "/v1/messages/count_tokens/../../chat/completions",
            &[&body[..], &model].concat(),
            400,
        ),
        ("/v1/models", &body[..], 400),
        // A path of which nobody knows what it costs.
        ("/v1/realtime?model=gpt-4o", &model[..], 400),
        ("/v1/x/../models", &model[..], 400),
        ("/v1/files", &model[..], 400),
        ("/v1/batches", &[&body[..], &model].concat(), 400),
    ] {
        let (answered, text) = at(path, more);
        assert_eq!(answered, status, "{path} {more:?} {text}");
    }
    for path in ["/v1/models", CHAT] {
        let (status, text) = gateway.curl_at(path, &["-H", "x-model: gpt-5"]);
        assert_eq!(status, 401, "{path} {text}");
    }
}

/// Behind a gateway that shows bodies, what is decided on is what is called.
pub fn nothing_but_what_is_allowed(
    gateway: &Gateway,
    server: &Process,
    upstream: &Upstream,
) -> [Holder; 2] {
    let [ada, bob] = people(server);
    let mut reached = 0;
    let mut passes = |path: &str, (kind, body): (&str, &[u8]), more: &[&str]| {
        let (status, text) = gateway.post(path, &ada.key, (kind, body), more);
        assert_eq!(status, 200, "{path} {more:?} {text}");
        reached += 1;
        let all = upstream.received();
        assert_eq!(all.len(), reached, "{path}");
        let last = all.last().unwrap();
        assert_eq!(last.body, body);
        assert!(!last.text().contains("tk_vk_"), "{}", last.text());
        let key = last.header("authorization");
        assert_eq!(key, Some("Bearer the-key-of-the-provider"));
    };
    let large = format!(
        r#"{{"messages":"{}","model":"gpt-5"}}"#,
        "x".repeat(3_000_000)
    );
    passes(CHAT, (JSON, ALLOWED.as_bytes()), &[]);
    passes(
        CHAT,
        (JSON, ALLOWED.as_bytes()),
        &["-H", "x-model: openai/GPT-5"],
    );
    passes(CHAT, (JSON, large.as_bytes()), &[]);
    for body in ONE_MODEL {
        let body = body.replace("\"gpt-5\"", "\"x\"");
        let body = body
            .replace("gpt-4o", "gpt-5")
            .replace("gpt\\u002d4o", "gpt\\u002d5");
        passes(CHAT, (JSON, body.as_bytes()), &[]);
    }
    passes("/v1beta/models/gpt-5:generateContent", (JSON, b"{}"), &[]);
    let form = [
        &b"--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ngpt-5\r\n\
           --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"[..],
        &[0xff, 0x00, 0x80, 0xfe],
        b"\r\n--b--\r\n",
    ]
    .concat();
    passes(
        "/v1/audio/transcriptions",
        ("multipart/form-data; boundary=b", &form),
        &[],
    );
    // What costs nothing is not counted.
    let before = counted(&server.client, &ada);
    passes("/v1/messages/count_tokens", (JSON, ALLOWED.as_bytes()), &[]);
    assert_eq!(counted(&server.client, &ada), before);

    let before = (upstream.received().len(), counted(&server.client, &ada));
    let stopped = |path: &str, body: &[u8], more: &[&str]| {
        let (status, text) = gateway.post(path, &ada.key, (JSON, body), more);
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        assert!(
            matches!(status, 400..=499),
            "{path} {shown} {more:?} {text}"
        );
        let now = (upstream.received().len(), counted(&server.client, &ada));
        assert_eq!(now, before, "{path} {shown} {more:?}");
    };
    body_tricks(&stopped);
    header_tricks(&stopped, &bob);
    path_tricks(&stopped);

    free_requests(gateway, upstream, &ada, before.1, server);
    [ada, bob]
}

type Stopped<'s> = dyn Fn(&str, &[u8], &[&str]) + 's;

fn body_tricks(stopped: &Stopped<'_>) {
    let member = |member: &str| format!(r#"{{"model":"gpt-5",{member}}}"#).into_bytes();
    for (body, _) in TWO_MODELS {
        stopped(CHAT, body.replace("gpt-4o", "claude-opus").as_bytes(), &[]);
        stopped(
            CHAT,
            body.replace("gpt-4o", "claude-opus").as_bytes(),
            &["-H", "x-model: gpt-5"],
        );
    }
    for model in NO_MODELS {
        stopped(
            CHAT,
            format!(r#"{{"model":{model}}}"#).as_bytes(),
            &["-H", "x-model: gpt-5"],
        );
    }
    for (body, _) in NO_OBJECTS.iter().filter(|(body, _)| !body.is_empty()) {
        stopped(CHAT, body, &["-H", "x-model: gpt-5"]);
    }
    for name in OTHER_SPELLINGS {
        stopped(CHAT, &member(&format!(r#""{name}":"claude-opus""#)), &[]);
    }
    for rerouting in REROUTING {
        stopped(CHAT, &member(rerouting), &[]);
    }
    stopped(CHAT, FORBIDDEN.as_bytes(), &[]);
    stopped(
        CHAT,
        &member(&format!(
            r#""x":"{}","model":"claude-opus""#,
            "x".repeat(3_000_000)
        )),
        &[],
    );
    stopped(
        CHAT,
        FORBIDDEN.as_bytes(),
        &["-H", "Transfer-Encoding: chunked"],
    );
    stopped(CHAT, ALLOWED.as_bytes(), &["-H", "Content-Encoding: gzip"]);
}

fn header_tricks(stopped: &Stopped<'_>, bob: &Holder) {
    let bobs = format!("x-api-key: {}", bob.key);
    for headers in [
        &["x-model: gpt-5"][..],
        &["x-model: gpt-5", "x-model: claude-opus"],
        &["x-model: gpt-5, claude-opus"],
        &["x-model: gpt-5/../claude-opus"],
        &["x-model: gpt-5\u{e9}"],
        &["x-model;", "x-model: gpt-5"],
        &["x_model: gpt-5"],
        &["x-provider: anthropic"],
        &["x-model: gpt-5", "Authorization: Bearer junk"],
        &["x-model: gpt-5", &bobs],
        &["x-model: gpt-5", "Connection: x-model, authorization"],
        &["x-model: gpt-5", "Connection: content-type, content-length"],
        &["X-Forwarded-Uri: /v1/models", "X-Forwarded-Method: GET"],
        &["X-Original-Uri: /v1/models", "X-Original-Method: GET"],
        &["Connection: X-Forwarded-Uri, X-Forwarded-Method"],
        &[
            "X-Forwarded-Method: OPTIONS",
            "Access-Control-Request-Method: POST",
        ],
        &["x-http-method-override: GET"],
        &[
            "x-envoy-auth-partial-body: false",
            "x-envoy-original-path: /v1/models",
        ],
        &[
            "Upgrade: websocket",
            "Connection: Upgrade",
            "x-model: gpt-5",
        ],
        &["x-tollkeeper-hold: 1", "x-tollkeeper-status: 200"],
        &["Content-Type: text/plain"],
    ] {
        let arguments: Vec<&str> = headers.iter().flat_map(|header| ["-H", header]).collect();
        stopped(CHAT, FORBIDDEN.as_bytes(), &arguments);
    }
    // Keys of two people: nobody can tell which is meant.
    stopped(CHAT, ALLOWED.as_bytes(), &["-H", &bobs]);
    stopped(
        CHAT,
        FORBIDDEN.as_bytes(),
        &["--http1.0", "-H", "x-model: gpt-5"],
    );
    stopped(CHAT, ALLOWED.as_bytes(), &["-H", "x-model: claude-opus"]);
}

fn path_tricks(stopped: &Stopped<'_>) {
    for path in [
        "/v1/realtime?model=gpt-4o",
        "/v1/batches",
        "/v1/responses/r_1/cancel",
        "//v1beta/models/claude-opus:generateContent",
        "/v1beta/models/gpt-5/../claude-opus:generateContent",
        "/v1beta/models/claude-opus%3AgenerateContent",
        "/v1beta/models/claude-opus:generateContent",
        "/../quota",
        "/..;/v1/models",
    ] {
        stopped(path, b"{}", &[]);
        stopped(path, b"{}", &["-H", "x-model: gpt-5"]);
    }
    // Whoever serves them may go by the path, and not by the body.
    for path in [
        "/openai/deployments/claude-opus/extensions/chat/completions",
        "/openai/deployments/claude%2Dopus/chat/completions",
        "/v1beta/models/claude-opus%3AgenerateContent",
        "/v1beta/models/claude-opus:predictLongRunning",
        "/v1/files",
        "/v1/fine_tuning/jobs",
    ] {
        stopped(path, ALLOWED.as_bytes(), &[]);
    }
    for path in [
        "/v1/chat/completions?require=key&hold=1&refuse_with=403&trust=x-forwarded-uri",
        "/v1/messages/count_tokens/../../chat/completions",
        "/v1/models",
        "/v1/models/../chat/completions",
    ] {
        stopped(path, FORBIDDEN.as_bytes(), &["-H", "x-model: gpt-5"]);
    }
}

/// Lists of models and preflights pass and are not counted; another request without a body does not.
fn free_requests(
    gateway: &Gateway,
    upstream: &Upstream,
    ada: &Holder,
    before: i64,
    server: &Process,
) {
    let key = format!("x-api-key: {}", ada.key);
    let last = || -> Received { upstream.last() };
    let (status, text) = gateway.curl_at("/v1/models", &["-H", &key]);
    assert_eq!(status, 200, "{text}");
    assert_eq!((&*last().method, &*last().target), ("GET", "/v1/models"));
    let preflight = [
        "-X",
        "OPTIONS",
        "-H",
        "Access-Control-Request-Method: POST",
        "-H",
        "Origin: https://x.example",
    ];
    let (status, text) = gateway.curl_at(CHAT, &preflight);
    assert_eq!(status, 200, "{text}");
    assert_eq!(last().method, "OPTIONS");
    let passed = upstream.received().len();
    for (path, arguments, status) in [
        ("/v1/models", &[][..], 401),
        (CHAT, &["-X", "OPTIONS", "-H", &key], 400),
        (CHAT, &["-X", "POST", "-H", &key], 400),
        (
            "/v1/realtime?model=gpt-4o",
            &["-H", &key, "-H", "x-model: gpt-5"],
            400,
        ),
        ("/v1/files", &["-H", &key], 400),
        ("/", &["-H", &key, "-H", "x-model: gpt-5"], 400),
    ] {
        let (answered, text) = gateway.curl_at(path, arguments);
        assert_eq!(answered, status, "{path} {arguments:?} {text}");
    }
    assert_eq!(upstream.received().len(), passed);
    assert_eq!(counted(&server.client, ada), before);
}
