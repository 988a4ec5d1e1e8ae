//! What one copy of a profile says to a call: which of its lines lets it in, and which limit has no room.

use std::sync::Arc;

use super::demand::{Demand, DryLimit, Obstacle, RefusalStage, Terms};
use crate::domain::decision::RefusalKind;
use crate::domain::decision::explanation::{ExplainedCopy, ExplainedLimit, ExplainedProvider};
use crate::domain::limits::limit::LimitKind;
use crate::domain::values::duration::ResetDuration;
use crate::ledger::engine::directory::mcp;
use crate::ledger::engine::directory::rules::{ModelVerdict, ProviderRules};
use crate::ledger::engine::directory::user_profile::UserProfile;
use crate::ledger::engine::state::LedgerState;

/// The first line of the copy that allows the call and has room: of the provider that was asked for, or of any.
///
/// # Errors
/// Where the call came furthest.
pub fn decide(
    state: &LedgerState,
    copy: &UserProfile,
    demand: &Demand<'_>,
    now_ms: i64,
    mut note: Option<&mut ExplainedCopy>,
) -> Result<usize, Obstacle> {
    if state.directory.is_over(copy, now_ms) {
        return Err(Obstacle::at(
            RefusalStage::Copy,
            RefusalKind::AccessBlocked,
            None,
        ));
    }
    let mut granted = None;
    let mut furthest = Obstacle::at(RefusalStage::Provider, RefusalKind::ProviderBlocked, None);
    let order = order(&copy.rules.lines, demand);
    for step in 0..copy.rules.lines.len() {
        let at = order.get(step).copied().unwrap_or(step);
        let line = &copy.rules.lines[at];
        let Some(terms) = demand.terms_of(&line.key) else {
            continue;
        };
        if note.is_none() && granted.is_some() {
            break;
        }
        let verdict = line.says(&demand.call.model, &demand.model_key);
        let obstacle = if !verdict.allowed {
            Some(Obstacle::at(
                RefusalStage::Model,
                RefusalKind::ModelBlocked,
                Some(at),
            ))
        } else if granted.is_some() {
            None
        } else {
            let obstacle = decide_in_line(
                state,
                copy,
                at,
                (demand, terms),
                now_ms,
                note.as_deref_mut(),
            );
            if obstacle.is_none() {
                granted = Some(at);
            }
            obstacle
        };
        if let Some(note) = note.as_deref_mut() {
            note_line(note, line, verdict, obstacle.as_ref());
        }
        if let Some(obstacle) = obstacle
            && obstacle.stage > furthest.stage
        {
            furthest = obstacle;
        }
    }
    if let Some(note) = note {
        let allowed = furthest
            .line
            .filter(|_| furthest.stage > RefusalStage::Model);
        note.provider = granted
            .or(allowed)
            .map(|line| Arc::clone(&copy.rules.lines[line].name));
    }
    granted.ok_or(furthest)
}

/// Where the copy refuses a call that it once let in.
pub fn find_obstacle(
    state: &LedgerState,
    copy: &UserProfile,
    demand: &Demand<'_>,
    now_ms: i64,
) -> Option<Obstacle> {
    if state.directory.is_over(copy, now_ms) {
        return Some(Obstacle::at(
            RefusalStage::Copy,
            RefusalKind::AccessBlocked,
            None,
        ));
    }
    let line = demand
        .provider_key
        .as_deref()
        .and_then(|key| Some((copy.rules.line(key)?, demand.terms_of(key)?)));
    let Some((line, terms)) = line else {
        let kind = RefusalKind::ProviderBlocked;
        return Some(Obstacle::at(RefusalStage::Provider, kind, None));
    };
    let verdict = copy.rules.lines[line].says(&demand.call.model, &demand.model_key);
    if !verdict.allowed {
        let kind = RefusalKind::ModelBlocked;
        return Some(Obstacle::at(RefusalStage::Model, kind, Some(line)));
    }
    decide_in_line(state, copy, line, (demand, terms), now_ms, None)
}

