//! How fast it is, for who asks; nothing depends on it.
//!
//! ```sh
//! METER_FIGURES=1 cargo test --release --test meter figures -- --nocapture --test-threads 1
//! ```

use std::fmt::Write;
use std::time::Instant;

use tollkeeper::gateway::meter::answer::read_answer;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::stream::{Framing, StreamMeter};

use crate::fixtures;
use crate::requests::read;

/// Megabytes a second, the best of several runs.
fn measure(name: &str, bytes: usize, mut run: impl FnMut()) {
    let runs = if std::env::var("METER_FIGURES").is_ok() {
        9
    } else {
        1
    };
    let best = (0..runs).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    let best = best.min().unwrap_or_default().as_micros().max(1);
    println!("{name}: {} MB/s, {best} µs", bytes as u128 / best);
}

#[test]
fn figures_of_requests() {
    let chat = |content: &str, count: usize| {
        let mut body = String::from(r#"{"model":"gpt-5","stream":true,"messages":["#);
        for at in 0..count {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(body, r#"{comma}{{"role":"user","content":"{content}"}}"#);
        }
        body + "]}"
    };
    let size = if std::env::var("METER_FIGURES").is_ok() {
        31 << 20
    } else {
        1 << 20
    };
    let line = "The quick brown fox jumps over the lazy dog, says the text.\\n";
    let texts = [
        (
            "chat, long texts with line ends",
            chat(&line.repeat(1_000), size / 61_000),
        ),
        (
            "chat, short messages",
            chat("How will the weather be?", size / 60),
        ),
        (
            "chat, Japanese",
            chat(&"晴れのち雨。".repeat(100), size / 1_900),
        ),
        (
            "a picture as base64",
            format!(
                r#"{{"model":"m","messages":[{{"content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]}}]}}"#,
                "iVBORw0KGgo".repeat(size / 11)
            ),
        ),
        (
            "embeddings of numbers",
            format!(
                r#"{{"model":"m","input":[{}]}}"#,
                vec!["12345"; size / 6].join(",")
            ),
        ),
    ];
    for (name, body) in &texts {
        measure(name, body.len(), || {
            let read = read(Endpoint::ChatCompletions, body.as_bytes()).unwrap();
            assert!(!read.model.is_empty());
        });
    }
}

#[test]
fn figures_of_streams() {
    let all = fixtures::all();
    let named = |name: &str| all.iter().find(|fixture| fixture.name == name).unwrap();
    for name in [
        "chat_stream.sse",
        "messages_stream.sse",
        "stream_generate_content.sse",
        "responses_stream.sse",
    ] {
        let fixture = named(name);
        let bytes = fixture.bytes.repeat(2_000);
        for (strip, piece) in [(false, 16_384), (true, 16_384), (true, 200)] {
            measure(
                &format!("{name}, strip {strip}, pieces of {piece}"),
                bytes.len(),
                || {
                    let mut meter = StreamMeter::new(fixture.endpoint, Framing::Events, strip);
                    let mut out = Vec::with_capacity(piece * 2);
                    for piece in bytes.chunks(piece) {
                        out.clear();
                        meter.push(piece, &mut out);
                    }
                    assert!(meter.finish(&mut out).usage.is_some());
                },
            );
        }
    }
    let fixture = named("images_tokens.json");
    let text = String::from_utf8(fixture.bytes.clone()).unwrap();
    let answer = text.replace("iVBORw0KGgo=", &"iVBORw0KGgo=".repeat(400_000));
    measure("an answer with a picture", answer.len(), || {
        assert!(
            read_answer(fixture.endpoint, answer.as_bytes())
                .usage
                .is_some()
        );
    });
}
