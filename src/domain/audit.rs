//! The audit log's chain: every entry carries a keyed hash over its fields and the hash before it.
//!
//! Who can write the database but does not know the key can't make an entry that fits.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Length of a chain hash, in bytes.
pub const MAC_LENGTH: usize = 32;

/// Who does something: a management API key, or the operator at the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The public id of the key; `cli` for the operator's own shell, `server` for Tollkeeper itself.
    pub id: String,
    /// The name of the key at that time.
    pub name: String,
    /// The request that did it.
    pub request_id: String,
}

impl Actor {
    /// Tollkeeper itself, at `occasion` (such as `first-start`).
    pub fn server(occasion: &str) -> Self {
        Self {
            id: "server".to_owned(),
            name: "tollkeeper".to_owned(),
            request_id: occasion.to_owned(),
        }
    }
}

/// What happened, before it has a place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEntry {
    /// Who did it.
    pub actor: Actor,
    /// What was done, such as `access_profile.create`.
    pub action: Cow<'static, str>,
    /// The kind of thing it was done to, such as `access_profile`.
    pub subject_kind: Cow<'static, str>,
    /// The id of that thing.
    pub subject_id: String,
    /// The access profile concerned, if any.
    pub access_profile_id: Option<i64>,
    /// The user concerned, if any.
    pub user_id: Option<i64>,
    /// JSON of what was there before; no secret, no hash.
    pub previous_value: Option<String>,
    /// JSON of what is there now; no secret, no hash.
    pub new_value: Option<String>,
}

/// An entry with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// 1 for the first; without gaps.
    pub id: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What it tells.
    pub entry: NewAuditEntry,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is as it was written and none is missing.
    Intact {
        /// How many there are.
        entries: i64,
    },
    /// Somebody changed, removed, moved or added entries.
    Tampered {
        /// The first entry at which it shows.
        entry: i64,
        /// What is wrong there.
        finding: String,
    },
}

/// The key of the chain. Lies outside the database, and has no `Debug`.
#[derive(Clone)]
pub struct ChainKey(pub [u8; MAC_LENGTH]);

impl ChainKey {
    /// The hash of an entry at place `sequence` (1 for the first), after an entry whose hash is `previous` (all zero for none).
    ///
    /// Every field is preceded by its length, and absent ones differ from empty ones, so no two entries hash the same input.
    pub fn mac(
        &self,
        previous: &[u8; MAC_LENGTH],
        sequence: i64,
        at: Timestamp,
        entry: &NewAuditEntry,
    ) -> [u8; MAC_LENGTH] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes any key length"));
        mac.update(previous);
        mac.update(&sequence.to_le_bytes());
        mac.update(&at.as_millisecond().to_le_bytes());
        let profile = entry.access_profile_id.map(|id| id.to_string());
        let user = entry.user_id.map(|id| id.to_string());
        let fields = [
            Some(entry.actor.id.as_str()),
            Some(&entry.actor.name),
            Some(&entry.actor.request_id),
            Some(&entry.action),
            Some(&entry.subject_kind),
            Some(&entry.subject_id),
            profile.as_deref(),
            user.as_deref(),
            entry.previous_value.as_deref(),
            entry.new_value.as_deref(),
        ];
        for field in fields {
            match field {
                Some(text) => {
                    mac.update(&[1]);
                    mac.update(&(text.len() as u64).to_le_bytes());
                    mac.update(text.as_bytes());
                }
                None => mac.update(&[0]),
            }
        }
        mac.finalize().into_bytes().into()
    }
}
