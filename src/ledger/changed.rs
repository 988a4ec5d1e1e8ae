//! A change of who holds what, and what it did to what decisions depend on.

use crate::error::Result;
use crate::store::{Needs, Writing};

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
    /// The version of the profile that it was last changed by.
    pub template_version: i64,
    /// Whether its counters were deleted and start at zero.
    pub reset_usage: bool,
}

/// A change of who holds what, the type of its answer forgotten.
pub trait Change: Send {
    /// What runs in the transaction, at most once.
    fn work(&mut self) -> Option<ChangeWork>;
    /// What it needs of its commit.
    fn needs(&self) -> Needs;
    /// Tells the caller, once it is committed and has taken effect, or is lost.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

/// What a change does in its transaction.
pub type ChangeWork = Box<dyn FnOnce(&Writing<'_>) -> Result<Changed> + Send>;
