//! The bodies of decisions, read quickly and in full.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::domain::body::json;
use crate::domain::decision::call_size::CallSize;
use crate::domain::decision::particulars::Particulars;
use crate::domain::decision::report::Report;
use crate::domain::price::usage::Usage;
use crate::domain::values::money::Money;
use crate::error::{Error, Result};

const KEY: &str = "tk_vk_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";

fn codes<T>(read: Result<T>) -> Vec<String> {
    match read {
        Err(Error::Invalid(all)) => all
            .iter()
            .map(|one| format!("{} {}", one.param, one.code))
            .collect(),
        Err(other) => panic!("expected violations, got {other:?}"),
        Ok(_) => panic!("expected violations"),
    }
}

fn call(text: &str) -> Result<CallInput> {
    CALL.parse_bytes(text.as_bytes())
}

/// The same body, read in full.
fn call_in_full(text: &str) -> Result<CallInput> {
    CALL.parse(&json::parse(text.as_bytes())?)
}

#[test]
fn a_plain_body_is_read_in_one_pass_and_means_the_same_in_full() {
    let text = format!(
        r#" {{"virtual_key":"{KEY}000000","provider":"openai","model":"gpt-5","mcp_server":"files","mcp_tool":"read",
            "estimated_tokens":1200,"estimated_cost":0.0125,"request_id":"r-1"}}"#
    );
    let read = quick::call(text.as_bytes()).unwrap();
    assert!(read == call_in_full(&text).unwrap());
    assert!(read.key == Err(NoKey::Malformed));
    assert_eq!(
        read.particulars.estimated_cost.unwrap().to_string(),
        "0.0125"
    );
    assert_eq!(
        read.particulars.mcp().unwrap().tool.as_deref().unwrap(),
        "read"
    );
}

