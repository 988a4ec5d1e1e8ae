//! Charging calls that were made without a reservation. What was spent is recorded, whatever a policy says to it: what would have
//! refused the call is told, and no more.

use super::engine::{self, Decision, Demand};
use super::figures::DecidedOn;
use super::requests::{RequestKind, lost};
use super::runtime::{Batch, Runtime};
use crate::domain::decision::amounts::Spent;
use crate::domain::decision::explanation::KeyStatus;
use crate::domain::decision::{Call, Refusal, RefusalKind, Settled};
use crate::error::Result;
use crate::store::virtual_keys::former_secrets;

/// Whose call it was.
struct Spender {
    user_id: i64,
    key_id: i64,
    /// The profile to name where the user holds nothing any more; 0 when none is known.
    last_profile_id: i64,
    /// Why the key lets nothing in any more.
    refusal: Option<Refusal>,
}

impl Runtime {
    /// Charges a call; refused is only a key that never was.
    pub(super) fn charge(
        &mut self,
        batch: &mut Batch,
        call: &Call,
        spent: Spent,
    ) -> Result<Decision<Settled>> {
        let decision = self.charge_spender(batch, call, spent)?;
        if !matches!(&decision, Ok(settled) if settled.repeated) {
            batch.decided(DecidedOn::Charge, &decision);
        }
        Ok(decision)
    }

    fn charge_spender(
        &mut self,
        batch: &mut Batch,
        call: &Call,
        spent: Spent,
    ) -> Result<Decision<Settled>> {
        let Some(spender) = self.spender(batch, call)? else {
            let refused = engine::before_copies(RefusalKind::AccessNotFound, None);
            return Ok(Err(refused.refusal));
        };
        if let Some(earlier) =
            self.earlier::<Settled>(batch, spender.key_id, call, RequestKind::Usage)?
        {
            return Ok(Ok(Settled {
                repeated: true,
                ..earlier
            }));
        }
        let demand = Demand::new(&self.state.settings, call);
        let who = (spender.user_id, spender.key_id);
        let (payer, refusal) =
            self.state
                .payer(who, spender.last_profile_id, &demand, batch.now_ms);
        let nonce = self.nonces.next()?;
        let mut settled = self
            .state
            .charge(
                &mut batch.effects,
                &demand,
                payer,
                Some(nonce),
                spent,
                batch.now_ms,
            )
            .ok_or_else(lost)?;
        settled.outside_policy = spender
            .refusal
            .or(refusal)
            .or_else(|| engine::beyond(&settled.limits, spent.amounts()))
            .map(|refusal| Box::new(refusal.into()));
        self.remember(batch, payer.key_id, call, RequestKind::Usage, &settled)?;
        Ok(Ok(settled))
    }

    /// Whose key this is or once was. Only one that does not work, or not any more, costs a look into the database.
    fn spender(&self, batch: &Batch, call: &Call) -> Result<Option<Spender>> {
        let (key, status) = self.state.directory.key(&call.key, batch.now_ms);
        if let Some(key) = key {
            return Ok(Some(Spender {
                user_id: key.user_id,
                key_id: key.id,
                last_profile_id: 0,
                refusal: (status == KeyStatus::Expired).then(|| engine::expired_key(key).refusal),
            }));
        }
        let (public_id, hash) = (&call.key.public_id, &call.key.secret_hash);
        let found = former_secrets::find(&self.reader.look(), public_id, hash)?;
        Ok(found.map(|former| {
            let why = if self.state.directory.keys.contains_key(public_id) {
                "this secret of the virtual key was replaced by a rotation, and its grace period is over"
            } else {
                "this virtual key was deleted"
            };
            Spender {
                user_id: former.user_id,
                key_id: former.virtual_key_id,
                last_profile_id: former.access_profile_id.unwrap_or(0),
                refusal: Some(Refusal::new(RefusalKind::AccessNotFound, why)),
            }
        }))
    }
}
