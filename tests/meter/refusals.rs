//! Refusals in the dialect of the caller.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tollkeeper::domain::decision::{LimitState, Refusal, RefusalKind};
use tollkeeper::domain::limits::limit::LimitKind;
use tollkeeper::domain::settings::{BudgetStatus, RefusalSettings};
use tollkeeper::gateway::meter::dialect::{Dialect, Endpoint};
use tollkeeper::gateway::meter::fault::{FaultKind, RequestFault};
use tollkeeper::gateway::refusal::{
    CallFault, DialectAnswer, RefusedRequest, fault_in_dialect, refuse_in_dialect,
};

const DIALECTS: [Dialect; 3] = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini];
const HOUR: i64 = 3_600_000;

fn now() -> i64 {
    "2026-11-12T10:30:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .as_millisecond()
}

fn limit(kind: LimitKind, reset: &str, max: i64, used: i64, resets_in: i64) -> LimitState {
    LimitState {
        access_profile_id: 1,
        copy_id: 2,
        kind,
        place_id: 3,
        named_place_id: 3,
        scope: Arc::from("total"),
        reset_duration: reset.parse().unwrap(),
        max_limit: max,
        effective_max_limit: max,
        used,
        held: 0,
        starts_at: now() - HOUR,
        resets_at: (reset != "never").then_some(now() + resets_in),
    }
}

fn refusal(kind: RefusalKind, limit: Option<LimitState>, retry_after_ms: Option<i64>) -> Refusal {
    Refusal {
        kind,
        message: "the sentence for operators, every 1M (total)".to_owned(),
        limit,
        access_profile_id: Some(1),
        retry_after_ms,
    }
}

fn dry_budget() -> Refusal {
    let wait = "2026-12-01T00:00:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .as_millisecond()
        - now();
    let limit = limit(
        LimitKind::Budget,
        "1M",
        20_000_000_000,
        20_000_000_000,
        wait,
    );
    refusal(RefusalKind::BudgetExceeded, Some(limit), Some(wait))
}

fn request(dialect: Dialect, zone: &TimeZone) -> RefusedRequest<'_> {
    RefusedRequest {
        dialect,
        endpoint: None,
        model: Some("gpt-5"),
        request_id: "req-1",
        now_ms: now(),
        zone,
    }
}

fn answer(dialect: Dialect, refusal: &Refusal) -> DialectAnswer {
    let settings = RefusalSettings {
        contact: Some("#ai-help".to_owned()),
        link: Some("https://toll.example/mine".to_owned()),
        ..RefusalSettings::default()
    };
    refuse_in_dialect(refusal, &request(dialect, &TimeZone::UTC), &settings)
}

fn message(answer: &DialectAnswer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["error"]["message"].as_str().unwrap().to_owned()
}

fn header<'a>(answer: &'a DialectAnswer, name: &str) -> Option<&'a str> {
    let mut headers = answer.headers.iter();
    headers
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}

#[test]
fn a_dry_budget_looks_as_each_provider_writes_it() {
    let text = "Your budget of $20 a month is used up. It comes back on 1 December at 00:00 UTC. Ask #ai-help if you need more. See https://toll.example/mine";
    let bodies = [
        json!({"error": {"message": text, "type": "insufficient_quota", "param": null, "code": "insufficient_quota", "resets_at": 1_796_083_200}}),
        json!({"type": "error", "error": {"type": "billing_error", "message": text}, "request_id": "req-1"}),
        json!({"error": {"code": 402, "message": text, "status": "RESOURCE_EXHAUSTED"}}),
    ];
    for (dialect, expected) in DIALECTS.into_iter().zip(bodies) {
        let answer = answer(dialect, &dry_budget());
        assert_eq!(answer.status, 402);
        assert_eq!(
            serde_json::from_str::<Value>(&answer.body).unwrap(),
            expected
        );
        assert_eq!(header(&answer, "x-should-retry"), Some("false"));
        assert_eq!(header(&answer, "retry-after"), Some("1603800"));
        assert_eq!(header(&answer, "content-type"), Some("application/json"));
        assert_eq!(
            header(&answer, "x-tollkeeper-refusal"),
            Some("budget_exceeded")
        );
    }
}

