//! What the holder of a management API key may give away: no permission that it does not hold, and nothing for longer than the key
//! itself works. Who changes, revokes or rotates a key acts on all that this key holds.

use jiff::Timestamp;

use super::ApiKey;
use super::permission::PermissionSet;
use crate::error::{Error, Result};

/// What the key of a call holds, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// What it may do.
    pub permissions: PermissionSet,
    /// From when on it is refused; the operator at the data directory never is.
    pub expires_at: Option<Timestamp>,
}

impl Rights {
    /// Whether these permissions may be given to a key.
    ///
    /// # Errors
    /// [`Error::Forbidden`] names one that is not held.
    pub fn may_grant(self, wanted: PermissionSet) -> Result<()> {
        match self.lacks(wanted) {
            None => Ok(()),
            Some(missing) => Err(Error::Forbidden {
                code: "permission_not_held",
                message: format!("scopes: this key does not hold {missing}, so it can't grant it"),
            }),
        }
    }

    /// Whether a key may be changed, revoked or given another secret.
    ///
    /// # Errors
    /// [`Error::Forbidden`] names a permission of the key that is not held.
    pub fn may_act_on(self, key: &ApiKey) -> Result<()> {
        match self.lacks(key.permissions) {
            None => Ok(()),
            Some(missing) => Err(Error::Forbidden {
                code: "permission_not_held",
                message: format!(
                    "the API key {:?} holds {missing}, which this key does not; use one that holds all that it holds",
                    key.name
                ),
            }),
        }
    }

    /// Whether rights may be given away that last until then; `None` is for ever.
    ///
    /// # Errors
    /// [`Error::BeyondOwnExpiry`].
    pub fn may_last(self, until: Option<Timestamp>) -> Result<()> {
        match self.expires_at {
            Some(latest) if until.is_none_or(|until| until > latest) => {
                let rotating = false;
                Err(Error::BeyondOwnExpiry { latest, rotating })
            }
            _ => Ok(()),
        }
    }

    /// Whether another secret of a key may be had, and with it all that the key may do for as long as it works.
    ///
    /// # Errors
    /// As [`Self::may_act_on`] and [`Self::may_last`].
    pub fn may_rotate(self, key: &ApiKey) -> Result<()> {
        self.may_act_on(key)?;
        self.may_last(key.expires_at).map_err(|error| match error {
            Error::BeyondOwnExpiry { latest, .. } => {
                let rotating = true;
                Error::BeyondOwnExpiry { latest, rotating }
            }
            other => other,
        })
    }

    fn lacks(self, wanted: PermissionSet) -> Option<String> {
        if wanted.is_all() && !self.permissions.is_all() {
            return Some("every permission (\"*\")".to_owned());
        }
        let missing = self.permissions.first_missing(wanted)?;
        Some(missing.to_string())
    }
}
