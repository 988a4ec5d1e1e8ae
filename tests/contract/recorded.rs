//! Answers of a server as they are written down: by operation, without what is drawn by lot.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;
use tollkeeper::http::routes;

use crate::support::{Client, Reply};

/// What a server answered, by the name of the operation.
pub struct Recorder<'c> {
    client: &'c Client,
    /// Method, path as the table has it, and name.
    operations: Vec<(String, String, String)>,
    pub answers: BTreeMap<String, Value>,
    pub refusals: BTreeMap<String, Value>,
}

impl<'c> Recorder<'c> {
    pub fn new(client: &'c Client) -> Self {
        let mut operations = Vec::new();
        for route in routes::documented() {
            for path in route.paths() {
                let name = route.description.operation.to_owned();
                operations.push((route.method.to_string(), path, name));
            }
        }
        // Where two fit, the one with fewer parameters is meant.
        operations.sort_by_key(|(_, path, _)| path.matches('{').count());
        Self {
            client,
            operations,
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
        }
    }

    fn name(&self, method: &str, path: &str) -> &str {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (have, want) = (path.split('/'), template.split('/'));
            have.clone().count() == want.clone().count()
                && have
                    .zip(want)
                    .all(|(have, want)| want.starts_with('{') || have == want)
        };
        let found = self
            .operations
            .iter()
            .find(|(known, template, _)| known == method && fits(template));
        &found.unwrap_or_else(|| panic!("{method} {path}")).2
    }

    /// Calls, and keeps the first answer of the operation.
    pub fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.call_as(&self.client.clone(), method, path, body)
    }

    /// The same with another key.
    pub fn call_as(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Value {
        let reply = client.send(method, path, &[], body);
        assert!(reply.status < 300, "{method} {path}: {}", reply.text);
        self.keep(method, path, &reply)
    }

    fn keep(&mut self, method: &str, path: &str, reply: &Reply) -> Value {
        let name = self.name(method, path).to_owned();
        let value = reply.json();
        self.answers.entry(name).or_insert_with(|| value.clone());
        value
    }

    /// Keeps a refusal under this name.
    pub fn refusal(&mut self, name: &str, reply: &Reply) {
        assert!(
            name.starts_with(&reply.status.to_string()),
            "{name}: {}",
            reply.text
        );
        self.refusals.insert(name.to_owned(), reply.json());
    }

    /// What was kept, as text in which what is drawn by lot is always the same.
    pub fn written(&self) -> String {
        let all = serde_json::json!({ "answers": self.answers, "refusals": self.refusals });
        let drawn = without_lot(&serde_json::to_string_pretty(&all).unwrap());
        // Once more in order: what is sorted by something that was drawn is sorted by what stands in its place.
        let all: Value = serde_json::from_str(&drawn).unwrap();
        serde_json::to_string_pretty(&all).unwrap() + "\n"
    }
}

/// Puts others in the place of keys, their ids, and ids of reservations and requests: of the same form, and the same every time.
fn without_lot(text: &str) -> String {
    let address = Regex::new(r"127\.0\.0\.1:[0-9]+").unwrap();
    let mut text = address.replace_all(text, "127.0.0.1:8080").into_owned();
    // Where the server of a test keeps its files, how small a backup of it packs, and what that hashes to.
    for (made_up, shown) in [
        (r#""/[^"]*/data/backups"#, "\"/var/lib/tollkeeper/backups"),
        (r#""bytes": [0-9]+"#, "\"bytes\": 184320"),
        (
            r#""sha256": "[0-9a-f]+""#,
            "\"sha256\": \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        ),
    ] {
        let made_up = Regex::new(made_up).unwrap();
        text = made_up.replace_all(&text, shown).into_owned();
    }
    // What the machine has and the files take.
    let measured =
        r#""((?:database|log|disk_free|disk_total)_bytes|open_files(?:_limit)?)": [0-9]+"#;
    let measured = Regex::new(measured).unwrap();
    text = measured.replace_all(&text, "\"$1\": 1048576").into_owned();
    let directory = Regex::new(r#""[^"]*/\.tmp\w+/data""#).unwrap();
    text = directory.replace_all(&text, "\"data\"").into_owned();
    let drawn = [
        // A key, whole or as far as it is shown, and its id.
        r"tk_[a-z]+_([A-Za-z0-9]{12})(?:_([A-Za-z0-9]+))?",
        // Also in a text that is JSON itself.
        r#"\\?"(?:id|request_id|event_id|actor_id|virtual_key_id|reservation)\\?": ?\\?"([A-Za-z0-9]{12}|[A-Za-z0-9_-]{20,})\\?""#,
        r#""hash": "([0-9a-f]{16,})""#,
        r#"sign-in [^ "]+ ([A-Za-z0-9]{4})""#,
    ];
    let mut found: Vec<String> = Vec::new();
    for pattern in drawn {
        for capture in Regex::new(pattern).unwrap().captures_iter(&text) {
            for one in capture.iter().skip(1).flatten() {
                if !found.iter().any(|known| known == one.as_str()) {
                    found.push(one.as_str().to_owned());
                }
            }
        }
    }
    // In the order of their places, which do not depend on what was drawn.
    found.sort_by_key(|one| text.find(one.as_str()));
    for (number, one) in found.iter().enumerate() {
        text = text.replace(one, &alike(one, number));
    }
    text
}

/// A text of the same form.
fn alike(text: &str, number: usize) -> String {
    let mut state = u32::try_from(number).unwrap().wrapping_mul(2_654_435_761) ^ 0x9E37_79B9;
    let mut draw = |from: &[u8]| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(from[(state >> 16) as usize % from.len()])
    };
    let is_hexadecimal = text.chars().all(|one| matches!(one, '0'..='9' | 'a'..='f'));
    text.chars()
        .map(|one| match one {
            '0'..='9' | 'a'..='f' if is_hexadecimal => draw(b"0123456789abcdef"),
            one if one.is_ascii_alphanumeric() => {
                draw(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
            }
            one => one,
        })
        .collect()
}
