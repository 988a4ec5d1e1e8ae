//! What is asked without an effect: explanations, whose key it is.

use std::sync::Arc;

use super::demand::{Decision, Demand, RefusedCall};
use super::refuse;
use crate::domain::decision::explanation::{Explanation, KeyStatus};
use crate::domain::decision::{Call, GrantedTools, Holder, Presented, RefusalKind};
use crate::ledger::engine::directory::mcp;
use crate::ledger::engine::directory::rules::Rules;
use crate::ledger::engine::directory::user_profile::Counts;
use crate::ledger::engine::state::LedgerState;

#[expect(
    clippy::result_large_err,
    reason = "a refusal is an answer like another"
)]
impl LedgerState {
    /// What would be decided on a call, and every step that leads to it.
    pub fn explain(&self, call: &Call, now_ms: i64) -> Explanation {
        let (key, status) = self.directory.key(&call.key, now_ms);
        let (virtual_key_id, user_id) = key.map(|key| (key.id, key.user_id)).unzip();
        let mut copies = Vec::new();
        let decided = self.decide(
            &Demand::new(&self.settings, call),
            now_ms,
            Some(&mut copies),
        );
        let (refusal, granted) = match decided {
            Ok(grant) => (None, copies.get(grant.copy)),
            Err(refused) => (Some(refused.refusal), None),
        };
        Explanation {
            access_profile_id: match &refusal {
                Some(refusal) => refusal.access_profile_id,
                None => granted.map(|copy| copy.access_profile_id),
            },
            provider: granted.and_then(|copy| copy.provider.clone()),
            refusal,
            public_id: call.key.public_id,
            key: status,
            virtual_key_id,
            user_id,
            copies,
        }
    }

    /// The same, as if the key had been presented with its secret.
    pub fn explain_known(&self, call: &Call, now_ms: i64) -> Explanation {
        let mut call = call.clone();
        if let Some(key) = self.directory.keys.get(&call.key.public_id) {
            call.key.secret_hash = key.secret_hash;
        }
        self.explain(&call, now_ms)
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// The refusal of a key that does not work.
    pub fn who(&self, presented: &Presented, now_ms: i64) -> Decision<Holder> {
        match self.directory.key(presented, now_ms) {
            (Some(key), KeyStatus::Expired) => Err(refuse::expired_key(key).refusal),
            _ => self.whose(presented, now_ms),
        }
    }

    /// The same of a key whose time may be over.
    ///
    /// # Errors
    /// The refusal of a key that nobody has.
    pub fn whose(&self, presented: &Presented, now_ms: i64) -> Decision<Holder> {
        let (Some(key), _) = self.directory.key(presented, now_ms) else {
            return Err(refuse::before_copies(RefusalKind::AccessNotFound, None).refusal);
        };
        let copies = self.directory.copies_of(key.user_id);
        let in_force = |copy| !self.directory.is_over(copy, now_ms);
        Ok(Holder {
            virtual_key_id: key.id,
            user_id: key.user_id,
            holds_any: copies.iter().any(in_force),
            copies: copies.iter().map(|copy| copy.id).collect(),
        })
    }

    /// The tools of a server that a key may call through any copy that has not expired.
    ///
    /// # Errors
    /// The refusal of a key that does not work.
    pub fn mcp_tools(
        &self,
        presented: &Presented,
        server: &str,
        now_ms: i64,
    ) -> Decision<GrantedTools> {
        let holder = self.who(presented, now_ms)?;
        let copies = self.directory.copies_of(holder.user_id).iter();
        let rules = copies
            .filter(|copy| !self.directory.is_over(copy, now_ms))
            .map(|copy| &copy.rules.mcp);
        Ok(mcp::granted(rules, &self.directory.tool_groups, server))
    }

    /// The provider that would carry a call which takes nothing of any limit.
    ///
    /// # Errors
    /// The refusal of the copy in which the call came furthest.
    pub fn carrier(&self, call: &Call, now_ms: i64) -> Result<Arc<str>, Box<RefusedCall>> {
        let demand = Demand::new(&self.settings, call).nothing();
        let grant = self.decide(&demand, now_ms, None)?;
        let copy = &self.directory.copies_of(grant.user_id)[grant.copy];
        Ok(Arc::clone(&copy.rules.lines[grant.line].key))
    }

    /// The rules of the copies that a key may use, in the order of assignment.
    ///
    /// # Errors
    /// The refusal of a key that does not work.
    pub fn rules(&self, presented: &Presented, now_ms: i64) -> Decision<Vec<Arc<Rules>>> {
        let holder = self.who(presented, now_ms)?;
        let copies = self.directory.copies_of(holder.user_id).iter();
        let usable = copies.filter(|copy| !self.directory.is_over(copy, now_ms));
        Ok(usable.map(|copy| Arc::clone(&copy.rules)).collect())
    }

    /// What the limits of these copies (user, copy) count at `at_ms`.
    pub fn counts(&self, copies: &[(i64, i64)], at_ms: i64) -> Vec<(i64, Counts)> {
        copies
            .iter()
            .filter_map(|(user_id, copy_id)| {
                let copy = self.directory.copy(*user_id, *copy_id)?;
                Some((*copy_id, copy.counts(at_ms, &self.zone)))
            })
            .collect()
    }
}