#[test]
fn a_prepaid_budget_that_is_spent_says_in_no_dialect_when_it_comes_back() {
    let most = 20_000_000_000;
    let of = |used, held| {
        let state = limit(LimitKind::Budget, "never", most, used, 0);
        let state = LimitState { held, ..state };
        refusal(RefusalKind::BudgetExceeded, Some(state), None)
    };
    let settings = RefusalSettings {
        budget_status: BudgetStatus::TooManyRequests,
        ..RefusalSettings::default()
    };
    let zone = TimeZone::UTC;
    for dialect in DIALECTS {
        let spent = of(most, 0);
        let as_429 = refuse_in_dialect(&spent, &request(dialect, &zone), &settings);
        for answer in [answer(dialect, &spent), as_429] {
            let text =
                "Your prepaid budget of $20 is used up, and it does not come back by itself.";
            assert!(message(&answer).starts_with(text), "{}", answer.body);
            for name in ["retry-after", "retry-after-ms"] {
                assert_eq!(header(&answer, name), None);
            }
            assert_eq!(header(&answer, "x-should-retry"), Some("false"));
            for word in ["resets_at", "retryDelay"] {
                assert!(!answer.body.contains(word), "{}", answer.body);
            }
        }
    }
    for (held, text) in [
        (
            0,
            "What is left of your prepaid budget of $20 is too little for this call, and it does not come back by itself.",
        ),
        (
            1_000,
            "What is left of your prepaid budget of $20 is kept for calls that are still running, or too little for this call, and it \
             does not come back by itself.",
        ),
    ] {
        let answer = answer(Dialect::OpenAi, &of(1_000, held));
        assert!(message(&answer).starts_with(text), "{}", answer.body);
    }
}

#[test]
fn a_budget_is_429_where_the_operator_wants_it() {
    let settings = RefusalSettings {
        budget_status: BudgetStatus::TooManyRequests,
        ..RefusalSettings::default()
    };
    let zone = TimeZone::UTC;
    for (dialect, endpoint, kind) in [
        (Dialect::OpenAi, Endpoint::Responses, "usage_limit_reached"),
        (
            Dialect::OpenAi,
            Endpoint::ChatCompletions,
            "insufficient_quota",
        ),
        (Dialect::Anthropic, Endpoint::Messages, "rate_limit_error"),
    ] {
        let request = RefusedRequest {
            endpoint: Some(endpoint),
            ..request(dialect, &zone)
        };
        let answer = refuse_in_dialect(&dry_budget(), &request, &settings);
        assert_eq!(answer.status, 429);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["error"]["type"], kind);
        assert_eq!(header(&answer, "x-should-retry"), Some("false"));
        if dialect == Dialect::OpenAi {
            assert_eq!(body["error"]["resets_at"], 1_796_083_200);
        }
    }
}

#[test]
fn limits_that_have_room_soon_may_be_waited_for() {
    let limit = limit(LimitKind::Requests, "1m", 60, 60, 12_345);
    let refusal = refusal(RefusalKind::RequestLimited, Some(limit), Some(12_345));
    let openai = answer(Dialect::OpenAi, &refusal);
    assert_eq!(openai.status, 429);
    assert!(openai.body.contains("\"code\":\"rate_limit_exceeded\""));
    for (name, value) in [
        ("retry-after", "13"),
        ("retry-after-ms", "12345"),
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "13s"),
    ] {
        assert_eq!(header(&openai, name), Some(value), "{name}");
    }
    assert_eq!(header(&openai, "x-should-retry"), None);
    let anthropic = answer(Dialect::Anthropic, &refusal);
    assert!(anthropic.body.contains("rate_limit_error"));
    let reset = header(&anthropic, "anthropic-ratelimit-requests-reset");
    assert_eq!(reset, Some("2026-11-12T10:30:12.345Z"));
    let gemini = answer(Dialect::Gemini, &refusal);
    assert!(gemini.body.contains("\"retryDelay\":\"13s\""));
}

#[test]
fn who_would_sleep_out_a_long_wait_is_told_when_it_ends_and_not_to_wait() {
    let settings = RefusalSettings::default();
    let zone = TimeZone::UTC;
    let responses = RefusedRequest {
        endpoint: Some(Endpoint::Responses),
        ..request(Dialect::OpenAi, &zone)
    };
    let limited = |wait| {
        let limit = limit(LimitKind::Requests, "1h", 60, 60, wait);
        refusal(RefusalKind::RequestLimited, Some(limit), Some(wait))
    };
    let body = |answer: &DialectAnswer| serde_json::from_str::<Value>(&answer.body).unwrap();
    // Codex repeats a 402 a few times and shows it then, but not before a `retry-after` of weeks has passed.
    let dry = refuse_in_dialect(&dry_budget(), &responses, &settings);
    assert_eq!(dry.status, 402);
    let far = refuse_in_dialect(&limited(2 * HOUR), &responses, &settings);
    assert_eq!(far.status, 429);
    assert_eq!(body(&far)["error"]["type"], "usage_limit_reached");
    assert_eq!(body(&far)["error"]["resets_at"], (now() + 2 * HOUR) / 1_000);
    for answer in [&dry, &far] {
        assert_eq!(header(answer, "retry-after"), None);
        assert_eq!(header(answer, "retry-after-ms"), None);
        assert_eq!(header(answer, "x-should-retry"), Some("false"));
    }
    let near = refuse_in_dialect(&limited(60_000), &responses, &settings);
    assert_eq!(header(&near, "retry-after"), Some("60"));
    assert_eq!(body(&near)["error"]["type"], "requests");
    // Others look at the header themselves, and are told that nothing is won by asking again.
    let chat = answer(Dialect::OpenAi, &limited(2 * HOUR));
    assert_eq!(header(&chat, "retry-after"), Some("7200"));
    assert_eq!(header(&chat, "x-should-retry"), Some("false"));
    assert_eq!(body(&chat)["error"]["type"], "requests");
}

