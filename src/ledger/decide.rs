//! The decision: which copy of which profile lets a call in, or why none does. Changes nothing; the same code decides and
//! explains.

use subtle::ConstantTimeEq;

use super::counters::{Amounts, Copy};
use super::directory::{Key, State};
use super::mcp;
use super::refuse;
use crate::domain::decision::{Call, Presented, Refusal, RefusalKind};
use crate::domain::explanation::{ExplainedCopy, ExplainedLimit, ExplainedProvider, KeyStatus};
use crate::domain::letter_case::fold;
use crate::domain::policy::PlaceKind;

/// A call, with what is asked of every copy worked out once.
pub struct Ask<'c> {
    /// The call.
    pub call: &'c Call,
    /// What it would hold.
    pub hold: Amounts,
    model_key: String,
    provider_key: Option<String>,
}

impl<'c> Ask<'c> {
    /// What `call` asks, held up to the cap of the settings.
    pub fn new(state: &State, call: &'c Call) -> Self {
        Self {
            call,
            hold: state.hold(
                call.estimated_tokens.unwrap_or(0),
                call.estimated_cost
                    .map_or(0, crate::domain::money::Money::nanodollars),
            ),
            model_key: fold(&call.model),
            provider_key: call.provider.as_deref().map(fold),
        }
    }
}

/// Who lets a call in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Whose call it is.
    pub user_id: i64,
    /// With which key.
    pub key_id: i64,
    /// The user's copy, by its place among them.
    pub copy: usize,
    /// The provider's line in the rules of the copy.
    pub line: usize,
}

/// How far a call came in a copy before it was refused. The later the further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Copy,
    Provider,
    Model,
    Mcp,
    Limits,
}

/// Where one copy refuses a call.
pub struct Stop {
    stage: Stage,
    /// Why.
    pub kind: RefusalKind,
    /// The line it had come to.
    pub line: Option<usize>,
    /// The limit without room.
    pub limit: Option<usize>,
}

/// A call that is refused.
pub struct Refused {
    /// Whose call it was, if the key is known.
    pub user_id: Option<i64>,
    /// What it is told.
    pub refusal: Refusal,
    /// The provider it had come to, if the model was one that some pattern knows.
    pub provider: Option<std::sync::Arc<str>>,
    /// Whether it is only the limits that have no room in the copy and line of this grant.
    pub no_room: Option<Grant>,
}

impl State {
    /// What would be held for these estimates.
    pub fn hold(&self, tokens: i64, cost: i64) -> Amounts {
        let cap = self
            .settings
            .max_hold
            .map_or(i64::MAX, crate::domain::money::Money::nanodollars);
        Amounts {
            tokens,
            cost: cost.min(cap),
        }
    }

    /// The key that was presented, and whether it works at `now_ms`.
    pub fn key(&self, presented: &Presented, now_ms: i64) -> (Option<&Key>, KeyStatus) {
        const NOBODY: [u8; 32] = [0; 32];
        let key = self.keys.get(&presented.public_id);
        let matches = |hash: &[u8; 32]| bool::from(hash.ct_eq(&presented.secret_hash));
        // As much work for an unknown id as for a wrong secret.
        let current = matches(key.map_or(&NOBODY, |key| &key.secret_hash));
        let previous = key
            .and_then(|key| key.previous.as_ref())
            .is_some_and(|previous| now_ms < previous.expires_at && matches(&previous.hash));
        match key {
            Some(key) if current || previous => {
                let status = if now_ms >= key.expires_at {
                    KeyStatus::Expired
                } else if current {
                    KeyStatus::Active
                } else {
                    KeyStatus::Previous
                };
                (Some(key), status)
            }
            _ => (None, KeyStatus::Unknown),
        }
    }

    /// Who lets the call in. `notes` is told what every copy says, if somebody wants to know.
    ///
    /// # Errors
    /// The refusal of the copy in which the call came furthest.
    pub fn decide(
        &self,
        ask: &Ask<'_>,
        now_ms: i64,
        mut notes: Option<&mut Vec<ExplainedCopy>>,
    ) -> Result<Grant, Box<Refused>> {
        let (key, status) = self.key(&ask.call.key, now_ms);
        let Some(key) = key else {
            return Err(refuse::before_copies(RefusalKind::AccessNotFound, None));
        };
        if status == KeyStatus::Expired {
            return Err(refuse::expired_key(key));
        }
        let copies = self
            .users
            .get(&key.user_id)
            .map_or(&[][..], |user| &user.copies);
        let grant = |copy, line| Grant {
            user_id: key.user_id,
            key_id: key.id,
            copy,
            line,
        };
        let (mut granted, mut furthest) = (None, None::<(usize, Stop)>);
        for (at, copy) in copies.iter().enumerate() {
            let mut note = notes.as_ref().map(|_| refuse::note(copy, now_ms));
            match self.ask_copy(copy, ask, now_ms, note.as_mut()) {
                Ok(line) => granted = granted.or(Some(grant(at, line))),
                Err(stop) => {
                    if let Some(note) = &mut note {
                        note.refusal = Some(refuse::by_copy(self, copy, ask, &stop, now_ms));
                    }
                    if furthest
                        .as_ref()
                        .is_none_or(|(_, before)| stop.stage > before.stage)
                    {
                        furthest = Some((at, stop));
                    }
                }
            }
            if let (Some(notes), Some(note)) = (&mut notes, note) {
                notes.push(note);
            } else if granted.is_some() {
                break;
            }
        }
        if let Some(granted) = granted {
            return Ok(granted);
        }
        let Some((at, stop)) = furthest else {
            return Err(refuse::before_copies(
                RefusalKind::AccessBlocked,
                Some(key.user_id),
            ));
        };
        let copy = &copies[at];
        let line = stop.line.map(|line| &copy.rules.lines[line]);
        Err(Box::new(Refused {
            user_id: Some(key.user_id),
            refusal: refuse::by_copy(self, copy, ask, &stop, now_ms),
            provider: line
                .filter(|_| stop.stage > Stage::Model)
                .map(|line| std::sync::Arc::clone(&line.name)),
            no_room: stop
                .line
                .filter(|_| stop.stage == Stage::Limits)
                .map(|line| grant(at, line)),
        }))
    }

