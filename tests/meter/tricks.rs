//! Bodies that two readers could read in two ways: what is decided on is what goes on, or nothing goes on.

use serde_json::Value;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::fault::FaultKind;
use tollkeeper::gateway::meter::metered_request::{RequestHead, RequestLimits};
use tollkeeper::gateway::meter::request::read_request;

use crate::body_tricks::{
    NO_MODELS, NO_OBJECTS, ONE_MODEL, OTHER_SPELLINGS, REROUTING, TWO_MODELS,
};
use crate::requests::{chat, head, read};

/// The model that is decided on, and the only one that a later reader can find.
fn decided(body: &str) -> String {
    let read = chat(body).unwrap_or_else(|fault| panic!("{body}: {fault}"));
    let sent = read.body_to_send(body.as_bytes(), None, false);
    let again: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(again["model"], read.model, "{body}");
    let text = std::str::from_utf8(&sent).unwrap();
    let top = text
        .replace("\"metadata\":{\"model\"", "")
        .replace("\\u0065", "e");
    assert_eq!(top.matches("\"model\":").count(), 1, "{text}");
    read.model
}

#[test]
fn the_last_of_two_models_is_decided_on_and_goes_on_alone() {
    for (body, model) in TWO_MODELS {
        assert_eq!(decided(body), model, "{body}");
    }
    for body in ONE_MODEL {
        assert_eq!(decided(body), "gpt-4o", "{body}");
    }
    for (body, model) in [
        (
            format!(
                r#"{{"messages":[{{"content":"{}"}}],"model":"gpt-4o"}}"#,
                "x".repeat(100_000)
            ),
            "gpt-4o",
        ),
        (
            format!(
                r#"{{"model":"gpt-5","pad":"{}","model":"gpt-4o"}}"#,
                "x".repeat(100_000)
            ),
            "gpt-4o",
        ),
        (r#"{"model":"  gpt-4o\n"}"#.to_owned(), "gpt-4o"),
        (r#"{"model":"\ud83d\ude00"}"#.to_owned(), "😀"),
    ] {
        assert_eq!(decided(&body), model, "{body}");
    }
}

#[test]
fn what_names_no_single_model_is_refused() {
    for model in NO_MODELS {
        let fault = chat(&format!("{{\"model\":{model}}}")).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("model"), "{model}");
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.message.starts_with("model: "), "{}", fault.message);
    }
    let long = |length| format!("{{\"model\":\"{}\"}}", "é".repeat(length));
    assert!(chat(&long(255)).is_ok());
    assert!(chat(&long(256)).is_err());
    assert!(chat(&long(1_000_000)).is_err());
    let key = format!("{{\"model\":\"tk_vk_{}\"}}", "a".repeat(60));
    assert!(chat(&key).unwrap_err().message.contains("credential"));
    assert_eq!(chat("{}").unwrap_err().param.as_deref(), Some("model"));
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let fault = |body: &[u8]| {
        let fault = read(Endpoint::ChatCompletions, body).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        fault.message
    };
    for (body, says) in NO_OBJECTS {
        let message = fault(body);
        assert!(
            message.contains(says),
            "{}: {message}",
            String::from_utf8_lossy(body)
        );
    }
    let deep = format!(
        "{{\"model\":\"m\",\"x\":{}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert!(fault(deep.as_bytes()).contains("deeper than 128"));
    let deep = format!("{{\"model\":\"m\",\"x\":{}", "[".repeat(200_000));
    fault(deep.as_bytes());
    let many: Vec<_> = (0..257).map(|at| format!("\"m{at}\":1")).collect();
    let many = read(
        Endpoint::ChatCompletions,
        format!("{{{}}}", many.join(",")).as_bytes(),
    );
    assert_eq!(many.unwrap_err().kind, FaultKind::TooLarge);
}

#[test]
fn names_that_some_servers_take_for_others_are_refused() {
    for name in OTHER_SPELLINGS {
        let body = format!("{{\"model\":\"m\",\"{name}\":1}}");
        let fault = chat(&body).unwrap_err();
        assert!(fault.message.contains("some servers"), "{name}: {fault}");
    }
    for name in ["model\\u0000", "model\\u0000x", "\\u0000"] {
        let body = format!("{{\"model\":\"m\",\"{name}\":1}}");
        let fault = chat(&body).unwrap_err();
        assert!(fault.message.contains("U+0000"), "{name}: {fault}");
    }
    for name in ["model_", " model", "model ", "models_", "modell"] {
        let body = format!("{{\"model\":\"m\",\"{name}\":\"x\"}}");
        chat(&body).unwrap();
    }
}

#[test]
fn what_would_let_another_model_answer_is_refused() {
    for member in REROUTING {
        let fault = chat(&format!("{{\"model\":\"m\",{member}}}")).unwrap_err();
        assert!(fault.message.contains("another model"), "{member}: {fault}");
    }
    chat(r#"{"model":"m","models":["a"],"models":null}"#).unwrap();
}

#[test]
fn a_model_in_the_path_and_in_the_body_must_be_one() {
    let at = |endpoint, path_model, body: &str| {
        let head = RequestHead {
            path_model: Some(path_model),
            ..head(endpoint)
        };
        read_request(&head, body.as_bytes(), &RequestLimits::default())
    };
    for (endpoint, path, body) in [
        (Endpoint::GenerateContent, "g", "{}"),
        (Endpoint::GenerateContent, "g", r#"{"model":"g"}"#),
        (
            Endpoint::EmbedContent,
            "g",
            r#"{"model":"models/g","content":{}}"#,
        ),
        (
            Endpoint::BatchEmbedContents,
            "g",
            r#"{"requests":[{"model":"models/g"},{}]}"#,
        ),
        (Endpoint::ChatCompletions, "gpt", r#"{"messages":[]}"#),
        (Endpoint::ChatCompletions, "gpt", r#"{"model":"gpt"}"#),
    ] {
        assert_eq!(at(endpoint, path, body).unwrap().model, path, "{body}");
    }
    for (endpoint, path, body, param) in [
        (
            Endpoint::GenerateContent,
            "g",
            r#"{"model":"models/h"}"#,
            "model",
        ),
        (
            Endpoint::GenerateContent,
            "g",
            r#"{"model":"g","model":"h"}"#,
            "model",
        ),
        (
            Endpoint::ChatCompletions,
            "gpt",
            r#"{"model":"models/gpt"}"#,
            "model",
        ),
        (
            Endpoint::ChatCompletions,
            "gpt",
            r#"{"model":"other"}"#,
            "model",
        ),
        (
            Endpoint::ChatCompletions,
            "gpt",
            r#"{"model":["gpt"]}"#,
            "model",
        ),
        (Endpoint::GenerateContent, "g,h", "{}", "the path"),
        (
            Endpoint::BatchEmbedContents,
            "g",
            r#"{"requests":[{"model":"models/g"},{"model":"h"}]}"#,
            "requests[1].model",
        ),
        (
            Endpoint::BatchEmbedContents,
            "g",
            r#"{"requests":[{"model":"g","model":"h"}]}"#,
            "requests",
        ),
        (
            Endpoint::BatchEmbedContents,
            "g",
            r#"{"requests":{}}"#,
            "requests",
        ),
    ] {
        let fault = at(endpoint, path, body).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{body}");
    }
}
