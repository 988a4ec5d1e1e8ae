//! The body that goes on: the same bytes but for what has to change.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollkeeper::gateway::meter::dialect::Endpoint;

use crate::requests::{chat, read};

fn sent(body: &str, model: Option<&str>, ask: bool) -> String {
    let read = chat(body).unwrap();
    String::from_utf8(read.body_to_send(body.as_bytes(), model, ask).into_owned()).unwrap()
}

#[test]
fn what_needs_no_change_is_the_same_bytes() {
    let body = " {\"model\":\"m\",\t\"temperature\": 1.0e0, \"x\":\"\\u00e9\\/\"}\n";
    let read = chat(body).unwrap();
    assert!(
        matches!(read.body_to_send(body.as_bytes(), None, true), Cow::Borrowed(same) if same == body.as_bytes())
    );
}

#[test]
fn only_the_last_of_repeated_members_stays() {
    for (body, left) in [
        (r#"{"a":1,"model":"m","a":2}"#, r#"{"model":"m","a":2}"#),
        (
            r#"{"model":"m", "a":1 , "a":2,"a" : 3 }"#,
            r#"{"model":"m", "a" : 3 }"#,
        ),
        (
            r#"{"\u0061":1,"a":2,"model":"x","model":"m"}"#,
            r#"{"a":2,"model":"m"}"#,
        ),
    ] {
        assert_eq!(sent(body, None, false), left);
    }
}

#[test]
fn the_model_alone_is_replaced() {
    assert_eq!(
        sent(
            r#"{"x":"openai/m", "model" : "openai\/m" ,"y":1}"#,
            Some("m"),
            false
        ),
        r#"{"x":"openai/m", "model" : "m" ,"y":1}"#
    );
    assert_eq!(
        sent(r#"{"model":"x"}"#, Some("a\"b"), false),
        r#"{"model":"a\"b"}"#
    );
}

#[test]
fn a_stream_is_made_to_tell_its_usage() {
    let asking = r#""stream_options":{"include_usage":true}"#;
    for (body, left, wants) in [
        (r#"{"model":"m","stream":true}"#, format!(r#"{{{asking},"model":"m","stream":true}}"#), false),
        (r#"{"model":"m","stream":true,"stream_options":null}"#, format!(r#"{{"model":"m","stream":true,{asking}}}"#), false),
        (r#"{"model":"m","stream":true,"stream_options":{}}"#, format!(r#"{{"model":"m","stream":true,{asking}}}"#), false),
        (
            r#"{"model":"m","stream":true,"stream_options":{"x":1}}"#,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}"#.to_owned(),
            false,
        ),
        (
            r#"{"model":"m","stream":true,"stream_options":{"include_usage" : false}}"#,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage" : true}}"#.to_owned(),
            false,
        ),
        (
            r#"{"stream_options":1,"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":null}}"#,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":true}}"#.to_owned(),
            false,
        ),
        (
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#.to_owned(),
            true,
        ),
        (r#"{"model":"m","stream":false}"#, r#"{"model":"m","stream":false}"#.to_owned(), false),
        (r#"{"model":"a","model":"m","stream":true}"#, format!(r#"{{{asking},"model":"m","stream":true}}"#), false),
    ] {
        assert_eq!(sent(body, None, true), left, "{body}");
        let read = chat(body).unwrap();
        assert_eq!(read.wants_usage, wants, "{body}");
        assert_eq!(read.strips_usage(true), read.stream && !wants, "{body}");
        assert!(!read.strips_usage(false));
    }
    for options in [
        "1",
        "[]",
        r#"{"include_usage":1}"#,
        r#"{"Include_usage":true}"#,
    ] {
        let body = format!(r#"{{"model":"m","stream":true,"stream_options":{options}}}"#);
        assert!(chat(&body).is_err(), "{options}");
    }
    // Other endpoints tell it unasked, and their providers would not know the member.
    let body = br#"{"model":"m","stream":true}"#;
    for endpoint in [Endpoint::Responses, Endpoint::Messages] {
        let read = read(endpoint, body).unwrap();
        assert_eq!(read.body_to_send(body, None, true).as_ref(), body);
        assert!(!read.strips_usage(true));
    }
}

/// A JSON text with escapes and blanks where they may be, and its members in order.
fn member() -> impl Strategy<Value = (String, Value, String)> {
    let name = prop_oneof![
        Just("model".to_owned()),
        Just("stream".to_owned()),
        Just("stream_options".to_owned()),
        "[a-c]",
        "[é\"\\\\/]{0,2}",
    ];
    let value = prop_oneof![
        Just(json!("m")),
        Just(json!(" openai/m ")),
        Just(json!(true)),
        Just(json!(null)),
        Just(json!({"include_usage": false, "a": [1, "}"]})),
        Just(json!({})),
        "[ -~é]{0,6}".prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
    ];
    (
        name,
        value,
        prop::sample::select(vec!["", " ", "\n\t"]),
        any::<bool>(),
    )
        .prop_map(|(name, value, blank, escape)| {
            let mut written = Value::from(name.as_str()).to_string();
            if escape && let Some(first) = name.chars().next().filter(char::is_ascii_alphabetic) {
                let escaped = format!("\"\\u{:04x}", u32::from(first));
                written = written.replacen(&format!("\"{first}"), &escaped, 1);
            }
            let text = format!("{blank}{written}{blank}:{blank}{value}{blank}");
            (name, value, text)
        })
}

proptest! {
    #[test]
    fn the_last_member_wins_and_all_others_are_kept(members in prop::collection::vec(member(), 0..8), ask: bool, rename: bool) {
        let texts: Vec<_> = members.iter().map(|(.., text)| text.as_str()).collect();
        let body = format!("{{{}}}", texts.join(","));
        let mut expected = Map::new();
        for (name, value, _) in &members {
            expected.insert(name.clone(), value.clone());
        }
        if let Ok(read) = read(Endpoint::ChatCompletions, body.as_bytes()) {
            let sent = read.body_to_send(body.as_bytes(), rename.then_some("other"), ask);
            expected.insert("model".into(), if rename { "other".into() } else { read.model.as_str().into() });
            let asks = ask && read.stream && !read.wants_usage;
            if asks {
                let options = expected.entry("stream_options").or_insert(Value::Null);
                if options.is_null() {
                    *options = json!({});
                }
                options["include_usage"] = true.into();
            }
            let again: Value = serde_json::from_slice(&sent).unwrap();
            prop_assert_eq!(again, Value::Object(expected));
            // Read once more it says the same, and needs no more changes but that its chunk is not to be removed.
            let second = read_again(&sent);
            prop_assert_eq!(second.stream, read.stream);
            prop_assert_eq!(second.wants_usage, read.wants_usage || asks);
            if ask || !read.stream || read.wants_usage {
                prop_assert!(matches!(second.body_to_send(&sent, None, ask), Cow::Borrowed(_)));
            }
        }
    }
}

fn read_again(body: &[u8]) -> tollkeeper::gateway::meter::metered_request::MeteredRequest {
    read(Endpoint::ChatCompletions, body).unwrap()
}
