//! What follows from what happened: one `match` says it for each event, so that a new one does not compile before it is said.
//!
//! In the transaction follow audit entries (`told.rs`) and what is searched; then the ledger loads anew what [`Reload`] names, in the same
//! turn; after the commit and before the answer follows the [`Aftermath`].

mod entries;
mod told;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::audit::chain;
use super::lists::search::{ACCESS_PROFILES, Index, USERS, VIRTUAL_KEYS};
use super::sql::Writing;
use crate::domain::audit::Actor;
use crate::domain::event::{Change, ChangedCopy, Event};
use crate::error::Result;

/// What the ledger loads anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reload {
    /// Users who came or went, or of whom copies, keys or overrides did.
    pub users: BTreeSet<i64>,
    /// Copies of which it knows already what changed; for changes of thousands.
    pub copies: Vec<ChangedCopy>,
    /// Whether MCP tool groups changed.
    pub tool_groups: bool,
}

impl Reload {
    /// Whether nothing has to be loaded anew.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What has to be done after the commit and before the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Public ids of management API keys of which nothing may be remembered.
    pub api_keys: Vec<String>,
    /// Public ids of virtual keys of which a file may hold a secret that is none any more.
    pub virtual_keys: Vec<String>,
    /// Whether prices changed.
    pub prices: bool,
    /// Whether something happened of which the audit log does not tell.
    pub is_untold: bool,
}

/// Rows whose words are packed anew.
#[derive(Default)]
struct Found {
    users: BTreeSet<i64>,
    virtual_keys: BTreeSet<i64>,
    access_profiles: BTreeSet<i64>,
}

/// Lets everything follow that belongs into the transaction; answers what is left to do.
pub(super) fn follow(
    writing: &Writing<'_>,
    actor: &Actor,
    now: Timestamp,
    events: Vec<Event>,
) -> Result<(Reload, Aftermath)> {
    let mut followers = Followers::default();
    let (mut is_told, happened) = (false, !events.is_empty());
    for event in events {
        if let Some((entry, versions)) = told::entry(&event, actor) {
            chain::append(writing, now, &entry, &versions)?;
            is_told = true;
        }
        followers.add(event);
    }
    let Followers {
        found,
        reload,
        mut aftermath,
    } = followers;
    pack(writing, &USERS, found.users)?;
    pack(writing, &VIRTUAL_KEYS, found.virtual_keys)?;
    pack(writing, &ACCESS_PROFILES, found.access_profiles)?;
    aftermath.is_untold = happened && !is_told;
    Ok((reload, aftermath))
}

fn pack(writing: &Writing<'_>, index: &Index, ids: BTreeSet<i64>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    index.refresh(writing, &ids.into_iter().collect::<Vec<_>>())
}

/// What follows from some events, beside audit entries.
#[derive(Default)]
struct Followers {
    found: Found,
    reload: Reload,
    aftermath: Aftermath,
}

impl Followers {
    fn add(&mut self, event: Event) {
        let Self {
            found,
            reload,
            aftermath,
        } = self;
        match event {
            Event::ToolGroupCreated(_)
            | Event::ToolGroupUpdated(_)
            | Event::ToolGroupDeleted(_) => reload.tool_groups = true,

            Event::PriceSet { .. } | Event::PriceDeleted(_) => aftermath.prices = true,

            Event::ApiKeyUpdated(Change { after: key, .. })
            | Event::ApiKeyRotated(Change { after: key, .. })
            | Event::ApiKeyRevoked(key) => aftermath.api_keys.push(key.public_id),

            Event::AccessProfileCreated { id, .. }
            | Event::AccessProfileDeleted { id, .. }
            | Event::AccessProfileReplaced {
                id,
                is_found_otherwise: true,
                ..
            } => {
                found.access_profiles.insert(id);
            }

            Event::OverrideSet { place, .. } | Event::OverrideRemoved { place, .. } => {
                reload.users.insert(place.user_id);
            }

            Event::UserUpdated(Change { after, .. }) => {
                found.users.insert(after.id);
            }

            Event::VirtualKeyCreated(key) | Event::VirtualKeyUpdated(Change { after: key, .. }) => {
                found.virtual_keys.insert(key.id);
                reload.users.insert(key.user_id);
            }
            Event::VirtualKeyDeleted(key) => {
                found.virtual_keys.insert(key.id);
                reload.users.insert(key.user_id);
                aftermath.virtual_keys.push(key.public_id);
            }

            // Nobody has seen a new key yet; who is in a role and holds what, and what else became of rows, are events of their own.
            Event::ApiKeyCreated(_)
            | Event::SettingChanged(_)
            | Event::BackupMade(_)
            | Event::BackupDownloaded(_)
            | Event::BackupDrilled(_)
            | Event::BackupRestored(_)
            | Event::AccessProfileReplaced {
                is_found_otherwise: false,
                ..
            }
            | Event::RoleCreated(_)
            | Event::RoleUpdated(_)
            | Event::RoleDeleted(_)
            | Event::RolesAttached { .. }
            | Event::RoleDetached { .. }
            | Event::Propagated { .. }
            | Event::KeysRotated { .. }
            | Event::CopyAssigned { .. }
            | Event::CopyUnassigned { .. }
            | Event::CopyGained { .. }
            | Event::CopyLost { .. }
            | Event::UserCreated { .. }
            | Event::UserRoleChanged { .. }
            | Event::UserDeleted { .. }
            | Event::VirtualKeyRotated(_)
            | Event::OlderLogAccepted(_) => {}

            Event::HoldersChanged { user_ids } => {
                found.users.extend(&user_ids);
                reload.users.extend(user_ids);
            }
            Event::KeysIssued { user_ids, key_ids } => {
                found.virtual_keys.extend(key_ids);
                reload.users.extend(user_ids);
            }
            Event::KeysEnded {
                user_id,
                key_ids,
                public_ids,
            } => {
                found.virtual_keys.extend(key_ids);
                reload.users.insert(user_id);
                aftermath.virtual_keys.extend(public_ids);
            }
            Event::SecretReplaced { user_id, public_id } => {
                reload.users.insert(user_id);
                aftermath.virtual_keys.push(public_id);
            }
            Event::CopiesChanged(copies) => reload.copies.extend(copies),
            Event::OverridesForgotten { user_ids } => reload.users.extend(user_ids),
        }
    }
}
