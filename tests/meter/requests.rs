//! What is read of ordinary requests.

use serde_json::json;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::fault::{FaultKind, RequestFault};
use tollkeeper::gateway::meter::metered_request::{
    KeptState, MeteredRequest, RequestHead, RequestLimits,
};
use tollkeeper::gateway::meter::request::read_request;

/// A JSON request without anything in its path.
pub fn head(endpoint: Endpoint) -> RequestHead<'static> {
    RequestHead {
        endpoint,
        path_model: None,
        content_type: Some("application/json"),
        content_encoding: None,
    }
}

pub fn read(endpoint: Endpoint, body: &[u8]) -> Result<MeteredRequest, RequestFault> {
    read_request(&head(endpoint), body, &RequestLimits::default())
}

pub fn chat(body: &str) -> Result<MeteredRequest, RequestFault> {
    read(Endpoint::ChatCompletions, body.as_bytes())
}

fn gemini(endpoint: Endpoint, body: &str) -> Result<MeteredRequest, RequestFault> {
    let head = RequestHead {
        path_model: Some("gemini-3-pro"),
        ..head(endpoint)
    };
    read_request(&head, body.as_bytes(), &RequestLimits::default())
}

#[test]
fn what_a_chat_asks_for_is_read() {
    let body = json!({
        "model": " gpt-5 ", "stream": true, "stream_options": {"include_usage": true},
        "max_completion_tokens": 500, "n": 3, "store": true,
        "messages": [{"role": "user", "content": "How will the weather be?"}],
    });
    let read = chat(&body.to_string()).unwrap();
    assert_eq!(read.model, "gpt-5");
    assert!(read.stream && read.wants_usage);
    assert_eq!(read.max_output, Some(1_500));
    assert_eq!(read.kept_states, [KeptState::Stored]);
    assert_eq!((read.images, read.input_characters), (0, 0));
    assert!(
        (20..60).contains(&read.prompt_tokens),
        "{}",
        read.prompt_tokens
    );
}

