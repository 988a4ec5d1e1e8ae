//! The rules of the policies that somebody follows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::engine::Rules;
use super::known_expressions::KnownExpressions;
use crate::domain::models::expressions::ExpressionSet;
use crate::error::{Error, Result};
use crate::store::Reading;
use crate::store::access_profiles::policies;

/// Rules by the id of their policy, and what their expressions are compiled to. Only the ledger's thread adds to the rules, so what is
/// here was committed.
#[derive(Clone)]
pub struct KnownRules {
    rules: Arc<Mutex<HashMap<i64, Arc<Rules>>>>,
    expressions: Arc<KnownExpressions>,
}

/// Rules that were compiled inside a transaction.
pub type Fresh = HashMap<i64, Arc<Rules>>;

impl KnownRules {
    /// None yet.
    pub fn none(expressions: Arc<KnownExpressions>) -> Self {
        Self {
            rules: Arc::default(),
            expressions,
        }
    }

    /// Rules whose expressions somebody has made ready.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when nobody has; when the database can't be read.
    pub fn get(
        &self,
        reading: &Reading<'_>,
        policy_id: i64,
        fresh: &mut Fresh,
    ) -> Result<Arc<Rules>> {
        let ready = |texts: &[&str]| self.expressions.find(texts).ok_or_else(not_ready);
        self.get_with(reading, policy_id, fresh, ready)
    }

    /// The same at the start, when nobody waits for a decision yet: what is missing is compiled.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn compile(
        &self,
        reading: &Reading<'_>,
        policy_id: i64,
        fresh: &mut Fresh,
    ) -> Result<Arc<Rules>> {
        let compile = |texts: &[&str]| self.expressions.compile(texts);
        self.get_with(reading, policy_id, fresh, compile)
    }

    fn get_with(
        &self,
        reading: &Reading<'_>,
        policy_id: i64,
        fresh: &mut Fresh,
        compiled: impl Fn(&[&str]) -> Result<Arc<ExpressionSet>>,
    ) -> Result<Arc<Rules>> {
        if let Some(rules) = self
            .lock()
            .get(&policy_id)
            .or_else(|| fresh.get(&policy_id))
        {
            return Ok(Arc::clone(rules));
        }
        let policy = policies::get(reading, policy_id)?;
        let limits = policies::get_limits(reading, &policy)?;
        let rules = Rules::compile(&policy, limits, compiled)?;
        let rules = Arc::new(rules);
        fresh.insert(policy_id, Arc::clone(&rules));
        Ok(rules)
    }

    /// Adds what was committed, and forgets what no copy follows any more.
    pub fn add(&self, fresh: Fresh) {
        if fresh.is_empty() {
            return;
        }
        let mut known = self.lock();
        known.retain(|_, rules| Arc::strong_count(rules) > 1);
        known.extend(fresh);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<Rules>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The policy changed after its expressions were made ready.
fn not_ready() -> Error {
    Error::Unavailable {
        code: "changed_meanwhile",
        reason: "the access profile was changed at the same moment; try again".to_owned(),
    }
}
