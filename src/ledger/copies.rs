//! What one copy of a profile says to a call: which of its lines lets it in, and which limit has no room.

use std::sync::Arc;

use super::counters::Copy;
use super::decide::{Ask, DryLimit, Stage, Stop};
use super::directory::State;
use super::mcp;
use super::rules::{Line, Said};
use crate::domain::decision::RefusalKind;
use crate::domain::explanation::{ExplainedCopy, ExplainedLimit, ExplainedProvider};
use crate::domain::policy::PlaceKind;

impl Stop {
    fn at(stage: Stage, kind: RefusalKind, line: Option<usize>) -> Self {
        Self {
            stage,
            kind,
            line,
            limit: None,
        }
    }
}

impl State {
    /// The first line of the copy that allows the call and has room: of the provider that was asked for, or of any.
    ///
    /// # Errors
    /// Where the call came furthest.
    pub(super) fn ask_copy(
        &self,
        copy: &Copy,
        ask: &Ask<'_>,
        now_ms: i64,
        mut note: Option<&mut ExplainedCopy>,
    ) -> Result<usize, Stop> {
        if self.is_over(copy, now_ms) {
            return Err(Stop::at(Stage::Copy, RefusalKind::AccessBlocked, None));
        }
        let mut granted = None;
        let mut furthest = Stop::at(Stage::Provider, RefusalKind::ProviderBlocked, None);
        let order = order(&copy.rules.lines, ask);
        for step in 0..copy.rules.lines.len() {
            let at = order.get(step).copied().unwrap_or(step);
            let line = &copy.rules.lines[at];
            let other = ask
                .provider_key
                .as_deref()
                .is_some_and(|key| key != &*line.key);
            if other || (note.is_none() && granted.is_some()) {
                continue;
            }
            let said = line.says(&ask.call.model, &ask.model_key);
            let stop = if !said.allowed {
                Some(Stop::at(Stage::Model, RefusalKind::ModelBlocked, Some(at)))
            } else if granted.is_some() {
                None
            } else {
                let stop = self.ask_line(copy, at, ask, now_ms, note.as_deref_mut());
                if stop.is_none() {
                    granted = Some(at);
                }
                stop
            };
            if let Some(note) = note.as_deref_mut() {
                note_line(note, line, said, stop.as_ref());
            }
            if let Some(stop) = stop
                && stop.stage > furthest.stage
            {
                furthest = stop;
            }
        }
        if let Some(note) = note {
            let allowed = furthest.line.filter(|_| furthest.stage > Stage::Model);
            note.provider = granted
                .or(allowed)
                .map(|line| Arc::clone(&copy.rules.lines[line].name));
        }
        granted.ok_or(furthest)
    }

    /// Where the copy refuses a call that it once let in.
    pub(super) fn still_refuses(&self, copy: &Copy, ask: &Ask<'_>, now_ms: i64) -> Option<Stop> {
        if self.is_over(copy, now_ms) {
            return Some(Stop::at(Stage::Copy, RefusalKind::AccessBlocked, None));
        }
        let line = ask
            .provider_key
            .as_deref()
            .and_then(|key| copy.rules.line(key));
        let Some(line) = line else {
            let kind = RefusalKind::ProviderBlocked;
            return Some(Stop::at(Stage::Provider, kind, None));
        };
        let said = copy.rules.lines[line].says(&ask.call.model, &ask.model_key);
        if !said.allowed {
            let kind = RefusalKind::ModelBlocked;
            return Some(Stop::at(Stage::Model, kind, Some(line)));
        }
        self.ask_line(copy, line, ask, now_ms, None)
    }

    /// Where a line that allows the model refuses a call.
    fn ask_line(
        &self,
        copy: &Copy,
        line: usize,
        ask: &Ask<'_>,
        now_ms: i64,
        mut note: Option<&mut ExplainedCopy>,
    ) -> Option<Stop> {
        if let Some(stop) = self.ask_mcp(copy, line, ask, note.as_deref_mut()) {
            return Some(stop);
        }
        let (kind, limit) = self.ask_limits(copy, line, ask, now_ms, note)?;
        let stage = limit.room_at.map_or(Stage::Size, |_| Stage::Limits);
        Some(Stop {
            limit: Some(limit),
            ..Stop::at(stage, kind, Some(line))
        })
    }

