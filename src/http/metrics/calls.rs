//! Calls that are carried, by upstream.

use super::exposition::Exposition;
use crate::gateway::proxy::Proxy;
use crate::gateway::upstream_figures::{CallOutcome, UpstreamFigures};

/// Writes what is measured of upstreams.
pub fn write(out: &mut Exposition, proxy: &Proxy) {
    let known = proxy.upstreams();
    let upstreams = known.iter();
    let all: Vec<(&str, UpstreamFigures)> = upstreams
        .map(|upstream| (upstream.settings.name.as_str(), upstream.state.figures()))
        .collect();
    let mut family = out.counter(
        "tollkeeper_upstream_calls_total",
        "Calls by upstream and how they ended: answered, refused (a status of 400 and above), failed (of 500 and above), or why there was no answer.",
    );
    for (name, figures) in &all {
        for (outcome, count) in CallOutcome::NAMES.into_iter().zip(figures.ended) {
            family.sample(&[("upstream", name), ("outcome", outcome)], count);
        }
    }
    let mut family = out.gauge(
        "tollkeeper_upstream_calls_in_progress",
        "Calls under way, by upstream.",
    );
    for (name, figures) in &all {
        family.sample(&[("upstream", name)], figures.in_progress);
    }
    let mut family = out
        .histogram(
            "tollkeeper_upstream_first_byte_seconds",
            "How long answers took to begin, by upstream.",
        )
        .seconds();
    for (name, figures) in &all {
        family.distribution(&[("upstream", name)], &figures.first_bytes);
    }
    let mut family = out.counter(
        "tollkeeper_upstream_sent_bytes_total",
        "Bytes of bodies that were sent, by upstream.",
    );
    for (name, figures) in &all {
        family.sample(&[("upstream", name)], figures.sent_bytes);
    }
    let mut family = out.counter(
        "tollkeeper_upstream_received_bytes_total",
        "Bytes of bodies that came, packed as they came, by upstream.",
    );
    for (name, figures) in &all {
        family.sample(&[("upstream", name)], figures.received_bytes);
    }
    let mut family = out.counter(
        "tollkeeper_upstream_tokens_total",
        "Tokens that were charged, by upstream and kind; cached_input is what was read from a cache, and no part of input.",
    );
    for (name, figures) in &all {
        let kinds = [
            ("input", figures.input_tokens),
            ("cached_input", figures.cached_input_tokens),
            ("output", figures.output_tokens),
        ];
        for (kind, count) in kinds {
            family.sample(&[("upstream", name), ("kind", kind)], count);
        }
    }
    let mut family = out
        .counter(
            "tollkeeper_upstream_cost_dollars_total",
            "Dollars that calls were charged, by upstream.",
        )
        .dollars();
    for (name, figures) in &all {
        family.sample(&[("upstream", name)], figures.cost_nanodollars);
    }
}
