//! Charging calls that were made without a reservation. What was spent is recorded, whatever a policy says to it: what would have
//! refused the call is told, and no more.

use super::counters::Amounts;
use super::decide::{Ask, Payer};
use super::directory::State;
use super::message::Decision;
use super::refuse;
use super::requests::{Asked, lost};
use super::thread::{Turn, Turns};
use crate::domain::decision::{Call, Refusal, RefusalKind, Settled};
use crate::domain::explanation::KeyStatus;
use crate::domain::money::Money;
use crate::error::Result;
use crate::store::former_secrets;

/// Whose call it was.
struct Holder {
    user_id: i64,
    key_id: i64,
    /// The profile to name where the user holds nothing any more; 0 when none is known.
    last_profile_id: i64,
    /// Why the key lets nothing in any more.
    refusal: Option<Refusal>,
}

impl Turns {
    /// Charges a call; refused is only a key that never was.
    pub(super) fn charge(
        &mut self,
        turn: &mut Turn,
        call: &Call,
        tokens: i64,
        cost: Money,
    ) -> Result<Decision<Settled>> {
        let Some(holder) = self.holder(turn, call)? else {
            let refused = refuse::before_copies(RefusalKind::AccessNotFound, None);
            return Ok(Err(refused.refusal));
        };
        if let Some(earlier) = self.earlier::<Settled>(turn, holder.key_id, call, Asked::Usage)? {
            return Ok(Ok(Settled {
                repeated: true,
                ..earlier
            }));
        }
        let ask = Ask::new(&self.state, call);
        let (payer, refusal) = self.state.payer(&holder, &ask, turn.now_ms);
        let amounts = Amounts {
            tokens,
            cost: cost.nanodollars(),
        };
        let nonce = self.nonces.next()?;
        let mut settled = self
            .state
            .charge(
                &mut turn.batch,
                &ask,
                payer,
                Some(nonce),
                amounts,
                turn.now_ms,
            )
            .ok_or_else(lost)?;
        settled.outside_policy = holder
            .refusal
            .or(refusal)
            .or_else(|| refuse::beyond(&settled.limits, amounts))
            .map(|refusal| Box::new(refusal.into()));
        self.remember(turn, payer.key_id, call, Asked::Usage, &settled)?;
        Ok(Ok(settled))
    }

    /// Whose key this is or once was. Only one that does not work, or not any more, costs a look into the database.
    fn holder(&self, turn: &Turn, call: &Call) -> Result<Option<Holder>> {
        let (key, status) = self.state.key(&call.key, turn.now_ms);
        if let Some(key) = key {
            return Ok(Some(Holder {
                user_id: key.user_id,
                key_id: key.id,
                last_profile_id: 0,
                refusal: (status == KeyStatus::Expired).then(|| refuse::expired_key(key).refusal),
            }));
        }
        let (public_id, hash) = (&call.key.public_id, &call.key.secret_hash);
        let found = former_secrets::find(&self.reader.look(), public_id, hash)?;
        Ok(found.map(|former| {
            let why = if self.state.keys.contains_key(public_id) {
                "this secret of the virtual key was replaced by a rotation, and its grace period is over"
            } else {
                "this virtual key was deleted"
            };
            Holder {
                user_id: former.user_id,
                key_id: former.virtual_key_id,
                last_profile_id: former.access_profile_id.unwrap_or(0),
                refusal: Some(Refusal::new(RefusalKind::AccessNotFound, why)),
            }
        }))
    }
}

impl State {
    /// Who pays, and why no copy lets the call in if none does. It is the copy that the call came furthest in; where the time of all
    /// is over, the first that has a line for the provider, or else the first.
    fn payer(&self, holder: &Holder, ask: &Ask<'_>, now_ms: i64) -> (Payer, Option<Refusal>) {
        let (user_id, key_id) = (holder.user_id, holder.key_id);
        let refused = match self.ask_copies(user_id, key_id, ask, now_ms, None) {
            Ok(grant) => return (grant.into(), None),
            Err(refused) => *refused,
        };
        let copies = self.copies_of(user_id);
        let line_in = |at: usize| copies[at].rules.line(ask.provider_key.as_deref()?);
        let is_over = |at: &usize| self.is_over(&copies[*at], now_ms);
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
            last_profile_id: holder.last_profile_id,
        };
        (payer, Some(refused.refusal))
    }
}
