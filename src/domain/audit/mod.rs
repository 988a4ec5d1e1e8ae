//! The audit log's chain: every entry carries a keyed hash over its fields and the hash before it.
//!
//! Who can write the database but does not know the key can't make an entry that fits.

pub mod action;
pub mod note;
pub mod state;

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::note::AuditNote;
use super::api_key::permission::{PermissionSet, Resource};
use super::values::number::hex;

/// Length of a chain hash, in bytes.
pub const MAC_LENGTH: usize = 32;

/// Length of the name of a key, in bytes.
const NAME_LENGTH: usize = 8;

/// Who does something: a management API key, or the operator at the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl NewAuditEntry {
    /// What was done to an access profile, with what was there before and what is there now.
    pub fn about_profile(
        actor: Actor,
        action: &'static str,
        id: i64,
        previous: Option<Value>,
        new: Option<Value>,
    ) -> Self {
        Self {
            access_profile_id: Some(id),
            ..Self::about(actor, action, "access_profile", &id, previous, new)
        }
    }

    /// What was done to something that concerns no access profile and no user, with what was there before and what is there now.
    pub fn about(
        actor: Actor,
        action: &'static str,
        subject_kind: &'static str,
        subject_id: &impl ToString,
        previous: Option<Value>,
        new: Option<Value>,
    ) -> Self {
        Self {
            actor,
            action: action.into(),
            subject_kind: subject_kind.into(),
            subject_id: subject_id.to_string(),
            access_profile_id: None,
            user_id: None,
            previous_value: previous.map(|value| value.to_string()),
            new_value: new.map(|value| value.to_string()),
        }
    }
}

/// The kinds of things whose entries show what is read with a permission that a key does not hold: such entries are not for it,
/// although it may read the log.
pub fn kinds_out_of_reach(permissions: PermissionSet) -> Vec<&'static str> {
    [
        ("user", Resource::Users),
        ("role", Resource::Roles),
        ("virtual_key", Resource::VirtualKeys),
        ("mcp_tool_group", Resource::VirtualMcps),
        ("reservation", Resource::Decisions),
        ("price", Resource::Settings),
        ("setting", Resource::Settings),
        ("backup", Resource::Backups),
    ]
    .into_iter()
    .filter(|(_, resource)| !permissions.shows(*resource))
    .map(|(kind, _)| kind)
    .collect()
}

/// The versions of its access profile that an entry tells of, instead of holding what they say a second time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NamedVersions {
    /// The version that was there before.
    pub previous: Option<NamedVersion>,
    /// The version that is there now.
    pub new: Option<NamedVersion>,
}

/// A version, and the hash that its content is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedVersion {
    /// Its number.
    pub version: i64,
    /// SHA-256 of its snapshot.
    pub content_hash: [u8; MAC_LENGTH],
}

impl NamedVersion {
    /// A version with this snapshot.
    pub fn of(version: i64, snapshot: &[u8]) -> Self {
        Self {
            version,
            content_hash: Sha256::digest(snapshot).into(),
        }
    }
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

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was found.
    pub verdict: Verdict,
    /// Where the log does not simply go on, if it is intact; the newest first.
    pub notes: Vec<AuditNote>,
    /// When the walk began that began at the first entry.
    pub walked_at: Timestamp,
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
    /// A name of the key, which tells nothing of it.
    pub fn name(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes any key length"));
        mac.update(b"the name of this key");
        hex(&mac.finalize().into_bytes()[..NAME_LENGTH])
    }

    /// The hash of an entry at place `sequence` (1 for the first), after an entry whose hash is `previous` (all zero for none).
    ///
    /// Every field is preceded by its length, absent ones differ from empty ones, and a version that is named stands with the hash
    /// of its content behind the field that it fills: so no two entries hash the same input.
    pub fn mac(
        &self,
        previous: &[u8; MAC_LENGTH],
        sequence: i64,
        at: Timestamp,
        entry: &NewAuditEntry,
        versions: &NamedVersions,
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
        ];
        for field in fields {
            update_text(&mut mac, field);
        }
        for (named, text) in [
            (&versions.previous, &entry.previous_value),
            (&versions.new, &entry.new_value),
        ] {
            update_text(&mut mac, text.as_deref());
            if let Some(named) = named {
                mac.update(&[2]);
                mac.update(&named.version.to_le_bytes());
                mac.update(&named.content_hash);
            }
        }
        mac.finalize().into_bytes().into()
    }
}

/// What stands for the hash of an entry that was written with another key: what that entry hashes to with this one, and the hash that it
/// has.
pub fn sealed(computed: &[u8; MAC_LENGTH], stored: &[u8]) -> [u8; MAC_LENGTH] {
    Sha256::new()
        .chain_update(computed)
        .chain_update(stored)
        .finalize()
        .into()
}

fn update_text(mac: &mut Hmac<Sha256>, field: Option<&str>) {
    match field {
        Some(text) => {
            mac.update(&[1]);
            mac.update(&(text.len() as u64).to_le_bytes());
            mac.update(text.as_bytes());
        }
        None => mac.update(&[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> NewAuditEntry {
        NewAuditEntry {
            actor: Actor {
                id: "actor".to_owned(),
                name: "name".to_owned(),
                request_id: "request".to_owned(),
            },
            action: "access_profile.update".into(),
            subject_kind: "access_profile".into(),
            subject_id: "5".to_owned(),
            access_profile_id: Some(5),
            user_id: None,
            previous_value: Some("{\"tags\":[\"a\"]}".to_owned()),
            new_value: Some("{\"tags\":[]}".to_owned()),
        }
    }

    fn mac(entry: &NewAuditEntry, versions: &NamedVersions) -> [u8; MAC_LENGTH] {
        let at = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        ChainKey([7; MAC_LENGTH]).mac(&[9; MAC_LENGTH], 3, at, entry, versions)
    }

    /// Computed with another implementation of HMAC-SHA-256: logs that were written once must fit for ever.
    #[test]
    fn an_entry_that_holds_its_values_has_the_hash_it_always_had() {
        assert_eq!(
            mac(&entry(), &NamedVersions::default()),
            [
                0x6a, 0x06, 0x98, 0xed, 0xe1, 0xad, 0xa4, 0x50, 0x71, 0xbe, 0xbf, 0x96, 0x80, 0x28,
                0x03, 0x44, 0xed, 0x4e, 0xf0, 0x58, 0x4e, 0x72, 0xd6, 0xf1, 0x63, 0xdf, 0xbf, 0x69,
                0x6f, 0x28, 0x0a, 0x59
            ]
        );
    }

    #[test]
    fn the_hash_of_an_entry_depends_on_each_version_and_its_content() {
        let named = |version, content: &str| Some(NamedVersion::of(version, content.as_bytes()));
        let of = |previous, new| NamedVersions { previous, new };
        let mut seen = std::collections::HashSet::new();
        for versions in [
            NamedVersions::default(),
            of(named(1, "a"), None),
            of(None, named(1, "a")),
            of(named(1, "a"), named(2, "b")),
            of(named(2, "b"), named(1, "a")),
            of(named(1, "a"), named(2, "c")),
            of(named(1, "a"), named(3, "b")),
        ] {
            assert!(seen.insert(mac(&entry(), &versions)), "{versions:?}");
            let bare = NewAuditEntry {
                previous_value: None,
                new_value: None,
                ..entry()
            };
            assert!(seen.insert(mac(&bare, &versions)), "bare {versions:?}");
        }
    }
}
