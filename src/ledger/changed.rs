//! A change of who holds what, as the ledger's thread takes it.

use crate::error::Result;
use crate::store::followers::Reload;
use crate::store::{Needs, Seat, Writing};

/// A change of who holds what, the type of its answer forgotten.
pub trait QueuedChange: Send {
    /// What runs in the transaction, at most once.
    fn work(&mut self) -> Option<ChangeWork>;
    /// What it needs of its commit.
    fn needs(&self) -> Needs;
    /// Tells the caller, once it is committed and has taken effect, or is lost.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

/// What a change does in its transaction; answers what has to be loaded anew.
pub type ChangeWork = Box<dyn FnOnce(&Writing<'_>, &Seat) -> Result<Reload> + Send>;
