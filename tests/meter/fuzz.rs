//! Fuzzing without a fuzzer: fixtures and requests, changed by chance in every way that finds faults in readers. What is checked is what
//! must hold for all input: nothing panics, nothing hangs, cuts change nothing, and what goes on has one meaning.
//!
//! ```sh
//! METER_FUZZ_SECONDS=60 cargo test --release --test meter fuzz -- --nocapture
//! ```

use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tollkeeper::domain::price::usage_object::read_usage_object;
use tollkeeper::gateway::meter::answer::read_answer;
use tollkeeper::gateway::meter::decoder::AnswerDecoder;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::endpoint_path::recognise;
use tollkeeper::gateway::meter::metered_request::{RequestHead, RequestLimits};
use tollkeeper::gateway::meter::request::read_request;
use tollkeeper::gateway::meter::stream::{Framing, StreamMeter};

use crate::fixtures::{self, Fixture};
use crate::streams::metered;

/// Inputs of each target when no time is set.
const FEW: u64 = 400;

/// Pieces that readers stumble over.
const TOKENS: [&str; 40] = [
    "\"",
    "\\",
    "\\\"",
    "\\u",
    "\\ud800",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "1e999",
    "-1",
    "0.5",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\r\r",
    "data:",
    "data: ",
    "event: ",
    ":",
    "[DONE]",
    "\u{feff}",
    "\"usage\":",
    "\"usage\":{",
    "\"model\":\"x\"",
    "\"choices\":[]",
    "\"stream\":true",
    "\"stream_options\":{",
    "\"include_usage\":",
    "--b0",
    "--b0--",
    "\r\n\r\n",
    "name=\"model\"",
    "\0",
];

/// Numbers by chance, seeded from the runner so that a failure is repeated by its seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end.max(1)
    }
}

/// One input, changed a few times.
fn changed(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..chance.below(6) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + 1 + chance.below(16)).min(bytes.len());
        match chance.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            2 => drop(bytes.drain(at.min(end)..end)),
            3 => drop(bytes.splice(at..at, TOKENS[chance.below(TOKENS.len())].bytes())),
            4 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                let to = (from + chance.below(64)).min(other.len());
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
            5 => bytes.truncate(at),
            6 => {
                let again = bytes[at.min(end)..end].to_vec();
                for _ in 0..chance.below(20) {
                    drop(bytes.splice(at..at, again.iter().copied()));
                }
            }
            _ => {
                let deep = [b"[", b"{"][chance.below(2)].repeat(chance.below(300));
                drop(bytes.splice(at..at, deep));
            }
        }
    }
    bytes
}

/// Runs a target on changed inputs for as long as is set.
fn fuzz(name: &str, seeds: &[Vec<u8>], mut target: impl FnMut(&[u8], &mut Chance)) {
    let seconds = std::env::var("METER_FUZZ_SECONDS").ok();
    let seconds = seconds.map(|seconds| seconds.parse::<u64>().unwrap());
    let mut runner = TestRunner::default();
    let seed = proptest::num::u64::ANY
        .new_tree(&mut runner)
        .unwrap()
        .current();
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut count = 0;
    let mut chance = Chance(seed | 1);
    while count < FEW || (seconds.is_some() && Instant::now() < until) {
        let state = chance.0;
        let input = changed(seeds, &mut chance);
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            target(&input, &mut chance);
        }));
        if let Err(why) = run {
            eprintln!(
                "{name}, state {state}: {:?}",
                String::from_utf8_lossy(&input)
            );
            std::panic::resume_unwind(why);
        }
        count += 1;
    }
    println!("{name}: {count} inputs");
}

fn bytes_of(fixtures: &[Fixture]) -> Vec<Vec<u8>> {
    fixtures
        .iter()
        .map(|fixture| fixture.bytes.clone())
        .collect()
}

#[test]
fn fuzz_streams() {
    let fixtures = fixtures::of(Framing::Events);
    let mut seeds = bytes_of(&fixtures);
    seeds.extend(bytes_of(
        &fixtures
            .iter()
            .map(|one| one.with_line_ends("\r\n"))
            .collect::<Vec<_>>(),
    ));
    fuzz("streams", &seeds, |input, chance| {
        let endpoint = Endpoint::ALL[chance.below(Endpoint::ALL.len())];
        let strip = chance.below(2) == 0;
        let fixture = Fixture {
            endpoint,
            bytes: input.to_vec(),
            ..fixtures[0].clone()
        };
        let mut cuts: Vec<_> = (0..chance.below(6))
            .map(|_| chance.below(input.len() + 1))
            .collect();
        cuts.sort_unstable();
        let whole = metered(&fixture, strip, &[]);
        assert_eq!(metered(&fixture, strip, &cuts), whole, "{cuts:?}");
        let (outcome, plain) = metered(&fixture, false, &cuts);
        assert_eq!(plain, input);
        assert_eq!(outcome, whole.0);
        assert!(whole.1.len() <= input.len());
    });
}