#[test]
fn the_most_output_is_the_most_that_any_reading_gives() {
    let cases = [
        (Endpoint::ChatCompletions, r#"{"model":"m"}"#, None),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":5,"max_completion_tokens":7}"#,
            Some(7),
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":5,"max_tokens":2}"#,
            Some(2),
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":null}"#,
            None,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":-1}"#,
            None,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":-1,"max_completion_tokens":9}"#,
            None,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":1e3,"n":2.0}"#,
            Some(2_000),
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":1e30,"n":4}"#,
            Some(i64::MAX),
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens":4,"n":0}"#,
            Some(4),
        ),
        (
            Endpoint::Completions,
            r#"{"model":"m","max_tokens":4,"n":2,"best_of":5}"#,
            Some(20),
        ),
        (
            Endpoint::Completions,
            r#"{"model":"m","max_tokens":4,"prompt":["a","b",[1,2]]}"#,
            Some(12),
        ),
        (
            Endpoint::Completions,
            r#"{"model":"m","max_tokens":4,"prompt":[1,2,3]}"#,
            Some(4),
        ),
        (
            Endpoint::Responses,
            r#"{"model":"m","max_output_tokens":9}"#,
            Some(9),
        ),
        (
            Endpoint::Messages,
            r#"{"model":"m","max_tokens":9}"#,
            Some(9),
        ),
        (
            Endpoint::Embeddings,
            r#"{"model":"m","input":"x"}"#,
            Some(0),
        ),
        (Endpoint::Moderations, r#"{"input":"x"}"#, Some(0)),
        (Endpoint::Speech, r#"{"model":"m","input":"x"}"#, None),
    ];
    for (endpoint, body, most) in cases {
        assert_eq!(
            read(endpoint, body.as_bytes()).unwrap().max_output,
            most,
            "{body}"
        );
    }
}

#[test]
fn the_most_output_of_gemini_is_bounded_in_either_spelling() {
    let cases = [
        (
            r#"{"generationConfig":{"maxOutputTokens":8,"candidateCount":2}}"#,
            Some(16),
        ),
        (r#"{"generation_config":{"max_output_tokens":8}}"#, Some(8)),
        (
            r#"{"generationConfig":{"maxOutputTokens":8},"generation_config":{"maxOutputTokens":9,"maxOutputTokens":3,"candidate_count":2}}"#,
            Some(18),
        ),
        (r#"{"generationConfig":{}}"#, None),
        (r#"{"generationConfig":null}"#, None),
    ];
    for (body, most) in cases {
        assert_eq!(
            gemini(Endpoint::GenerateContent, body).unwrap().max_output,
            most,
            "{body}"
        );
    }
}

#[test]
fn a_bound_that_is_no_whole_number_is_refused() {
    for (body, param) in [
        (r#"{"model":"m","max_tokens":"5"}"#, "max_tokens"),
        (r#"{"model":"m","max_tokens":1.5}"#, "max_tokens"),
        (r#"{"model":"m","n":[1]}"#, "n"),
        (r#"{"model":"m","generationConfig":[]}"#, "generationConfig"),
    ] {
        assert_eq!(
            chat(body).unwrap_err().param.as_deref(),
            Some(param),
            "{body}"
        );
    }
}

#[test]
fn streams_are_known_by_member_or_path() {
    assert!(!chat(r#"{"model":"m","stream":null}"#).unwrap().stream);
    assert!(
        !chat(r#"{"model":"m","stream":true,"stream":false}"#)
            .unwrap()
            .stream
    );
    for body in [
        r#"{"model":"m","stream":"true"}"#,
        r#"{"model":"m","stream":1}"#,
    ] {
        assert_eq!(chat(body).unwrap_err().param.as_deref(), Some("stream"));
    }
    assert!(
        gemini(Endpoint::StreamGenerateContent, "{}")
            .unwrap()
            .stream
    );
    assert!(
        !gemini(Endpoint::GenerateContent, r#"{"stream":true}"#)
            .unwrap()
            .stream
    );
    let speech = |body: &str| read(Endpoint::Speech, body.as_bytes()).unwrap();
    let read = speech(r#"{"model":"tts","input":"a\u00e9\ud83d\ude00","stream_format":"sse"}"#);
    assert!(read.stream);
    assert_eq!(read.input_characters, 3);
    assert!(!speech(r#"{"model":"tts","input":"x"}"#).stream);
}

#[test]
fn what_the_provider_keeps_is_told() {
    let body = r#"{"model":"m","background":true,"store":false,"previous_response_id":"r","conversation":{"id":"c"},"prompt":{"id":"p"},"input":"x"}"#;
    let read = read(Endpoint::Responses, body.as_bytes()).unwrap();
    assert_eq!(
        read.kept_states,
        [
            KeptState::Background,
            KeptState::NotStored,
            KeptState::PreviousResponse,
            KeptState::Conversation,
            KeptState::StoredPrompt
        ]
    );
    let body = r#"{"model":"m","background":false,"previous_response_id":null}"#;
    assert_eq!(chat(body).unwrap().kept_states, []);
}

#[test]
fn pictures_that_are_asked_for_are_counted() {
    let read = |body: &str| read(Endpoint::ImageGenerations, body.as_bytes());
    assert_eq!(
        read(r#"{"model":"i","prompt":"x","n":4}"#).unwrap().images,
        4
    );
    assert_eq!(read(r#"{"model":"i","prompt":"x"}"#).unwrap().images, 1);
    assert!(read(r#"{"prompt":"x"}"#).is_err());
}

#[test]
fn the_prompt_is_text_and_not_what_is_sent_beside_it() {
    let tokens = |body: &serde_json::Value| chat(&body.to_string()).unwrap().prompt_tokens;
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(1_000);
    let plain = tokens(&json!({"model": "m", "messages": [{"role": "user", "content": text}]}));
    // English has a token for four bytes.
    assert!((11_250..20_000).contains(&plain), "{plain}");
    let other = "晴れのち雨".repeat(1_000);
    let plain = tokens(&json!({"model": "m", "messages": [{"role": "user", "content": other}]}));
    assert!((5_000..9_000).contains(&plain), "{plain}");
    let base64 = "iVBORw0KGgo".repeat(100_000);
    let cases = [
        (
            json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{base64}")}}),
            2_000,
        ),
        (
            json!({"type": "image_url", "image_url": {"url": "https://images.example/1.png", "detail": "high"}}),
            2_000,
        ),
        (
            json!({"type": "input_image", "image_url": format!("data:image/png;base64,{base64}")}),
            2_000,
        ),
        (
            json!({"type": "input_audio", "input_audio": {"data": base64, "format": "wav"}}),
            8_250,
        ),
        (
            json!({"type": "file", "file": {"file_data": format!("data:application/pdf;base64,{base64}")}}),
            41_250,
        ),
        (
            json!({"type": "file", "file": {"file_id": "file-1"}}),
            20_000,
        ),
        (
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": base64}}),
            2_000,
        ),
        (
            json!({"type": "image", "source": {"type": "url", "url": "https://images.example/1.png"}}),
            2_000,
        ),
        (
            json!({"type": "document", "source": {"type": "base64", "data": base64, "media_type": "application/pdf"}}),
            41_250,
        ),
        (
            json!({"type": "document", "source": {"type": "url", "url": "https://docs.example/1.pdf"}}),
            20_000,
        ),
        (
            json!({"inlineData": {"mimeType": "audio/mp3", "data": base64}}),
            8_250,
        ),
        (
            json!({"inline_data": {"data": base64, "mime_type": "video/mp4"}}),
            4_125,
        ),
        (
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://files.example/1"}}),
            100_000,
        ),
    ];
    for (part, expected) in cases {
        let found =
            tokens(&json!({"model": "m", "messages": [{"role": "user", "content": [part]}]}));
        assert!(
            (expected..expected + 100).contains(&found),
            "{found} {expected}"
        );
    }
    // What is text by its name stays text, whatever it looks like; nothing hides under a name that is not known.
    for part in [
        json!({"type": "text", "text": format!("data:image/png;base64,{base64}")}),
        json!({"type": "text", "data": base64}),
        json!({"unknown": base64}),
        json!({"type": "tool_use", "input": {"image": base64, "source": {"data": base64}}}),
        json!({"image_url": {"url": format!("data:image/png;base64,{base64} and words")}}),
    ] {
        let found = tokens(&json!({"model": "m", "messages": [{"content": [part]}]}));
        assert!(found > 366_000, "{found}");
    }
    let numbers = json!({"model": "m", "input": vec![1; 1_000]}).to_string();
    let read = read(Endpoint::Embeddings, numbers.as_bytes()).unwrap();
    assert!((1_000..1_010).contains(&read.prompt_tokens));
    let large = format!(
        r#"{{"model":"m","input":[{}]}}"#,
        vec!["123456789012345678901"; 100].join(",")
    );
    assert!(chat(&large).unwrap().prompt_tokens >= 100);
}

#[test]
fn a_body_of_another_kind_is_refused() {
    let read = |content_type, content_encoding, body: &str| {
        let head = RequestHead {
            content_type,
            content_encoding,
            ..head(Endpoint::ChatCompletions)
        };
        read_request(&head, body.as_bytes(), &RequestLimits::default())
    };
    let body = r#"{"model":"m"}"#;
    for kind in [
        None,
        Some("application/json"),
        Some("Application/JSON; charset=\"UTF-8\""),
    ] {
        read(kind, Some("identity"), body).unwrap();
        read(kind, Some(""), body).unwrap();
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json, text/plain",
    ] {
        let fault = read(Some(kind), None, body).unwrap_err();
        assert_eq!(fault.kind, FaultKind::MediaType, "{kind}");
        assert_eq!(fault.param.as_deref(), Some("content-type"));
    }
    for encoding in ["gzip", "br", "identity, gzip", "x"] {
        let fault = read(None, Some(encoding), body).unwrap_err();
        assert_eq!(fault.kind, FaultKind::MediaType, "{encoding}");
    }
    let limits = RequestLimits {
        max_body: 12,
        ..RequestLimits::default()
    };
    let fault = read_request(&head(Endpoint::ChatCompletions), body.as_bytes(), &limits);
    assert_eq!(fault.unwrap_err().kind, FaultKind::TooLarge);
}