    /// The line of the copy that lets the call in.
    fn ask_copy(
        &self,
        copy: &Copy,
        ask: &Ask<'_>,
        now_ms: i64,
        mut note: Option<&mut ExplainedCopy>,
    ) -> Result<usize, Stop> {
        let stop = |stage, kind, line| Stop {
            stage,
            kind,
            line,
            limit: None,
        };
        if now_ms >= copy.expires_at {
            return Err(stop(Stage::Copy, RefusalKind::AccessBlocked, None));
        }
        let line = find_line(copy, ask, note.as_deref_mut())?;
        if let Some(note) = note.as_deref_mut() {
            note.provider = Some(std::sync::Arc::clone(&copy.rules.lines[line].name));
        }
        if let Some(call) = &ask.call.mcp {
            let said = mcp::decide(&copy.rules.mcp, &self.tool_groups, call);
            if let Some(note) = note.as_deref_mut() {
                note.mcp = Some(said);
            }
            if !said.allowed {
                return Err(stop(Stage::Mcp, RefusalKind::McpToolBlocked, Some(line)));
            }
        }
        self.ask_limits(copy, line, ask.hold, now_ms, note)
            .map_or(Ok(line), |(kind, limit)| {
                Err(Stop {
                    stage: Stage::Limits,
                    kind,
                    line: Some(line),
                    limit: Some(limit),
                })
            })
    }

    /// The refusal of the limits of a line, if one has no room: its kind, and the limit of that kind that resets last.
    fn ask_limits(
        &self,
        copy: &Copy,
        line: usize,
        hold: Amounts,
        now_ms: i64,
        mut note: Option<&mut ExplainedCopy>,
    ) -> Option<(RefusalKind, usize)> {
        // For budgets, tokens and requests: the limit without room that resets last.
        let mut dry: [Option<(i64, usize)>; 3] = [None; 3];
        for &at in &copy.rules.lines[line].limits {
            let limit = &copy.rules.limits[at];
            let standing = copy.standing(limit, now_ms, &self.zone);
            let asked = hold.of(limit.kind, 1);
            let fits = standing.has_room_for(asked);
            if let Some(note) = note.as_deref_mut() {
                note.limits.push(ExplainedLimit {
                    state: copy.state(limit, standing),
                    asked,
                    fits,
                });
            }
            if !fits {
                let kind = match limit.kind {
                    PlaceKind::Budget => 0,
                    PlaceKind::Tokens => 1,
                    PlaceKind::Requests | PlaceKind::RateLimit => 2,
                };
                if dry[kind].is_none_or(|(resets_at, _)| standing.resets_at > resets_at) {
                    dry[kind] = Some((standing.resets_at, at));
                }
            }
        }
        let limit = |(_, at)| at;
        match dry {
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

/// The first line of the provider that was asked for, or of any, that allows the model.
fn find_line(
    copy: &Copy,
    ask: &Ask<'_>,
    mut note: Option<&mut ExplainedCopy>,
) -> Result<usize, Stop> {
    let (mut found, mut asked) = (None, None);
    for (at, line) in copy.rules.lines.iter().enumerate() {
        let other = ask
            .provider_key
            .as_deref()
            .is_some_and(|key| key != &*line.key);
        if other && note.is_none() {
            continue;
        }
        let said = (!other).then(|| line.says(&ask.call.model, &ask.model_key));
        if let Some(note) = note.as_deref_mut() {
            let refusal = match &said {
                None => Some(RefusalKind::ProviderBlocked),
                Some(said) => (!said.allowed).then_some(RefusalKind::ModelBlocked),
            };
            note.providers.push(ExplainedProvider {
                provider: std::sync::Arc::clone(&line.name),
                refusal,
                rule: said.as_ref().and_then(|said| said.rule),
                pattern: said.as_ref().and_then(|said| said.pattern.clone()),
            });
        }
        if let Some(said) = said {
            asked = asked.or(Some(at));
            if said.allowed && found.is_none() {
                found = Some(at);
                if note.is_none() {
                    break;
                }
            }
        }
    }
    found.ok_or(match asked {
        None => Stop {
            stage: Stage::Provider,
            kind: RefusalKind::ProviderBlocked,
            line: None,
            limit: None,
        },
        Some(line) => Stop {
            stage: Stage::Model,
            kind: RefusalKind::ModelBlocked,
            line: Some(line),
            limit: None,
        },
    })
}
