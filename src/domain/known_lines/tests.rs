//! That what is known of lines changes nothing but the time that reading takes.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_input::{AccessProfileInput, ENVELOPE, LINES, ProviderTerms};
use crate::domain::access_profile_versions::read_stored;

type Sent = KnownLines<Arc<ProviderTerms>>;

fn line(provider: &str, rest: &str) -> String {
    format!(
        r#"{{"provider_name":"{provider}","allowed_models":["gpt-4o","claude-*","o3-mini"]{rest}}}"#
    )
}

/// A field that the server sets, with so many lists in each other.
fn deep_id(lists: usize) -> String {
    format!(r#","id":{}{}"#, "[".repeat(lists), "]".repeat(lists))
}

/// A body as it is read when nothing is known.
fn read_alone(body: &str) -> String {
    outcome(body, &Sent::default())
}

fn outcome(body: &str, known: &Sent) -> String {
    format!(
        "{:?}",
        AccessProfileInput::read_change(body.as_bytes(), known)
    )
}

fn count_known<T: Clone>(known: &KnownLines<T>, text: &str) -> usize {
    let Some(outline) = known.outline(text.as_bytes(), ENVELOPE, LINES) else {
        return 0;
    };
    let lines = 0..outline.lines.len();
    lines.filter(|line| outline.known(*line).is_some()).count()
}

/// Lines, right and wrong, and what is no line.
fn lines() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => ("[abc]", prop::sample::select(vec![
            "", r#","budgets":[{"max_limit":5}]"#, r#","budgets":[{"max_limit":6.50}]"#, r#","all_models_allowed":true"#,
            r#","id":7"#, r#","blacklisted_models":["x\\\"y"]"#, r#", "rate_limit" : {"request_max_limit": 10}"#,
        ])).prop_map(|(provider, rest)| line(&provider, rest)),
        1 => prop::sample::select(vec![
            r#","budgets":[{"max_limit":-1}]"#, r#","budget":[]"#, r#","provider_name":"b""#, r#","allowed_models":["regex:("]"#,
        ]).prop_map(|rest| line("d", rest)),
        1 => (26_usize..32).prop_map(|lists| line("e", &deep_id(lists))),
        1 => prop::sample::select(vec!["null", "{}", "7", "[]", "\"x\"", r#"{"provider_name":"short"}"#]).prop_map(str::to_owned),
    ]
}

fn bodies() -> impl Strategy<Value = String> {
    let forms = prop::sample::select(vec![
        r#"{"provider_configs":[LINES]}"#,
        r#"{"provider_configs":[LINES],"description":"\"provider_configs\":["}"#,
        r#"{"description":"{\"provider_configs\":[","tags":[],"provider_configs" : [ LINES ] }"#,
        r#"{"access_profile":{"version":3,"provider_configs":[LINES]},"roles":[],"user_count":0}"#,
        r#"{"access_profile":{"provider_configs":[LINES]}}"#,
        r#"{"access_profile":{"provider_configs":[null]},"roles":{"provider_configs":[LINES]}}"#,
        r#"{"roles":{"provider_configs":[LINES]},"access_profile":{"provider_configs":[null]}}"#,
        r#"{"access_profile":{"provider_configs":[LINES]},"provider_configs":[null]}"#,
        r#"{"provider_configs":[null],"access_profile":{"provider_configs":[LINES]}}"#,
        r#"{"name":"x","access_profile":{"provider_configs":[LINES]},"provider_configs":[null]}"#,
        r#"{"provider_configs":[LINES],"provider_configs":[null]}"#,
        r#"{"provider_configs":[null],"provider_confi\u0067s":[LINES]}"#,
        r#"{"provider_confi\u0067s":[LINES]}"#,
        r#"{"provider_configs":{"provider_configs":[LINES]}}"#,
        r#"{"id":{"provider_configs":[LINES]},"provider_configs":[null]}"#,
        r#"{"provider_configs":[LINES"#,
        r#"{"provider_configs":[LINES}]"#,
        r#"{"provider_configs":[LINES]]"#,
        r#"{"provider_configs":[LINES,]}"#,
        r#"{"provider_configs":[LINES]} x"#,
        r#"[{"provider_configs":[LINES]}]"#,
        r#"{"description":"\",\"provider_configs":[LINES]}"#,
    ]);
    let between = prop::sample::select(vec![",", ", ", "\n,\n", ""]);
    (forms, prop::collection::vec(lines(), 0..4), between)
        .prop_map(|(form, lines, between)| form.replace("LINES", &lines.join(between)))
}

proptest! {
    #[test]
    fn what_is_known_changes_nothing_of_what_a_body_means(bodies in prop::collection::vec(bodies(), 1..12)) {
        let known = Sent::default();
        for body in [&bodies; 3].into_iter().flatten() {
            prop_assert_eq!(outcome(body, &known), read_alone(body), "{}", body);
        }
    }
}

#[test]
fn lines_are_known_by_their_text_wherever_they_stand() {
    let known = Sent::default();
    let [a, b] = ["a", "b"].map(|provider| line(provider, r#","budgets":[{"max_limit":5}]"#));
    let body = format!(r#"{{"provider_configs":[{a},{b}]}}"#);
    for count in [0, 0, 2] {
        assert_eq!(count_known(&known, &body), count);
        outcome(&body, &known);
    }
    let changed = a.replace('5', "6");
    for (body, count) in [
        (format!(r#"{{"provider_configs":[{b},{a}]}}"#), 2),
        (
            format!(r#"{{"access_profile":{{"tags":[],"provider_configs":[ {a} ]}}}}"#),
            1,
        ),
        (format!(r#"{{"provider_configs":[{changed},{b}]}}"#), 1),
        (format!(r#"{{"provider_configs":[{changed},{b}]}}"#), 1),
        (format!(r#"{{"provider_configs":[{changed},{b}]}}"#), 2),
        (format!(r#"{{"provider_configs":[{b},{b}]}}"#), 2),
        (format!(r#"{{"other":[{b},{b}]}}"#), 0),
    ] {
        assert_eq!(count_known(&known, &body), count, "{body}");
        assert_eq!(outcome(&body, &known), read_alone(&body));
    }
}

#[test]
fn nothing_is_learned_from_what_is_refused() {
    let known = Sent::default();
    let a = line("a", "");
    for body in [
        format!(r#"{{"provider_configs":[{a},{a}]}}"#),
        format!(r#"{{"provider_configs":[{a}],"nonsense":1}}"#),
        format!(r#"{{"provider_configs":[{a}]"#),
    ] {
        outcome(&body, &known);
        outcome(&body, &known);
        assert_eq!(
            count_known(&known, &format!(r#"{{"provider_configs":[{a}]}}"#)),
            0,
            "{body}"
        );
    }
}

#[test]
fn lines_are_known_whatever_they_begin_with() {
    let known = Sent::default();
    let sorted = |provider| {
        let models = ["a-model"; 40].join("\",\"");
        format!(r#"{{"allowed_models":["{models}"],"provider_name":"p{provider}"}}"#)
    };
    let short = |provider| format!(r#"{{"provider_name":"q{provider}"}}"#);
    let lines: Vec<String> = (0..50).map(sorted).chain((0..50).map(short)).collect();
    let body = format!(r#"{{"provider_configs":[{}]}}"#, lines.join(","));
    outcome(&body, &known);
    outcome(&body, &known);
    assert_eq!(count_known(&known, &body), 100);
}

#[test]
fn a_line_that_is_too_deep_elsewhere_is_not_known() {
    let known = Sent::default();
    for lists in 20..40 {
        let lines = format!(r#""provider_configs":[{}]"#, line("a", &deep_id(lists)));
        let [bare, enveloped] =
            ["{LINES}", r#"{"access_profile":{LINES}}"#].map(|form| form.replace("LINES", &lines));
        for _ in 0..2 {
            assert_eq!(outcome(&bare, &known), read_alone(&bare));
        }
        let is_allowed = !read_alone(&enveloped).contains("too_deep");
        assert_eq!(
            count_known(&known, &bare),
            usize::from(is_allowed),
            "{lists}"
        );
        assert_eq!(outcome(&enveloped, &known), read_alone(&enveloped));
    }
}

fn learn(known: &KnownLines<usize>, lines: &[String]) {
    let text = text_of(lines);
    let outline = known.outline(text.as_bytes(), ENVELOPE, LINES).unwrap();
    known.learn(text.as_bytes(), &outline, 0..lines.len());
}

fn text_of(lines: &[String]) -> String {
    format!(r#"{{"provider_configs":[{}]}}"#, lines.join(","))
}

/// A hundred lines, of several lengths.
fn many(round: usize) -> Vec<String> {
    let rest = |number| format!(r#","id":{round},"x":"{}""#, "y".repeat(number));
    let one = |number| line(&format!("p{number}"), &rest(number));
    (0..100).map(one).collect()
}

#[test]
fn memory_is_bounded_and_what_is_used_stays() {
    let known = KnownLines::default();
    let used = [line("used", "")];
    let unused = [line("unused", "")];
    let large = [line(
        "large",
        &format!(r#","x":"{}""#, "y".repeat(MAX_LINE)),
    )];
    for lines in [&used, &unused, &large] {
        learn(&known, lines);
        learn(&known, lines);
    }
    assert_eq!(count_known(&known, &text_of(&unused)), 1);
    assert_eq!(count_known(&known, &text_of(&large)), 0);
    for round in 0..200 {
        // Once more than twice, because meanwhile it may be forgotten what was seen.
        for _ in 0..3 {
            learn(&known, &many(round));
        }
        assert_eq!(count_known(&known, &text_of(&used)), 1, "{round}");
        assert_eq!(count_known(&known, &text_of(&many(round))), 100, "{round}");
        let kept = known.kept();
        for lines in [&kept.newer, &kept.older] {
            let real: usize = lines.by_text.keys().map(|text| cost(text)).sum();
            assert_eq!(lines.bytes, real);
            assert!(real <= MAX_BYTES / 2);
        }
        assert!(kept.seen.len() <= MAX_SEEN);
    }
    assert_eq!(count_known(&known, &text_of(&unused)), 0);
}

#[test]
fn what_comes_once_is_not_kept() {
    let known = KnownLines::default();
    for round in 0..2 * MAX_SEEN / 100 {
        learn(&known, &many(round));
        let kept = known.kept();
        assert_eq!((kept.newer.bytes, kept.older.bytes), (0, 0));
        assert!(kept.seen.len() <= MAX_SEEN);
    }
}

#[test]
fn a_version_is_restored_the_same_from_known_lines() {
    let now = Timestamp::UNIX_EPOCH;
    let read = |body: &str| AccessProfileInput::read_change(body.as_bytes(), &Sent::default());
    let lines = |budget: u32| {
        let budget = |at: u32| format!(r#","budgets":[{{"max_limit":{}}}]"#, at * budget);
        ["a", "b", "c"].map(|provider| line(provider, &budget(u32::from(provider == "b") + 1)))
    };
    let mut last = 0;
    let mut next_id = || {
        last += 1;
        last
    };
    let body = |budget| {
        format!(
            r#"{{"name":"x","provider_configs":[{}]}}"#,
            lines(budget).join(",")
        )
    };
    let first = AccessProfile::create(1, read(&body(5)).unwrap(), &mut next_id, now).unwrap();
    let second = first
        .change(read(&body(7)).unwrap(), &mut next_id, now)
        .unwrap()
        .unwrap();
    let [stored, other] = [&first, &second].map(|version| serde_json::to_string(version).unwrap());
    // As an earlier release may have written it, and what no release allows.
    let spaced = stored.replace(',', ", ");
    let wrong = stored.replacen("claude-*", "regex:(", 1);
    let twice = stored.replacen("\"b\"", "\"a\"", 1);
    let known = KnownLines::default();
    for (round, text) in [
        &stored, &other, &stored, &spaced, &wrong, &twice, &spaced, &stored,
    ]
    .into_iter()
    .enumerate()
    {
        let restore = |known| match read_stored(text.as_bytes(), known) {
            Ok(content) => serde_json::to_string(&second.restored(content, now)).unwrap(),
            Err(refused) => format!("{refused:?}"),
        };
        assert_eq!(restore(&known), restore(&KnownLines::default()), "{round}");
    }
    assert_eq!(count_known(&known, &stored), 3);
    assert_eq!(count_known(&known, &spaced), 3);
    assert_eq!(count_known(&known, &wrong), 2);
}