#[test]
fn texts_are_for_the_person_who_reads_them() {
    let budget = |used, resets, wait| {
        let limit = limit(LimitKind::Budget, "1M", 5_500_000_000, used, resets);
        refusal(RefusalKind::BudgetExceeded, Some(limit), wait)
    };
    let tokens = |reset: &str, used, wait| {
        let mut limit = limit(LimitKind::Tokens, reset, 1_000_000, used, wait);
        limit.scope = Arc::from("provider:openai");
        refusal(RefusalKind::TokenLimited, Some(limit), Some(wait))
    };
    let once = limit(LimitKind::Requests, "1h", 1, 1, HOUR);
    let once = refusal(RefusalKind::RequestLimited, Some(once), Some(HOUR));
    let mut held = budget(4_000_000_000, HOUR, Some(30_000));
    held.limit.as_mut().unwrap().held = 1_000_000_000;
    let mut nothing = budget(0, HOUR, None);
    nothing.limit.as_mut().unwrap().effective_max_limit = 0;
    let cases = [
        (
            budget(5_500_000_000, 3 * HOUR, Some(3 * HOUR)),
            "Your budget of $5.50 a month is used up. It comes back in 3 hours.",
        ),
        (
            budget(6_000_000_000, 0, Some(60 * 24 * HOUR)),
            "Your budget of $5.50 a month is used up. It comes back on 11 January 2027 at 10:30 UTC.",
        ),
        (
            budget(1, 0, None),
            "This call may need more than all of your budget of $5.50 a month. Ask for a shorter answer, or send less.",
        ),
        (
            budget(5_500_000_000, 0, None),
            "Your budget of $5.50 a month is used up, and it does not come back by itself.",
        ),
        (
            held,
            "What is left of your budget of $5.50 a month is kept for calls that are still running, or too little for this one. Try again in 30 seconds.",
        ),
        (
            nothing,
            "Your budget is set to 0, so nothing can be called.",
        ),
        (
            tokens("1h", 1_000_000, 90_001),
            "Your limit of 1,000,000 tokens an hour for openai is used up. It comes back in 91 seconds.",
        ),
        (
            tokens("2d", 10, 3 * HOUR - 1),
            "What is left of your limit of 1,000,000 tokens every 2 days for openai is too little for this call. It comes back in 3 hours.",
        ),
        (
            once,
            "Your limit of 1 request an hour is used up. It comes back in 60 minutes.",
        ),
        (
            refusal(RefusalKind::ModelBlocked, None, None),
            "You may not use the model gpt-5.",
        ),
        (
            refusal(RefusalKind::ProviderBlocked, None, None),
            "You may not use the model gpt-5 with this provider.",
        ),
        (
            refusal(RefusalKind::McpToolBlocked, None, None),
            "You may not use this tool.",
        ),
        (
            Refusal::new(
                RefusalKind::AccessBlocked,
                "this virtual key expired at 2026-11-01T00:00:00Z",
            ),
            "Your access to AI models has ended, or is not set up yet.",
        ),
        (
            Refusal::new(RefusalKind::VirtualKeyRequired, "send the key"),
            "Send the key.",
        ),
    ];
    for (refusal, text) in cases {
        let message = message(&answer(Dialect::OpenAi, &refusal));
        let rest = message
            .strip_prefix(text)
            .unwrap_or_else(|| panic!("{message}\n{text}"));
        assert!(rest.starts_with(" Ask #ai-help"), "{rest}");
        for jargon in ["1M", "(total)", "held", "nanodollar", ".000Z"] {
            assert!(!message.contains(jargon), "{message}");
        }
    }
}

#[test]
fn times_are_those_of_the_house() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let request = request(Dialect::OpenAi, &zone);
    let answer = refuse_in_dialect(&dry_budget(), &request, &RefusalSettings::default());
    let text = message(&answer);
    assert!(
        text.ends_with("It comes back on 1 December at 01:00 CET."),
        "{text}"
    );
}