#[test]
fn fuzz_answers() {
    let fixtures = fixtures::of(Framing::Json);
    fuzz("answers", &bytes_of(&fixtures), |input, chance| {
        let endpoint = Endpoint::ALL[chance.below(Endpoint::ALL.len())];
        let whole = read_answer(endpoint, input);
        let mut meter = StreamMeter::new(endpoint, Framing::Json, true);
        for piece in input.chunks(1 + chance.below(50)) {
            meter.observe(piece);
        }
        assert_eq!(meter.finish(&mut Vec::new()), whole);
        if let Some(usage) = whole.usage {
            assert!(usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens);
            assert!(usage.reasoning_tokens <= usage.output_tokens && usage.output_tokens >= 0);
        }
        if let Ok(value) = serde_json::from_slice::<Value>(input) {
            for value in [&value, &value["usage"], &value["usageMetadata"]] {
                if let Err(fault) = read_usage_object(value) {
                    assert!(fault.message.contains(&fault.param));
                }
            }
        }
    });
}

#[test]
fn fuzz_json_requests() {
    let seeds: Vec<Vec<u8>> = [
        r#"{"model":"openai/gpt-5","stream":true,"stream_options":{"include_usage":false},"max_tokens":5,"n":2,"messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]}]}"#,
        r#"{"model":"a","mod\u0065l":"b","metadata":{"model":"c"},"stream":true}"#,
        r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"audio/mp3","data":"aGk="}}]}],"generationConfig":{"maxOutputTokens":8,"candidateCount":2},"requests":[{"model":"models/g"}]}"#,
        r#"{"model":"m","prompt":["a",[1,2]],"max_tokens":4,"best_of":3,"store":true,"background":false,"temperature":1.5e0}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    fuzz("JSON requests", &seeds, |input, chance| {
        let endpoint = Endpoint::ALL[chance.below(Endpoint::ALL.len())];
        let head = RequestHead {
            endpoint,
            path_model: [None, Some("g")][chance.below(2)],
            content_type: Some("application/json"),
            content_encoding: None,
        };
        let limits = RequestLimits::default();
        let read = match read_request(&head, input, &limits) {
            Ok(read) => read,
            Err(fault) => return assert!(!fault.message.is_empty()),
        };
        let model = [None, Some("other\"\n")][chance.below(2)];
        let ask = chance.below(2) == 0;
        let sent = read.body_to_send(input, model, ask);
        let again: Value = serde_json::from_slice(&sent).unwrap();
        // What is cut out may hold what this reader does not take.
        let Ok(before) = serde_json::from_slice::<Value>(input) else {
            return;
        };
        for (name, value) in before.as_object().unwrap() {
            match name.as_str() {
                "model" | "stream_options" => {}
                _ => assert_eq!(&again[name], value),
            }
        }
        if let Some(written) = again.get("model").and_then(Value::as_str) {
            let bare = written.strip_prefix("models/").unwrap_or(written);
            let expected = model.unwrap_or(&read.model);
            assert!(bare == expected || written == expected);
        }
        if ask && read.stream && endpoint.tells_usage_when_asked() {
            assert_eq!(again["stream_options"]["include_usage"], true);
        }
        assert!(read.prompt_tokens >= 0 && read.max_output.is_none_or(|most| most >= 0));
        if model.is_none() {
            let second = read_request(&head, &sent, &limits).unwrap();
            assert_eq!(second.model, read.model);
            assert_eq!(second.max_output, read.max_output);
        }
    });
}

#[test]
fn fuzz_forms() {
    let seeds: Vec<Vec<u8>> = [
        "--b0\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nID3\r\n--b0--\r\n",
        "--b0\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; name=model; filename*=utf-8''x\r\n\r\nm\r\n--b0\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b0--",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    fuzz("forms", &seeds, |input, chance| {
        let head = RequestHead {
            endpoint: [Endpoint::Transcriptions, Endpoint::ImageEdits][chance.below(2)],
            path_model: None,
            content_type: Some("multipart/form-data; boundary=b0"),
            content_encoding: None,
        };
        let limits = RequestLimits::default();
        if let Ok(read) = read_request(&head, input, &limits) {
            let sent = read.body_to_send(input, Some("other"), true);
            let second = read_request(&head, &sent, &limits).unwrap();
            assert_eq!(second.model, "other");
            assert_eq!((second.stream, second.images), (read.stream, read.images));
        }
    });
}

#[test]
fn fuzz_paths_and_packed_answers() {
    let mut seeds: Vec<Vec<u8>> = [
        "/v1/chat/completions",
        "/v1beta/models/g:streamGenerateContent?alt=sse",
        "/openai/deployments/gpt/chat/completions?api-version=1",
        "/v1/../v1/models/%2e%2e/x",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &fixtures::all()[0].bytes).unwrap();
    seeds.push(packed.finish().unwrap());
    fuzz("paths and packed answers", &seeds, |input, chance| {
        let text = String::from_utf8_lossy(input);
        if let Some(found) = recognise(["GET", "POST"][chance.below(2)], &text) {
            let path = text.split('?').next().unwrap();
            assert!(!path.contains("..;") && !path.contains("//") && !path.contains('%'));
            assert!(
                !path
                    .split('/')
                    .any(|segment| segment == ".." || segment == ".")
            );
            assert!(found.model.is_none_or(|model| path.contains(model)));
        }
        let decode = |step| {
            let mut plain = Vec::new();
            let mut decoder = AnswerDecoder::of(Some("gzip")).unwrap();
            for piece in input.chunks(step) {
                decoder.decode(piece, |piece| plain.extend_from_slice(piece));
            }
            plain
        };
        let (whole, pieces) = (decode(input.len().max(1)), decode(1 + chance.below(9)));
        // Of what is broken, more or less may come out before that is seen.
        assert!(whole.starts_with(&pieces) || pieces.starts_with(&whole));
    });
}
