//! Usage of whole answers, and usage objects that gateways report.

use serde_json::{Value, json};
use tollkeeper::domain::price::usage::Usage;
use tollkeeper::domain::price::usage_object::read_usage_object;
use tollkeeper::gateway::meter::answer::{read_answer, read_usage};
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::stream::Framing;

use crate::fixtures;

#[test]
fn usage_of_every_answer_is_what_it_says() {
    for fixture in fixtures::of(Framing::Json) {
        fixture.assert_told(&read_answer(fixture.endpoint, &fixture.bytes));
        assert_eq!(read_usage(fixture.endpoint, &fixture.bytes), fixture.usage);
    }
}

#[test]
fn every_priced_endpoint_has_a_fixture() {
    let all = fixtures::all();
    for endpoint in Endpoint::ALL {
        let has_answer = !matches!(endpoint, Endpoint::ListModels | Endpoint::GetModel);
        let has = all.iter().any(|fixture| fixture.endpoint == endpoint);
        assert_eq!(has, has_answer, "{endpoint:?}");
    }
}

#[test]
fn parts_of_usage_are_never_more_than_the_whole() {
    for fixture in fixtures::all() {
        let Some(usage) = fixture.usage else { continue };
        let cached = usage.cached_input_tokens + usage.cache_write_tokens;
        assert!(cached + usage.cache_write_1h_tokens <= usage.input_tokens);
        assert!(usage.reasoning_tokens <= usage.output_tokens);
    }
    let odd = json!({"prompt_tokens": 5, "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 9, "audio_tokens": 7, "image_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 4, "image_tokens": 4}});
    let expected = Usage {
        input_tokens: 5,
        cached_input_tokens: 5,
        audio_input_tokens: 5,
        output_tokens: 1,
        reasoning_tokens: 1,
        audio_output_tokens: 1,
        ..Usage::default()
    };
    assert_eq!(read_usage_object(&odd).unwrap(), expected);
}

#[test]
fn a_reported_object_is_recognised_by_its_members() {
    let cases = [
        (
            json!({"prompt_tokens": 3, "completion_tokens": 4}),
            (3, 0, 4),
        ),
        (
            json!({"input_tokens": 3, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}}),
            (3, 2, 4),
        ),
        (
            json!({"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 2}),
            (5, 2, 4),
        ),
        (
            json!({"promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 3, "cachedContentTokenCount": 2}),
            (3, 2, 4),
        ),
        // A gateway that translates says it in both ways; then its own way counts, which includes everything.
        (
            json!({"prompt_tokens": 5, "completion_tokens": 4, "cache_read_input_tokens": 2}),
            (5, 2, 4),
        ),
        (
            json!({"prompt_tokens": 3.0, "completion_tokens": 4e0}),
            (3, 0, 4),
        ),
        (json!({"total_tokens": 3}), (3, 0, 0)),
        (
            json!({"prompt_tokens": null, "completion_tokens": 4}),
            (0, 0, 4),
        ),
    ];
    for (object, (input, cached, output)) in cases {
        let usage = read_usage_object(&object).unwrap();
        let found = (
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.output_tokens,
        );
        assert_eq!(found, (input, cached, output), "{object}");
    }
    let huge: Value = serde_json::from_str(r#"{"prompt_tokens": 1e300}"#).unwrap();
    assert_eq!(
        read_usage_object(&huge).unwrap().input_tokens,
        (1 << 53) - 1
    );
}

#[test]
fn what_is_wrong_in_a_reported_object_is_named() {
    let cases = [
        (json!(3), ""),
        (json!([]), ""),
        (json!({}), ""),
        (json!({"tokens": 3}), ""),
        (json!({"prompt_tokens": -1}), "prompt_tokens"),
        (json!({"prompt_tokens": "3"}), "prompt_tokens"),
        (
            json!({"prompt_tokens": 3, "completion_tokens": 1.5}),
            "completion_tokens",
        ),
        (
            json!({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": []}}),
            "prompt_tokens_details.cached_tokens",
        ),
        (
            json!({"promptTokenCount": 3, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": -2}]}),
            "promptTokensDetails[0].tokenCount",
        ),
        (
            json!({"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": true}}),
            "cache_creation.ephemeral_1h_input_tokens",
        ),
        (json!({"seconds": -2}), "seconds"),
        (json!({"seconds": "2"}), "seconds"),
    ];
    for (object, param) in cases {
        let fault = read_usage_object(&object).unwrap_err();
        assert_eq!(fault.param, param, "{object}");
        assert!(fault.message.contains(param), "{}", fault.message);
    }
}

#[test]
fn an_answer_of_any_size_is_read_in_one_go() {
    let text = "x\\\"usage\\\":".repeat(400_000);
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{text}"}}}}],"usage":{{"prompt_tokens":1,"completion_tokens":2}}}}"#
    );
    let usage = read_usage(Endpoint::ChatCompletions, body.as_bytes()).unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (1, 2));
    let deep = format!(
        "{}{}",
        "[".repeat(1 << 20),
        r#"{"usage":{"prompt_tokens":1}}"#
    );
    assert_eq!(read_usage(Endpoint::ChatCompletions, deep.as_bytes()), None);
    let padded = format!(
        r#"{{"usage":{{"prompt_tokens":1,"x":"{}"}}}}"#,
        "y".repeat(1 << 17)
    );
    assert_eq!(
        read_usage(Endpoint::ChatCompletions, padded.as_bytes()),
        None
    );
}
