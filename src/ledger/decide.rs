//! The decision: which copy of which profile lets a call in, or why none does. Changes nothing; the same code decides and
//! explains.

use subtle::ConstantTimeEq;

use super::counters::Amounts;
use super::directory::{Key, State};
use super::refuse;
use crate::domain::decision::{Call, Presented, Refusal, RefusalKind};
use crate::domain::explanation::{ExplainedCopy, KeyStatus};
use crate::domain::letter_case::fold;
use crate::domain::money::Money;
use crate::domain::policy::PlaceKind;

/// A call, with what is asked of every copy worked out once.
pub struct Ask<'c> {
    /// The call.
    pub call: &'c Call,
    /// What it would hold.
    pub hold: Amounts,
    /// The model without regard to case.
    pub model_key: String,
    /// The provider without regard to case.
    pub provider_key: Option<String>,
    /// What comes on top of an open reservation, if the call is let in already.
    more: Option<Amounts>,
}

impl<'c> Ask<'c> {
    /// What `call` asks, held up to its own cap and that of the settings.
    pub fn new(state: &State, call: &'c Call) -> Self {
        let estimate = Amounts {
            tokens: call.estimated_tokens.unwrap_or(0),
            cost: call.estimated_cost.map_or(0, Money::nanodollars),
        };
        Self {
            call,
            hold: state.hold(estimate, call.max_hold.map(Money::nanodollars)),
            model_key: fold(&call.model),
            provider_key: call.provider.as_deref().map(fold),
            more: None,
        }
    }

    /// The same call, let in already: it asks for nothing but what comes on top of what it holds.
    pub fn more(self, more: Amounts) -> Self {
        Self {
            more: Some(more),
            ..self
        }
    }

    /// Whether limits of this kind are asked at all: not where everything was let in before.
    pub fn asks_of(&self, kind: PlaceKind) -> bool {
        match self.more {
            Some(more) => more.of(kind, 0) > 0,
            None => kind != PlaceKind::Requests || self.call.requests > 0,
        }
    }

    /// What is asked of a limit of this kind; none when the call does not say.
    pub fn asked(&self, kind: PlaceKind) -> Option<i64> {
        match self.more {
            Some(more) => Some(more.of(kind, 0)),
            None => self.whole(kind),
        }
    }

    /// The same with what the call holds already.
    pub fn whole(&self, kind: PlaceKind) -> Option<i64> {
        match kind {
            PlaceKind::Budget => self.call.estimated_cost.map(|_| self.hold.cost),
            PlaceKind::Tokens => self.call.estimated_tokens.map(|_| self.hold.tokens),
            PlaceKind::Requests | PlaceKind::RateLimit => Some(self.call.requests),
        }
    }
}

/// Who pays for a call that was made, whether or not anything lets it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payer {
    /// Whose call it is.
    pub user_id: i64,
    /// With which key.
    pub key_id: i64,
    /// The user's copy, by its place among them; none when nothing is held any more.
    pub copy: Option<usize>,
    /// The provider's line in the rules of the copy, if it has one.
    pub line: Option<usize>,
    /// The profile that is named where there is no copy; 0 when none is known.
    pub last_profile_id: i64,
}

