//! The way to the ledger's thread, on which is counted what waits.

use std::sync::Arc;
use std::sync::mpsc::{SendError, SyncSender, TrySendError};

use super::figures::LedgerFigures;
use super::message::LedgerMessage;

/// Where messages wait for the ledger's thread.
pub struct LedgerQueue {
    sender: SyncSender<LedgerMessage>,
    figures: Arc<LedgerFigures>,
}

impl LedgerQueue {
    /// The way to whoever receives what `sender` sends.
    pub fn new(sender: SyncSender<LedgerMessage>, figures: Arc<LedgerFigures>) -> Self {
        Self { sender, figures }
    }

    /// Waits for room.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn send(&self, message: LedgerMessage) -> Result<(), SendError<LedgerMessage>> {
        self.sender.send(message)?;
        self.figures.enter();
        Ok(())
    }

    /// Does not wait.
    ///
    /// # Errors
    /// When there is no room, or the thread is gone.
    pub fn try_send(&self, message: LedgerMessage) -> Result<(), TrySendError<LedgerMessage>> {
        self.sender.try_send(message)?;
        self.figures.enter();
        Ok(())
    }

    /// What the ledger counts of itself.
    pub fn figures(&self) -> &LedgerFigures {
        &self.figures
    }
}