#[test]
fn every_refusal_has_a_status_and_a_name_in_every_dialect() {
    for kind in RefusalKind::ALL {
        for dialect in DIALECTS {
            let answer = answer(dialect, &refusal(kind, None, None));
            let expected = match kind {
                RefusalKind::VirtualKeyRequired | RefusalKind::AccessNotFound => 401,
                RefusalKind::BudgetExceeded => 402,
                RefusalKind::TokenLimited
                | RefusalKind::RequestLimited
                | RefusalKind::RateLimited => 429,
                _ => 403,
            };
            assert_eq!(answer.status, expected, "{kind:?}");
            assert_eq!(header(&answer, "x-should-retry"), Some("false"), "{kind:?}");
            assert_eq!(
                header(&answer, "www-authenticate").is_some(),
                expected == 401
            );
            assert!(answer.headers.iter().all(|(_, value)| value.is_ascii()));
        }
    }
    let blocked = answer(
        Dialect::OpenAi,
        &refusal(RefusalKind::ModelBlocked, None, None),
    );
    assert!(blocked.body.contains("\"code\":\"model_not_found\""));
    assert!(blocked.body.contains("\"param\":\"model\""));
    let unknown = answer(Dialect::OpenAi, &Refusal::unknown_key());
    assert!(unknown.body.contains("\"code\":\"invalid_api_key\""));
}

#[test]
fn no_key_is_repeated() {
    let key = format!("tk_vk_{}_{}", "a".repeat(12), "b".repeat(49));
    let message = format!("what is in authorization is {key}");
    let refusal = Refusal::new(RefusalKind::AccessNotFound, message);
    assert!(
        !answer(Dialect::OpenAi, &refusal)
            .body
            .contains(&"b".repeat(49))
    );
    let fault = CallFault::Request(RequestFault::at(key.clone(), format!("{key} is wrong")));
    let answer = fault_in_dialect(&fault, &request(Dialect::OpenAi, &TimeZone::UTC));
    assert!(!answer.body.contains(&"b".repeat(49)), "{}", answer.body);
}

#[test]
fn faults_look_as_each_provider_writes_them() {
    let at = |kind| CallFault::Request(RequestFault::at("model", "is required").with_kind(kind));
    for (fault, status, names) in [
        (
            at(FaultKind::Invalid),
            400,
            [
                "invalid_request",
                "invalid_request_error",
                "INVALID_ARGUMENT",
            ],
        ),
        (
            at(FaultKind::TooLarge),
            413,
            ["request_too_large", "request_too_large", "INVALID_ARGUMENT"],
        ),
        (
            at(FaultKind::MediaType),
            415,
            [
                "unsupported_media_type",
                "invalid_request_error",
                "INVALID_ARGUMENT",
            ],
        ),
        (
            CallFault::UnknownPath,
            404,
            ["unknown_url", "not_found_error", "NOT_FOUND"],
        ),
        (
            CallFault::WrongMethod,
            405,
            [
                "method_not_allowed",
                "invalid_request_error",
                "INVALID_ARGUMENT",
            ],
        ),
        (
            CallFault::Internal,
            500,
            ["internal_error", "api_error", "INTERNAL"],
        ),
        (
            CallFault::Unreachable,
            502,
            ["upstream_unreachable", "api_error", "UNAVAILABLE"],
        ),
        (
            CallFault::Overloaded,
            503,
            ["server_is_overloaded", "overloaded_error", "UNAVAILABLE"],
        ),
        (
            CallFault::BrokenOff,
            502,
            ["upstream_broke_off", "api_error", "UNAVAILABLE"],
        ),
        (
            CallFault::SetUp("replace the key"),
            502,
            ["upstream_set_up", "api_error", "FAILED_PRECONDITION"],
        ),
        (
            CallFault::TimedOut,
            504,
            ["upstream_timeout", "timeout_error", "DEADLINE_EXCEEDED"],
        ),
    ] {
        for (dialect, name) in DIALECTS.into_iter().zip(names) {
            let answer = fault_in_dialect(&fault, &request(dialect, &TimeZone::UTC));
            assert_eq!(answer.status, status, "{fault:?}");
            assert!(
                answer.body.contains(&format!("\"{name}\"")),
                "{}",
                answer.body
            );
            let retried = header(&answer, "x-should-retry").is_none();
            // What the provider took is charged, so it must not be sent again by itself.
            let is_charged = matches!(fault, CallFault::BrokenOff | CallFault::TimedOut);
            let is_passing = status >= 500 && !is_charged && !matches!(fault, CallFault::SetUp(_));
            assert_eq!(retried, is_passing, "{fault:?}");
            assert!(message(&answer).ends_with('.'));
        }
    }
}