impl From<Grant> for Payer {
    fn from(grant: Grant) -> Self {
        Self {
            user_id: grant.user_id,
            key_id: grant.key_id,
            copy: Some(grant.copy),
            line: Some(grant.line),
            last_profile_id: 0,
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
pub enum Stage {
    /// The copy itself.
    Copy,
    /// The provider.
    Provider,
    /// The model.
    Model,
    /// The MCP tool.
    Mcp,
    /// A limit that the whole call is larger than: there is never room.
    Size,
    /// The limits.
    Limits,
}

/// Where one copy refuses a call.
pub struct Stop {
    /// How far it came.
    pub stage: Stage,
    /// Why.
    pub kind: RefusalKind,
    /// The line it had come to.
    pub line: Option<usize>,
    /// The limit without room.
    pub limit: Option<DryLimit>,
}

/// A limit without room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DryLimit {
    /// Its place among the limits of the rules.
    pub at: usize,
    /// When the last of all limits without room resets: there is no room before. None where the call is larger than the limit.
    pub room_at: Option<i64>,
}

/// A call that is refused.
pub struct Refused {
    /// Whose call it was, if the key is known.
    pub user_id: Option<i64>,
    /// What it is told.
    pub refusal: Refusal,
    /// The provider it had come to, if the model was one that some pattern knows.
    pub provider: Option<std::sync::Arc<str>>,
    /// The user's copy that it came furthest in, by its place among them, and the line there.
    pub furthest: Option<(usize, Option<usize>)>,
}

impl State {
    /// What would be held for this estimate; `cap` is the call's own on what is held of budgets.
    pub fn hold(&self, estimate: Amounts, cap: Option<i64>) -> Amounts {
        let most = self.settings.max_hold.map_or(i64::MAX, Money::nanodollars);
        Amounts {
            cost: estimate.cost.min(most).min(cap.unwrap_or(i64::MAX)),
            ..estimate
        }
    }

    /// The key that was presented, and whether it works at `now_ms`.
    pub fn key(&self, presented: &Presented, now_ms: i64) -> (Option<&Key>, KeyStatus) {
        const NOBODY: [u8; 32] = [0; 32];
        let key = self.keys.get(&presented.public_id);
        let matches = |hash: &[u8; 32]| bool::from(hash.ct_eq(&presented.secret_hash));
        // As much work for an unknown id as for a wrong secret.
        let current = matches(key.map_or(&NOBODY, |key| &key.secret_hash));
        let earlier = key.is_some_and(|key| {
            key.earlier().any(|secret| {
                self.peaks.of_key(key.id, now_ms) < secret.expires_at && matches(&secret.hash)
            })
        });
        match key {
            Some(key) if current || earlier => {
                let status = if self.is_key_over(key, now_ms) {
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

    /// The key that was presented, if it works at `now_ms`.
    pub fn working_key(&self, presented: &Presented, now_ms: i64) -> Option<&Key> {
        match self.key(presented, now_ms) {
            (Some(key), KeyStatus::Active | KeyStatus::Previous) => Some(key),
            _ => None,
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
        notes: Option<&mut Vec<ExplainedCopy>>,
    ) -> Result<Grant, Box<Refused>> {
        let (key, status) = self.key(&ask.call.key, now_ms);
        let Some(key) = key else {
            return Err(refuse::before_copies(RefusalKind::AccessNotFound, None));
        };
        if status == KeyStatus::Expired {
            return Err(refuse::expired_key(key));
        }
        self.ask_copies(key.user_id, key.id, ask, now_ms, notes)
    }

    /// Which of a user's copies lets the call in, whatever becomes of the key.
    ///
    /// # Errors
    /// As [`State::decide`].
    pub fn ask_copies(
        &self,
        user_id: i64,
        key_id: i64,
        ask: &Ask<'_>,
        now_ms: i64,
        mut notes: Option<&mut Vec<ExplainedCopy>>,
    ) -> Result<Grant, Box<Refused>> {
        let copies = self.copies_of(user_id);
        let grant = |copy, line| Grant {
            user_id,
            key_id,
            copy,
            line,
        };
        let (mut granted, mut furthest) = (None, None::<(usize, Stop)>);
        for (at, copy) in copies.iter().enumerate() {
            let mut note = notes
                .as_ref()
                .map(|_| refuse::note(copy, !self.is_over(copy, now_ms)));
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
                Some(user_id),
            ));
        };
        let mut refused = refuse::in_copy(self, user_id, &copies[at], ask, &stop, now_ms);
        refused.furthest = Some((at, stop.line));
        Err(refused)
    }
}
