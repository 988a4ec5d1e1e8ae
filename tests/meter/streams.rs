//! Streams, cut anywhere: the same usage, and the same bytes passed on.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tollkeeper::gateway::meter::decoder::AnswerDecoder;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::stream::{Framing, MAX_HELD, StreamMeter, StreamOutcome};

use crate::fixtures::{self, Fixture};

/// What comes of an answer whose pieces end at these places.
pub fn metered(fixture: &Fixture, strip: bool, cuts: &[usize]) -> (StreamOutcome, Vec<u8>) {
    let mut meter = StreamMeter::new(fixture.endpoint, fixture.framing, strip);
    let mut out = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([fixture.bytes.len()]) {
        meter.push(&fixture.bytes[from..cut], &mut out);
        from = cut;
    }
    let outcome = meter.finish(&mut out);
    (outcome, out)
}

/// Each fixture, and each stream with every end of lines that there is.
fn everything() -> Vec<Fixture> {
    let mut all = fixtures::all();
    for fixture in fixtures::of(Framing::Events) {
        all.extend(["\r\n", "\r"].map(|end| fixture.with_line_ends(end)));
    }
    all
}

#[test]
fn usage_of_every_stream_is_what_it_says() {
    for fixture in everything() {
        let name = &fixture.name;
        let (outcome, out) = metered(&fixture, false, &[]);
        fixture.assert_told(&outcome);
        assert_eq!(out, fixture.bytes, "{name}");
        if let Some(bytes) = fixture.expected["text_bytes"].as_u64() {
            assert_eq!(outcome.text_bytes, bytes, "{name}");
            let guess = i64::try_from(bytes.div_ceil(3)).unwrap();
            assert_eq!(outcome.guessed_output_tokens(), guess);
        }
    }
}

#[test]
fn a_stream_cut_at_any_byte_is_the_same() {
    for fixture in everything() {
        for strip in [false, true] {
            let whole = metered(&fixture, strip, &[]);
            for cut in 0..=fixture.bytes.len() {
                assert_eq!(
                    metered(&fixture, strip, &[cut]),
                    whole,
                    "{} at {cut}",
                    fixture.name
                );
            }
            let each: Vec<_> = (0..fixture.bytes.len()).collect();
            assert_eq!(metered(&fixture, strip, &each), whole, "{}", fixture.name);
        }
    }
}

#[test]
fn only_the_chunk_that_tells_usage_alone_is_removed() {
    for fixture in everything() {
        let (stripped, out) = metered(&fixture, true, &[]);
        let (plain, all) = metered(&fixture, false, &[]);
        assert_eq!(stripped, plain, "{}", fixture.name);
        let removes = fixture.expected["strip_removes"].as_bool().unwrap_or(false);
        if removes {
            let text = String::from_utf8(out).unwrap();
            let left = StreamMeter::new(fixture.endpoint, Framing::Events, false);
            let mut left = left;
            left.observe(text.as_bytes());
            let left = left.finish(&mut Vec::new());
            assert_eq!(left.usage, None, "{}", fixture.name);
            assert_eq!(left.events + 1, plain.events, "{}", fixture.name);
            assert!(left.ended && text.len() < all.len());
        } else {
            assert_eq!(out, all, "{}", fixture.name);
        }
    }
}

#[test]
fn bytes_are_passed_on_at_once_unless_they_may_have_to_go() {
    let mut meter = StreamMeter::new(Endpoint::ChatCompletions, Framing::Events, false);
    let mut out = Vec::new();
    meter.push(b"data: {\"choi", &mut out);
    assert_eq!(out, b"data: {\"choi");
    let mut meter = StreamMeter::new(Endpoint::ChatCompletions, Framing::Events, true);
    let mut out = Vec::new();
    meter.push(b"data: {\"choices\":[", &mut out);
    assert_eq!(out, b"");
    // It has choices, so it stays.
    meter.push(b"{\"delta\":{\"con", &mut out);
    meter.push(b"tent\":", &mut out);
    assert_eq!(out, b"data: {\"choices\":[{\"delta\":{\"content\":");
}

