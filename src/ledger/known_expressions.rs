//! The compiled expressions of the policies that somebody follows, each list once.
//!
//! A decision can't wait for a compilation, and neither can the writer, for whom all wait. So whoever is about to give
//! somebody a policy has its expressions compiled before, and keeps them until that is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::domain::access_profile::policy::Policy;
use crate::domain::models::expressions::ExpressionSet;
use crate::domain::models::model_pattern::expressions_of;
use crate::error::{Error, Result};

/// Most bytes that the expressions of all policies together take; past that no further policy with expressions is given to anybody.
const MAX_IN_FORCE: usize = 256 * 1024 * 1024;

/// Compiled lists by what they were compiled from, as long as somebody has them.
#[derive(Debug, Default)]
pub struct KnownExpressions(Mutex<HashMap<Box<[String]>, Weak<ExpressionSet>>>);

/// Expressions that are kept ready.
#[derive(Debug, Default)]
pub struct ReadyExpressions {
    /// Only held.
    compiled: Vec<Arc<ExpressionSet>>,
    missing: Vec<Box<[String]>>,
}

impl ReadyExpressions {
    /// Does what they are kept ready for.
    pub fn until<T>(self, done: impl FnOnce() -> T) -> T {
        done()
    }

    /// Whether some have to be compiled first.
    pub fn is_missing_any(&self) -> bool {
        !self.missing.is_empty()
    }
}

impl KnownExpressions {
    /// Keeps the expressions of these policies ready, but for those that have to be compiled first.
    pub fn look_up(&self, policies: &[Policy]) -> ReadyExpressions {
        let mut ready = ReadyExpressions::default();
        let lines = policies.iter().flat_map(|policy| &policy.provider_configs);
        let lists = lines.flat_map(|line| [&line.allowed_models, &line.blacklisted_models]);
        for list in lists {
            let texts = expressions_of(list);
            if texts.is_empty() {
                continue;
            }
            match self.find(&texts) {
                Some(compiled) => ready.compiled.push(compiled),
                None => ready.missing.push(key(&texts)),
            }
        }
        ready
    }

    /// Compiles what is missing. Takes long.
    ///
    /// # Errors
    /// [`Error::Conflict`] when all expressions in force would take too much memory.
    pub fn complete(&self, mut ready: ReadyExpressions) -> Result<ReadyExpressions> {
        for list in std::mem::take(&mut ready.missing) {
            let texts: Vec<&str> = list.iter().map(String::as_str).collect();
            let compiled = self.compile(&texts)?;
            if self.bytes() > MAX_IN_FORCE {
                return Err(too_many_in_force());
            }
            ready.compiled.push(compiled);
        }
        Ok(ready)
    }

    /// A list that somebody keeps ready.
    pub fn find(&self, texts: &[&str]) -> Option<Arc<ExpressionSet>> {
        self.known().get(&key(texts)).and_then(Weak::upgrade)
    }

    /// The same; compiled if nobody keeps it.
    ///
    /// # Errors
    /// [`Error::Internal`] for a list that can't be compiled: none is stored.
    pub fn compile(&self, texts: &[&str]) -> Result<Arc<ExpressionSet>> {
        if let Some(known) = self.find(texts) {
            return Ok(known);
        }
        let compiled = ExpressionSet::compile(texts)
            .map_err(|error| Error::internal("compiling the pattern of a policy", error))?;
        let compiled = Arc::new(compiled);
        let mut known = self.known();
        known.retain(|_, list| list.strong_count() > 0);
        known.insert(key(texts), Arc::downgrade(&compiled));
        Ok(compiled)
    }

    fn bytes(&self) -> usize {
        let known = self.known();
        let lists = known.values().filter_map(Weak::upgrade);
        lists.map(|list| list.bytes()).sum()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Box<[String]>, Weak<ExpressionSet>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(texts: &[&str]) -> Box<[String]> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn too_many_in_force() -> Error {
    Error::conflict(
        "too_many_expressions_in_force",
        "",
        format!(
            "the \"regex:\" patterns of all profiles that users hold would take more than {} MiB compiled; write them shorter, or as \
             names with *",
            MAX_IN_FORCE / 1024 / 1024
        ),
    )
}