#[test]
fn every_violation_of_a_body_is_named() {
    let text = r#"{"virtual_key":7,"modle":"x","estimated_tokens":-1,"estimated_cost":-0.5,"mcp_tool":"read","request_id":""}"#;
    let expected = [
        "virtual_key wrong_type",
        "model required",
        "estimated_tokens out_of_range",
        "estimated_cost out_of_range",
        "request_id blank",
        "mcp_server mcp_server_missing",
        "modle unknown_field",
    ];
    assert_eq!(codes(call(text)), expected);
    assert_eq!(
        codes(SETTLEMENT.parse_bytes(b"{}")),
        ["tokens required", "cost required"]
    );
    assert_eq!(
        codes(USAGE.parse_bytes(b"{}")),
        [
            "provider required",
            "model required",
            "tokens required",
            "cost required",
            "request_id required"
        ]
    );
    assert_eq!(
        codes(EXTENSION.parse_bytes(br#"{"ttl":"2d"}"#)),
        ["ttl invalid_ttl"]
    );
}

#[test]
fn usage_takes_the_place_of_numbers_and_its_violations_are_named_in_it() {
    let read = |text: &str| SETTLEMENT.parse_bytes(text.as_bytes());
    let told =
        read(r#"{"usage":{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":3}}"#)
            .unwrap();
    let report = told.report;
    assert_eq!((report.tokens, report.cost), (None, None));
    let spent = report.spent(Money::ZERO);
    assert_eq!(spent.tokens, 10);
    assert_eq!(
        (
            spent.split.input,
            spent.split.cached_input,
            spent.split.output
        ),
        (8, 3, 2)
    );
    for (text, expected) in [
        (
            r#"{"usage":null}"#,
            vec!["tokens required", "cost required"],
        ),
        (r#"{"usage":[]}"#, vec!["usage wrong_type"]),
        (r#"{"usage":{}}"#, vec!["usage unknown_usage"]),
        (
            r#"{"cost":-1,"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":-1}}}"#,
            vec![
                "cost out_of_range",
                "usage.prompt_tokens_details.cached_tokens invalid_count",
            ],
        ),
        (
            r#"{"usage":{"promptTokenCount":"1"}}"#,
            vec!["usage.promptTokenCount invalid_count"],
        ),
    ] {
        assert_eq!(codes(read(text)), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn one_pass_means_the_same_as_reading_in_full_what_was_used(
        fields in (
            field("tokens", NUMBERS), field("cost", NUMBERS), field("provider", TEXTS), field("model", TEXTS),
            field("usage", &["{\"prompt_tokens\":1}", "{}", "null"]),
        ).prop_map(|all| <[String; 5]>::from(all).to_vec()).prop_shuffle()
    ) {
        let fields: Vec<String> = fields.into_iter().filter(|field| !field.is_empty()).collect();
        let text = format!("{{{}}}", fields.join(", "));
        if let Some(read) = quick::settlement(text.as_bytes()) {
            let full = SETTLEMENT.parse(&json::parse(text.as_bytes()).unwrap());
            prop_assert_eq!(read, full.unwrap(), "{}", text);
        }
    }
}

#[test]
fn numbers_have_bounds() {
    let spent = |tokens: &str, cost: &str| {
        SETTLEMENT.parse_bytes(format!(r#"{{"tokens":{tokens},"cost":{cost}}}"#).as_bytes())
    };
    for (tokens, cost) in [
        ("0", "0"),
        ("9007199254740991", "1000000000"),
        ("4.0", "1e9"),
        ("1e3", "0.30000000000000004"),
        ("7", "999999999.999999999"),
        // What was spent is recorded as the most that one amount can be.
        ("9007199254740992", "1000000000.0000000001"),
        ("1e400", "0"),
    ] {
        assert!(spent(tokens, cost).is_ok(), "{tokens} {cost}");
    }
    for (tokens, cost) in [
        ("-1", "0"),
        ("-1e400", "0"),
        ("0.5", "0"),
        ("NaN", "0"),
        ("\"1\"", "0"),
        ("true", "0"),
        ("01", "0"),
        ("0", "1000000000.000000001"),
        ("0", "-0.000000001"),
        ("0", "Infinity"),
        ("0", "\"1\""),
        ("0", "1."),
        ("0", "[1]"),
        ("null", "0"),
    ] {
        assert!(spent(tokens, cost).is_err(), "{tokens} {cost}");
    }
}

#[test]
fn what_is_no_object_or_says_a_thing_twice_is_refused() {
    assert_eq!(codes(SETTLEMENT.parse_bytes(b"[1,2]")), [" wrong_type"]);
    assert_eq!(
        codes(SETTLEMENT.parse_bytes(br#"{"tokens":1,"tokens":1,"cost":0}"#)),
        [" duplicate_key"]
    );
    assert_eq!(
        codes(SETTLEMENT.parse_bytes(br#"{"tokens":1,"cost":0} x"#)),
        [" malformed_json"]
    );
    assert_eq!(
        codes(SETTLEMENT.parse_bytes(br#"{"tokens":1,"cost":0,"request":null}"#)),
        ["request unknown_field"]
    );
}

fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    let some =
        proptest::sample::select(values).prop_map(move |value| format!("\"{name}\":{value}"));
    prop_oneof![3 => some, 1 => Just(String::new())]
}

const TEXTS: &[&str] = &[
    "\"gpt-5\"",
    "\"tk_vk_x\"",
    "\" gpt\"",
    "\"\"",
    "\"\\u0041b\"",
    "\"é\"",
    "\"a\\u0000\"",
    "null",
    "7",
    "\"a\\tb\"",
    "\"\u{a0}x\"",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "12.5",
    "-1",
    "-0",
    "1e3",
    "0.0000000001",
    "1.123456789",
    "1.1234567891",
    "9007199254740992",
    "1000000000",
    "999999999.999999999",
    "null",
    "\"1\"",
    "{}",
    "[1]",
    "0.10",
    "000",
];

proptest! {
    #[test]
    fn one_pass_means_the_same_as_reading_in_full(
        fields in ((
            field("virtual_key", &["\"x\"", "null", "\"\"", "1", "\"tk_mgmt_\""]),
            field("provider", TEXTS), field("model", TEXTS), field("mcp_server", TEXTS), field("mcp_tool", TEXTS),
            field("estimated_tokens", NUMBERS), field("estimated_cost", NUMBERS), field("request_id", TEXTS),
            field("max_hold", NUMBERS),
            field("model", &["\"twice\""]), field("more", &["null"]),
        ), (field("prompt_tokens", NUMBERS), field("max_tokens", NUMBERS)))
            .prop_map(|(all, size)| [&<[String; 11]>::from(all)[..], &<[String; 2]>::from(size)].concat())
            .prop_shuffle()
    ) {
        let fields: Vec<String> = fields.into_iter().filter(|field| !field.is_empty()).collect();
        let text = format!("{{{}}}", fields.join(", "));
        if let Some(read) = quick::call(text.as_bytes()) {
            match call_in_full(&text) {
                Ok(full) => prop_assert!(read == full, "{}", text),
                Err(error) => prop_assert!(false, "{} is refused in full: {}", text, error),
            }
        }
    }
}

/// It is stored for a day, and compared by the versions to come.
#[test]
fn the_hash_of_a_body_is_that_of_its_fields_and_their_lengths() {
    let key = "tk_vk_";
    let input = CallInput {
        provider: Some("openai".to_owned()),
        model: "gpt-5".into(),
        particulars: Particulars {
            estimated_tokens: Some(1_200),
            ..Particulars::default()
        },
        ..call_in_full(&format!("{{\"virtual_key\":\"{key}\",\"model\":\"x\"}}")).unwrap()
    };
    let report = Report::of(950, Money::from_nanodollars(9_800_000).unwrap());
    let expected = "-6:openai5:gpt-5--4:1200-3:9507:9800000-14:counted before";
    assert_eq!(
        input.hash(Some(&report), 0),
        <[u8; 32]>::from(Sha256::digest(expected))
    );
    let sized = CallInput {
        size: CallSize {
            prompt_tokens: None,
            max_tokens: Some(100),
        },
        ..input
    };
    let told = Report {
        tokens: None,
        cost: None,
        usage: Some(Box::new(Usage {
            input_tokens: 7,
            ..Usage::default()
        })),
    };
    let expected = "-6:openai5:gpt-5--4:1200----0:10:max_tokens3:10012:input_tokens1:7";
    assert_eq!(
        sized.hash(Some(&told), 1),
        <[u8; 32]>::from(Sha256::digest(expected))
    );
}
