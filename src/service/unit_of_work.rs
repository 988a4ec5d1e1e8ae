//! The only gate of management: whatever it changes is changed in [`Services::write`], or, where decisions depend on it, in
//! [`Services::change`]. What follows from what happened is done when these return ([`crate::store::followers`]).

use super::Services;
use super::access_profiles::rotated_keys;
use crate::domain::api_key::ApiKey;
use crate::domain::audit::Actor;
use crate::domain::credential::Token;
use crate::error::Result;
use crate::store::followers::Aftermath;
use crate::store::{Occasion, Work, WorkInTurn};

impl Services {
    /// Changes what no decision depends on, as one unit.
    ///
    /// # Errors
    /// What `work` answers; see [`crate::store::Store::unit_of_work`].
    pub fn write<T: Send + 'static>(
        &self,
        actor: Actor,
        work: impl FnOnce(&mut Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_on(Occasion::new(actor, self.clock.now()), work)
    }

    /// Changes what decisions depend on, as one unit in the ledger's turn: those after this returns go by it.
    ///
    /// # Errors
    /// What `work` answers; see [`crate::ledger::Ledger::change`].
    pub fn change<T: Send + 'static>(
        &self,
        actor: Actor,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.change_on(Occasion::new(actor, self.clock.now()), work)
    }

    /// [`Services::write`] on an occasion of its own.
    ///
    /// # Errors
    /// As [`Services::write`].
    pub fn write_on<T: Send + 'static>(
        &self,
        occasion: Occasion,
        work: impl FnOnce(&mut Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, aftermath) = self.store.unit_of_work(occasion, work)?;
        self.follow(&aftermath);
        Ok(answer)
    }

    /// [`Services::change`] on an occasion of its own.
    ///
    /// # Errors
    /// As [`Services::change`].
    pub fn change_on<T: Send + 'static>(
        &self,
        occasion: Occasion,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, aftermath) = self.ledger.change(occasion, work)?;
        self.follow(&aftermath);
        Ok(answer)
    }

    /// [`Services::write`] of a management key whose new secret `token` is: the keyring knows it from then on, so that its first use needs
    /// no hashing, also where those who send an older one are slowed down.
    ///
    /// # Errors
    /// As [`Services::write`].
    pub(super) fn write_secret<T: Send + 'static>(
        &self,
        actor: Actor,
        token: &Token,
        work: impl FnOnce(&mut Work<'_>) -> Result<(T, Option<ApiKey>)> + Send + 'static,
    ) -> Result<T> {
        let before = self.keyring.changes();
        let occasion = Occasion::new(actor, self.clock.now());
        let ((answer, key), aftermath) = self.store.unit_of_work(occasion, work)?;
        // Somebody else's change in the meantime makes the count differ, and then this state of the key is not remembered.
        let expected = before + aftermath.api_keys.len() as u64;
        self.follow(&aftermath);
        if let Some(key) = key {
            self.keyring.remember_new(token, &key, expected);
        }
        Ok(answer)
    }

    /// Does what follows after the commit and before the answer.
    fn follow(&self, aftermath: &Aftermath) {
        debug_assert!(!aftermath.is_untold, "the audit log has to tell of it");
        for public_id in &aftermath.api_keys {
            self.keyring.forget(public_id);
        }
        if aftermath.prices {
            // What is stored counts from the next start on at the latest.
            if let Err(error) = self.prices.load(&self.store) {
                log::error!("prices were changed, and those of before still hold: {error}");
            }
        }
        if self.store.directory().count_rotated_keys() > 0 {
            for public_id in &aftermath.virtual_keys {
                rotated_keys::forget(self, public_id);
            }
        }
    }
}
