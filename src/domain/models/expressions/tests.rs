//! What is taken, and what it covers.

use super::*;

#[test]
fn what_is_taken_looks_at_every_byte_of_a_name_once() {
    let budget = ExpressionBudget::default();
    let hard = [
        "[ab]*a[ab]{900}",
        ".*a.{20}",
        r"(\w{0,50}a){9}",
        r"\pL{900}",
    ];
    for expression in hard {
        let refused = ExpressionBudget::default().take(expression).unwrap_err();
        assert_eq!(refused.code, "invalid_pattern", "{expression}");
    }
    let usual = [
        "gpt-[0-9](o|\\.[0-9])?(-mini|-turbo)?(-[0-9]{4}-[0-9]{2}-[0-9]{2})?",
        r"claude-\w+-\d{8}",
        r".*(opus|sonnet|haiku).*",
        r"[\w.-]+/[\w.-]+(:free)?",
        r"\bo[1-4]\b.*",
    ];
    for expression in usual {
        budget.take(expression).unwrap();
    }
    // Ten times as many would do.
    assert!(budget.bytes.get() > MAX_COMPILED / 10 * 9);
    let texts = usual.map(|expression| format!("regex:{expression}"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let set = ExpressionSet::compile(&texts).unwrap();
    assert!(set.parts.iter().all(|part| part.whole.is_some()));
    for (model, found) in [
        ("GPT-4o-mini", Some(0)),
        ("claude-opus-20250514", Some(1)),
        ("my-sonnet", Some(2)),
        ("meta/llama-3:free", Some(3)),
        ("o3 pro", Some(4)),
        ("o3 é", Some(4)),
        ("o3é", None),
    ] {
        let found = found.map(|at: usize| texts[at]);
        assert_eq!(set.find(model).map(|text| &**text), found, "{model}");
    }
}

#[test]
fn each_letter_of_the_prefix_may_be_written_in_two_ways() {
    for body in [
        r#"["regex:a"]"#,
        r#"["\u0072\u0065\u0067\u0065\u0078\u003a"]"#,
        r#"["re\u0067ex\u003A"]"#,
    ] {
        assert!(may_be_in(body.as_bytes()), "{body}");
    }
    for body in [
        r#"["regex"]"#,
        r#"["rege\u0078"]"#,
        r#"{"regex":1}"#,
        "\u{e9}",
    ] {
        assert!(!may_be_in(body.as_bytes()), "{body}");
    }
    assert!(!may_be_in(b"\xff\xfe"));
}
