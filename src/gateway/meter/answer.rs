//! Metering an answer that is there as a whole.

use super::dialect::Endpoint;
use super::stream::{Framing, StreamMeter, StreamOutcome};
use crate::domain::price::usage::Usage;

/// What a whole JSON answer tells.
pub fn read_answer(endpoint: Endpoint, body: &[u8]) -> StreamOutcome {
    let mut meter = StreamMeter::new(endpoint, Framing::Json, false);
    meter.observe(body);
    meter.finish(&mut Vec::new())
}

/// What a whole JSON answer says that was used. `None` where it says nothing: the provider's own errors, sound, embeddings of Gemini.
///
/// Counts are money that was spent, so whatever can be read counts: one below zero is none, a fraction is rounded up, what is more than
/// 2⁵³ − 1 is that.
pub fn read_usage(endpoint: Endpoint, body: &[u8]) -> Option<Usage> {
    read_answer(endpoint, body).usage
}
