//! The decision: which copy of which profile lets a call in, or why none does, and who pays for it either way. Changes nothing; the same
//! code decides and explains.

use super::copy_decision;
use super::demand::{Demand, Grant, Obstacle, Payer, RefusedCall};
use super::refuse;
use crate::domain::decision::explanation::{ExplainedCopy, KeyStatus};
use crate::domain::decision::{Refusal, RefusalKind};
use crate::ledger::engine::state::LedgerState;

impl LedgerState {
    /// Who lets the call in. `notes` is told what every copy says, if somebody wants to know.
    ///
    /// # Errors
    /// The refusal of the copy in which the call came furthest.
    pub fn decide(
        &self,
        demand: &Demand<'_>,
        now_ms: i64,
        notes: Option<&mut Vec<ExplainedCopy>>,
    ) -> Result<Grant, Box<RefusedCall>> {
        let (key, status) = self.directory.key(&demand.call.key, now_ms);
        let Some(key) = key else {
            return Err(refuse::before_copies(RefusalKind::AccessNotFound, None));
        };
        if status == KeyStatus::Expired {
            return Err(refuse::expired_key(key));
        }
        self.decide_for(key.user_id, key.id, demand, now_ms, notes)
    }

    /// Which of a user's copies lets the call in, whatever becomes of the key.
    ///
    /// # Errors
    /// As [`LedgerState::decide`].
    pub fn decide_for(
        &self,
        user_id: i64,
        key_id: i64,
        demand: &Demand<'_>,
        now_ms: i64,
        mut notes: Option<&mut Vec<ExplainedCopy>>,
    ) -> Result<Grant, Box<RefusedCall>> {
        let copies = self.directory.copies_of(user_id);
        let grant = |copy, line| Grant {
            user_id,
            key_id,
            copy,
            line,
        };
        let (mut granted, mut furthest) = (None, None::<(usize, Obstacle)>);
        for (at, copy) in copies.iter().enumerate() {
            let mut note = notes
                .as_ref()
                .map(|_| refuse::note(copy, !self.directory.is_over(copy, now_ms)));
            match copy_decision::decide(self, copy, demand, now_ms, note.as_mut()) {
                Ok(line) => granted = granted.or(Some(grant(at, line))),
                Err(obstacle) => {
                    if let Some(note) = &mut note {
                        note.refusal =
                            Some(refuse::by_copy(copy, demand, &obstacle, now_ms, &self.zone));
                    }
                    if furthest
                        .as_ref()
                        .is_none_or(|(_, before)| obstacle.stage > before.stage)
                    {
                        furthest = Some((at, obstacle));
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
        let Some((at, obstacle)) = furthest else {
            return Err(refuse::before_copies(
                RefusalKind::AccessBlocked,
                Some(user_id),
            ));
        };
        let mut refused =
            refuse::in_copy(user_id, &copies[at], demand, &obstacle, now_ms, &self.zone);
        refused.furthest = Some((at, obstacle.line));
        Err(refused)
    }

    /// Who pays, and why no copy lets the call in if none does. It is the copy that the call came furthest in; where the time of all
    /// is over, the first that has a line for the provider, or else the first.
    /// `last_profile_id` is named where the user holds nothing any more.
    pub fn payer(
        &self,
        (user_id, key_id): (i64, i64),
        last_profile_id: i64,
        demand: &Demand<'_>,
        now_ms: i64,
    ) -> (Payer, Option<Refusal>) {
        let refused = match self.decide_for(user_id, key_id, demand, now_ms, None) {
            Ok(grant) => return (grant.into(), None),
            Err(refused) => *refused,
        };
        let copies = self.directory.copies_of(user_id);
        let line_in = |at: usize| copies[at].rules.line(demand.provider_key.as_deref()?);
        let is_over = |at: &usize| self.directory.is_over(&copies[*at], now_ms);
        let (furthest, line) = refused.furthest.unzip();
        let copy = match furthest.filter(is_over) {
            Some(first) => (0..copies.len())
                .find(|at| line_in(*at).is_some())
                .or(Some(first)),
            None => furthest,
        };
        let payer = Payer {
            user_id,
            key_id,
            copy,
            line: line.flatten().or_else(|| line_in(copy?)),
            last_profile_id,
        };
        (payer, Some(refused.refusal))
    }
}