#[test]
fn an_event_too_long_to_be_held_is_passed_on() {
    for (pad, stays) in [(MAX_HELD - 200, false), (MAX_HELD + 1, true)] {
        let stream = format!(
            "data: {{\"choices\":[],\"pad\":\"{}\",\"usage\":{{\"prompt_tokens\":3}}}}\n\ndata: [DONE]\n\n",
            "x".repeat(pad)
        );
        for step in [stream.len(), 65_536, 1_000] {
            let mut meter = StreamMeter::new(Endpoint::ChatCompletions, Framing::Events, true);
            let mut out = Vec::new();
            let mut most = 0;
            for (at, piece) in stream.as_bytes().chunks(step).enumerate() {
                meter.push(piece, &mut out);
                most = most.max((at + 1) * step - out.len().min((at + 1) * step));
            }
            let outcome = meter.finish(&mut out);
            assert_eq!(outcome.usage.unwrap().input_tokens, 3);
            assert_eq!(out.len() == stream.len(), stays, "{pad} {step}");
        }
    }
}

#[test]
fn the_last_event_of_a_long_answer_is_read_in_little_memory() {
    let text =
        "a line of text with \\\"usage\\\":{\\\"input_tokens\\\":1} in it\\n".repeat(100_000);
    let event = format!(
        "event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{{\"model\":\"m\",\"output\":[{{\"type\":\"message\",\"content\":[{{\"text\":\"{text}\"}}]}}],\"usage\":{{\"input_tokens\":7,\"output_tokens\":9}},\"user\":null}}}}\n\n"
    );
    assert!(event.len() > 4 << 20);
    let mut meter = StreamMeter::new(Endpoint::Responses, Framing::Events, true);
    for piece in event.as_bytes().chunks(4_096) {
        let mut out = Vec::new();
        meter.push(piece, &mut out);
        assert_eq!(out, piece);
    }
    let outcome = meter.finish(&mut Vec::new());
    assert!(outcome.ended);
    assert_eq!(outcome.usage.unwrap().output_tokens, 9);
}

#[test]
fn compressed_answers_are_looked_into() {
    for fixture in fixtures::all() {
        let (whole, _) = metered(&fixture, false, &[]);
        // Two members, as some servers send.
        let mut packed = Vec::new();
        let half = fixture.bytes.len() / 2;
        for part in [&fixture.bytes[..half], &fixture.bytes[half..]] {
            let mut encoder = GzEncoder::new(&mut packed, Compression::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        }
        for step in [1, 7, packed.len()] {
            let mut decoder = AnswerDecoder::of(Some("gzip")).unwrap();
            let mut meter = StreamMeter::new(fixture.endpoint, fixture.framing, false);
            for piece in packed.chunks(step) {
                decoder.decode(piece, |plain| meter.observe(plain));
            }
            assert_eq!(meter.finish(&mut Vec::new()), whole, "{}", fixture.name);
        }
    }
    assert!(AnswerDecoder::of(Some("br")).is_none());
    assert!(AnswerDecoder::of(Some("gzip, gzip")).is_none());
    assert!(AnswerDecoder::of(Some("Identity")).unwrap().is_plain());
    // What is no gzip yields nothing, and nothing goes wrong.
    let mut decoder = AnswerDecoder::of(Some("x-gzip")).unwrap();
    let mut plain = Vec::new();
    decoder.decode(b"data: [DONE]\n\n", |piece| plain.extend_from_slice(piece));
    decoder.decode(b"more", |piece| plain.extend_from_slice(piece));
    assert_eq!(plain, b"");
}

#[test]
fn a_flush_within_a_compressed_stream_is_read_at_once() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut decoder = AnswerDecoder::of(Some("gzip")).unwrap();
    let (mut plain, mut sent) = (Vec::new(), 0);
    for event in ["data: one\n\n", "data: two\n\n"] {
        encoder.write_all(event.as_bytes()).unwrap();
        encoder.flush().unwrap();
        decoder.decode(&encoder.get_ref()[sent..], |piece| {
            plain.extend_from_slice(piece);
        });
        sent = encoder.get_ref().len();
        assert!(plain.ends_with(event.as_bytes()));
    }
}

proptest! {
    #[test]
    fn a_stream_cut_many_times_is_the_same(which in any::<prop::sample::Index>(), strip: bool, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let all = everything();
        let fixture = &all[which.index(all.len())];
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(fixture.bytes.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(metered(fixture, strip, &cuts), metered(fixture, strip, &[]));
    }

    #[test]
    fn what_is_passed_on_of_anything_is_what_came(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8), json: bool) {
        let framing = if json { Framing::Json } else { Framing::Events };
        let mut meter = StreamMeter::new(Endpoint::ChatCompletions, framing, false);
        let mut out = Vec::new();
        for piece in &pieces {
            meter.push(piece, &mut out);
        }
        meter.finish(&mut out);
        prop_assert_eq!(out, pieces.concat());
    }
}
