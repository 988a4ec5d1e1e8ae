//! The fixtures, and what is expected of each: `tests/fixtures/meter/index.json`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tollkeeper::domain::price::usage::Usage;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::stream::{Framing, StreamOutcome};

/// One answer or stream.
#[derive(Clone)]
pub struct Fixture {
    pub name: String,
    pub endpoint: Endpoint,
    pub framing: Framing,
    pub bytes: Vec<u8>,
    pub usage: Option<Usage>,
    pub expected: Value,
}

impl Fixture {
    /// The same with other ends of lines.
    pub fn with_line_ends(&self, end: &str) -> Self {
        let text = String::from_utf8(self.bytes.clone()).unwrap();
        Self {
            name: format!("{} with {end:?}", self.name),
            bytes: text.replace('\n', end).into_bytes(),
            ..self.clone()
        }
    }
}

impl Fixture {
    /// What was seen of it is what its index says.
    pub fn assert_told(&self, outcome: &StreamOutcome) {
        let name = &self.name;
        let flag = |member: &str| self.expected[member].as_bool();
        assert_eq!(outcome.usage, self.usage, "{name}");
        assert_eq!(
            outcome.model.as_deref(),
            self.expected["model"].as_str(),
            "{name}"
        );
        assert_eq!(outcome.ended, flag("ended").unwrap_or(true), "{name}");
        assert_eq!(outcome.failed, flag("failed").unwrap_or(false), "{name}");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/meter")
}

fn endpoint(name: &str) -> Endpoint {
    let found = Endpoint::ALL
        .into_iter()
        .find(|known| format!("{known:?}") == name);
    found.unwrap_or_else(|| panic!("{name}"))
}

fn usage(members: &Value) -> Option<Usage> {
    let members = members.as_object()?;
    let count = |name: &str| members.get(name).map_or(0, |count| count.as_i64().unwrap());
    let usage = Usage {
        input_tokens: count("input_tokens"),
        cached_input_tokens: count("cached_input_tokens"),
        cache_write_tokens: count("cache_write_tokens"),
        cache_write_1h_tokens: count("cache_write_1h_tokens"),
        audio_input_tokens: count("audio_input_tokens"),
        cached_audio_input_tokens: count("cached_audio_input_tokens"),
        output_tokens: count("output_tokens"),
        reasoning_tokens: count("reasoning_tokens"),
        audio_output_tokens: count("audio_output_tokens"),
        image_input_tokens: count("image_input_tokens"),
        image_output_tokens: count("image_output_tokens"),
        images: count("images"),
        web_searches: count("web_searches"),
        input_characters: count("input_characters"),
        audio_milliseconds: count("audio_milliseconds"),
        ..Usage::default()
    };
    // Each member was read: written out, all of them are there again.
    let shown = format!("{usage:?}");
    for (name, count) in members {
        assert!(shown.contains(&format!("{name}: {count}")), "{name}");
    }
    Some(usage)
}

/// All of them.
pub fn all() -> Vec<Fixture> {
    let index = fs::read_to_string(folder().join("index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let fixtures: Vec<_> = index
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, expected)| Fixture {
            name: name.clone(),
            endpoint: endpoint(expected["endpoint"].as_str().unwrap()),
            framing: if Path::new(name).extension() == Some("sse".as_ref()) {
                Framing::Events
            } else {
                Framing::Json
            },
            bytes: fs::read(folder().join(name)).unwrap(),
            usage: usage(&expected["usage"]),
            expected: expected.clone(),
        })
        .collect();
    let files = fs::read_dir(folder()).unwrap().count();
    assert_eq!(
        files,
        fixtures.len() + 1,
        "a fixture stands not in the index"
    );
    fixtures
}

/// Those of one framing.
pub fn of(framing: Framing) -> Vec<Fixture> {
    let mut fixtures = all();
    fixtures.retain(|fixture| fixture.framing == framing);
    fixtures
}
