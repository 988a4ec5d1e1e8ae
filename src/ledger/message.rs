//! What comes to the ledger's thread.

use std::sync::mpsc::SyncSender;

use super::changed::QueuedChange;
use super::engine::Ended;
use super::runtime::Question;

/// What comes to the ledger's thread.
pub enum LedgerMessage {
    /// Answer this.
    Question(Box<dyn Question>),
    /// Change who holds what.
    Change(Box<dyn QueuedChange>),
    /// End this in memory, although it can't be written down.
    End(Ended, SyncSender<()>),
    /// What was ended like that is written down.
    EndsStored(SyncSender<()>),
    /// Answer everything before this, and end.
    Stop(SyncSender<()>),
}