    fn ask_mcp(
        &self,
        copy: &Copy,
        line: usize,
        ask: &Ask<'_>,
        note: Option<&mut ExplainedCopy>,
    ) -> Option<Stop> {
        let said = mcp::decide(&copy.rules.mcp, &self.tool_groups, ask.call.mcp.as_ref()?);
        if let Some(note) = note {
            note.mcp = Some(said);
        }
        let kind = RefusalKind::McpToolBlocked;
        (!said.allowed).then(|| Stop::at(Stage::Mcp, kind, Some(line)))
    }

    /// The refusal of the limits of a line, if one has no room: its kind, and the limit of that kind that resets last, or the smallest
    /// that the call is larger than, since waiting for the others would be in vain. It says when the last of any kind resets.
    fn ask_limits(
        &self,
        copy: &Copy,
        line: usize,
        ask: &Ask<'_>,
        now_ms: i64,
        mut note: Option<&mut ExplainedCopy>,
    ) -> Option<(RefusalKind, DryLimit)> {
        // For budgets, tokens and requests: whether the limit never has room, how it is chosen among such, and its place.
        let mut dry: [Option<(bool, i64, usize)>; 3] = [None; 3];
        for &at in &copy.rules.lines[line].limits {
            let limit = &copy.rules.limits[at];
            if !ask.asks_of(limit.kind) {
                continue;
            }
            let standing = copy.standing(limit, now_ms, &self.zone);
            let asked = ask.asked(limit.kind).unwrap_or(0);
            let fits = standing.has_room_for(asked);
            if let Some(note) = note.as_deref_mut() {
                note_limit(
                    note,
                    ExplainedLimit {
                        state: copy.state(limit, standing),
                        asked,
                        fits,
                    },
                );
            }
            if !fits {
                let kind = match limit.kind {
                    PlaceKind::Budget => 0,
                    PlaceKind::Tokens => 1,
                    PlaceKind::Requests | PlaceKind::RateLimit => 2,
                };
                let never = standing.never_has_room_for(ask.whole(limit.kind));
                let rank = if never {
                    -standing.effective
                } else {
                    standing.resets_at
                };
                if dry[kind].is_none_or(|(others, of, _)| (never, rank) > (others, of)) {
                    dry[kind] = Some((never, rank, at));
                }
            }
        }
        let (never, last, _) = *dry.iter().flatten().max()?;
        let room_at = (!never).then_some(last);
        let limit = |(_, _, at)| DryLimit { at, room_at };
        match dry.map(|one| one.filter(|one| one.0 == never)) {
            [Some(budget), ..] => Some((RefusalKind::BudgetExceeded, limit(budget))),
            [_, Some(tokens), Some(requests)] => {
                Some((RefusalKind::RateLimited, limit(tokens.max(requests))))
            }
            [_, Some(tokens), None] => Some((RefusalKind::TokenLimited, limit(tokens))),
            [_, None, Some(requests)] => Some((RefusalKind::RequestLimited, limit(requests))),
            [None, None, None] => None,
        }
    }
}

/// In which order the lines are asked, where it is not that of the policy: a name with a slash may begin with that of a provider.
fn order(lines: &[Line], ask: &Ask<'_>) -> Vec<usize> {
    if ask.provider_key.is_some() || !ask.model_key.contains('/') {
        return Vec::new();
    }
    let said: Vec<_> = lines
        .iter()
        .map(|line| line.says(&ask.call.model, &ask.model_key))
        .collect();
    if !said.iter().any(|said| said.has_prefix) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|at| said[*at].rank());
    order
}

/// Notes what a line says. That no tool is granted is not said by the line.
fn note_line(note: &mut ExplainedCopy, line: &Line, said: Said<'_>, stop: Option<&Stop>) {
    note.providers.push(ExplainedProvider {
        provider: Arc::clone(&line.name),
        refusal: stop
            .filter(|stop| stop.stage != Stage::Mcp)
            .map(|stop| stop.kind),
        rule: said.rule,
        pattern: said.pattern,
        matched_name: said.matched_name.map(str::to_owned),
    });
}

/// Notes a limit once, also if it covers several lines that were asked.
fn note_limit(note: &mut ExplainedCopy, limit: ExplainedLimit) {
    let place = limit.state.place_id;
    if note.limits.iter().all(|one| one.state.place_id != place) {
        note.limits.push(limit);
    }
}
