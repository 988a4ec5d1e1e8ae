//! What was taken from management API keys and is not stored yet: the keyring goes by it.

use super::keyring::Keyring;
use super::remembered::TakenAway;
use crate::domain::api_key::ApiKey;

impl Keyring {
    /// Takes from a key what can't be stored; that lasts until [`Keyring::trust_store`].
    pub fn take_away(&self, public_id: &str, taken: TakenAway) {
        let mut remembered = self.change();
        remembered.take_away(public_id, taken);
        remembered.forget(public_id);
    }

    /// What was taken from a key is stored.
    pub fn trust_store(&self, public_id: &str) {
        let mut remembered = self.change();
        remembered.taken.remove(public_id);
        remembered.forget(public_id);
    }

    /// Whether something was taken from a key that is not stored yet.
    pub fn is_less_than_stored(&self, public_id: &str) -> bool {
        self.look().taken.contains_key(public_id)
    }

    /// What is left of a stored key.
    pub(super) fn what_is_left(&self, key: ApiKey) -> ApiKey {
        match self.look().taken.get(&key.public_id) {
            Some(taken) => taken.leave_of(&key),
            None => key,
        }
    }
}
