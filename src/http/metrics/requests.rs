//! Requests, credentials that were refused, and what is kept of answers.

use super::exposition::Exposition;
use crate::http::core::log_lines;
use crate::http::core::route_path::RouteGroup;
use crate::http::core::state::State;

/// Writes what is measured of requests.
pub fn write(out: &mut Exposition, state: &State) {
    let counted = state.request_figures.read();
    let mut routes: Vec<_> = counted.requests.iter().collect();
    routes.sort_unstable_by_key(|(route, _)| &**route);
    let mut family = out.counter(
        "tollkeeper_requests_total",
        "Requests by method, route and status. A route of - is no route of ours, and a status of 0 one that means nothing.",
    );
    for (route, answered) in routes {
        for ((method, status), count) in answered {
            let status = status.to_string();
            let labels = [
                ("method", *method),
                ("route", &**route),
                ("status", &*status),
            ];
            family.sample(&labels, *count);
        }
    }
    let mut family = out
        .histogram(
            "tollkeeper_request_duration_seconds",
            "How long requests took until the head of their answer, by group of routes.",
        )
        .seconds();
    for (group, name) in RouteGroup::ALL {
        family.distribution(&[("group", name)], &counted.durations[group as usize]);
    }
    let mut codes: Vec<_> = counted.refused_credentials.into_iter().collect();
    codes.sort_unstable();
    let mut family = out.counter(
        "tollkeeper_credentials_refused_total",
        "Requests whose credential was refused, or the virtual key that they ask about, by code: too_many_failed_attempts is what was wrong or dead too often.",
    );
    for (code, count) in codes {
        family.sample(&[("code", code)], count);
    }
    let mut family = out.counter(
        "tollkeeper_log_lines_left_out_total",
        "Log lines that were not written, by what became of them: counted are those that a line tells the number of, lost are those that standard error did not take.",
    );
    family.sample(&[("why", "counted")], log_lines::COUNTED.get());
    family.sample(&[("why", "lost")], log_lines::LOST.get());
    let caches = [
        ("answers", state.read_answers.uses()),
        ("explained_names", state.explained_names.uses()),
        ("searches", state.services.store.search_uses()),
    ];
    let mut family = out.counter(
        "tollkeeper_cache_hits_total",
        "Questions that a read cache could answer, by cache.",
    );
    for (name, uses) in &caches {
        family.sample(&[("cache", name)], uses.hits);
    }
    let mut family = out.counter(
        "tollkeeper_cache_misses_total",
        "Questions that a read cache could not answer, by cache.",
    );
    for (name, uses) in &caches {
        family.sample(&[("cache", name)], uses.misses);
    }
}