/// Where a line that allows the model refuses a call.
fn decide_in_line(
    state: &LedgerState,
    copy: &UserProfile,
    line: usize,
    (demand, terms): (&Demand<'_>, Terms),
    now_ms: i64,
    mut note: Option<&mut ExplainedCopy>,
) -> Option<Obstacle> {
    if let Some(obstacle) = decide_on_tool(state, copy, line, demand, note.as_deref_mut()) {
        return Some(obstacle);
    }
    let (kind, limit) = decide_by_limits(state, copy, line, terms, now_ms, note)?;
    let refused_at = limit
        .room_at
        .map_or(RefusalStage::InVain, |_| RefusalStage::Limits);
    Some(Obstacle {
        limit: Some(limit),
        ..Obstacle::at(refused_at, kind, Some(line))
    })
}

fn decide_on_tool(
    state: &LedgerState,
    copy: &UserProfile,
    line: usize,
    demand: &Demand<'_>,
    note: Option<&mut ExplainedCopy>,
) -> Option<Obstacle> {
    let verdict = mcp::decide(
        &copy.rules.mcp,
        &state.directory.tool_groups,
        demand.call.particulars.mcp()?,
    );
    if let Some(note) = note {
        note.mcp = Some(verdict);
    }
    let kind = RefusalKind::McpToolBlocked;
    (!verdict.allowed).then(|| Obstacle::at(RefusalStage::Mcp, kind, Some(line)))
}

/// The refusal of the limits of a line, if one has no room: its kind, and the limit of that kind that resets last, or the smallest of
/// those that never reset or that the call is larger than, since waiting for the others would be in vain. It says when the last of any
/// kind resets.
fn decide_by_limits(
    state: &LedgerState,
    copy: &UserProfile,
    line: usize,
    terms: Terms,
    now_ms: i64,
    mut note: Option<&mut ExplainedCopy>,
) -> Option<(RefusalKind, DryLimit)> {
    // For budgets, tokens and requests: whether the limit never has room, how it is chosen among such, and its place.
    let mut dry: [Option<(bool, i64, usize)>; 3] = [None; 3];
    for &at in &copy.rules.lines[line].limits {
        let limit = &copy.rules.limits[at];
        let kind = limit.key.kind;
        let balance = match terms.let_in_as() {
            Some(number) => copy.balance_of(limit, number, &state.zone),
            None => Some(copy.balance(limit, now_ms, &state.zone)),
        };
        // What does not count the call has no room to keep for it.
        let Some(balance) = balance else {
            continue;
        };
        if !terms.asks_of(kind, balance.effective) {
            continue;
        }
        let asked = terms.asked(kind).unwrap_or(0);
        let fits = balance.has_room_for(asked);
        if let Some(note) = note.as_deref_mut() {
            note_limit(
                note,
                ExplainedLimit {
                    state: copy.limited(&state.zone).state(limit, balance),
                    asked,
                    fits,
                },
            );
        }
        if !fits {
            let never = limit.key.reset_duration == ResetDuration::Never
                || balance.never_has_room_for(terms.whole(kind));
            let rank = if never {
                -balance.effective
            } else {
                balance.count.resets_at
            };
            let dry = match kind {
                LimitKind::Budget => &mut dry[0],
                LimitKind::Tokens => &mut dry[1],
                LimitKind::Requests => &mut dry[2],
            };
            if dry.is_none_or(|(others, of, _)| (never, rank) > (others, of)) {
                *dry = Some((never, rank, at));
            }
        }
    }
    let (never, last, _) = *dry.iter().flatten().max()?;
    let room_at = (!never && terms.let_in_as().is_none()).then_some(last);
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

/// In which order the lines are asked, where it is not that of the policy: a name with a slash may begin with that of a provider.
fn order(lines: &[ProviderRules], demand: &Demand<'_>) -> Vec<usize> {
    if demand.provider_key.is_some() || !demand.model_key.contains('/') {
        return Vec::new();
    }
    let verdict: Vec<_> = lines
        .iter()
        .map(|line| line.says(&demand.call.model, &demand.model_key))
        .collect();
    if !verdict.iter().any(|verdict| verdict.has_prefix) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|at| verdict[*at].rank());
    order
}

/// Notes what a line says. That no tool is granted is not verdict by the line.
fn note_line(
    note: &mut ExplainedCopy,
    line: &ProviderRules,
    verdict: ModelVerdict<'_>,
    obstacle: Option<&Obstacle>,
) {
    note.providers.push(ExplainedProvider {
        provider: Arc::clone(&line.name),
        refusal: obstacle
            .filter(|obstacle| obstacle.stage != RefusalStage::Mcp)
            .map(|obstacle| obstacle.kind),
        rule: verdict.rule,
        pattern: verdict.pattern,
        matched_name: verdict.matched_name.map(str::to_owned),
    });
}

/// Notes a limit once, also if it covers several lines that were asked.
fn note_limit(note: &mut ExplainedCopy, limit: ExplainedLimit) {
    let place = limit.state.place_id;
    if note.limits.iter().all(|one| one.state.place_id != place) {
        note.limits.push(limit);
    }
}
