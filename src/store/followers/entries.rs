//! Audit entries as they are written: what was there before and what is there now of each kind of thing.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::api_key::ApiKey;
use crate::domain::audit::note::{ACCEPT, AUDIT_LOG, AcceptedState};
use crate::domain::audit::{Actor, NamedVersion, NamedVersions, NewAuditEntry};
use crate::domain::backup::restoration::{Restoration, RevivedKey};
use crate::domain::backup::state::Drill;
use crate::domain::event::{RotationDates, ToldBackup};
use crate::domain::limits::budget_override::{BudgetOverride, BudgetPlace};
use crate::domain::mcp::tool_group::ToolGroup;
use crate::domain::people::role::Role;
use crate::domain::people::user::{HeldProfile, User};
use crate::domain::price::stored::StoredPrice;
use crate::domain::settings::changed_setting::ChangedSetting;
use crate::domain::virtual_key::VirtualKey;

/// A user has a copy.
pub const ASSIGN: &str = "access_profile.assign";
/// A user has it no more.
pub const UNASSIGN: &str = "access_profile.unassign";

/// Most keys that an entry names.
const MOST_NAMED: usize = 1_000;

/// An entry, with the versions that it names in place of values.
pub type Told = (NewAuditEntry, NamedVersions);

/// Makes entries of what somebody did.
pub struct About<'a>(pub &'a Actor);

impl About<'_> {
    /// What was done to something, with what it was and is; at least one of them is there.
    fn thing<T>(
        &self,
        action: &'static str,
        (kind, id): (&'static str, impl Fn(&T) -> String),
        (before, after): (Option<&T>, Option<&T>),
        shown: impl Fn(&T) -> Value,
    ) -> Told {
        let id = after.or(before).map(id).unwrap_or_default();
        let (old, new) = (before.map(&shown), after.map(&shown));
        let entry = NewAuditEntry::about(self.0.clone(), action, kind, &id, old, new);
        (entry, NamedVersions::default())
    }

    pub fn role(&self, action: &'static str, before: Option<&Role>, after: Option<&Role>) -> Told {
        let kind = ("role", |role: &Role| role.id.to_string());
        self.thing(action, kind, (before, after), |role| {
            json!({
                "id": role.id,
                "name": role.name,
                "description": role.description,
                "dac": role.dac.name(),
                "permissions": role.permissions.names(),
            })
        })
    }

    pub fn tool_group(
        &self,
        action: &'static str,
        before: Option<&ToolGroup>,
        after: Option<&ToolGroup>,
    ) -> Told {
        let kind = ("mcp_tool_group", |group: &ToolGroup| group.id.to_string());
        self.thing(action, kind, (before, after), |group| {
            json!({
                "id": group.id,
                "name": group.name,
                "description": group.description,
                "enabled": group.enabled,
                "tools": group.tools,
            })
        })
    }

    pub fn price(
        &self,
        action: &'static str,
        before: Option<&StoredPrice>,
        after: Option<&StoredPrice>,
    ) -> Told {
        let kind = ("price", |price: &StoredPrice| price.of.name());
        self.thing(action, kind, (before, after), |price| {
            json!({ "provider": price.of.provider, "model": price.of.model, "prices": price.entries })
        })
    }

    pub fn setting(&self, action: &'static str, change: &ChangedSetting) -> Told {
        let shown = |value: &String| json!({ "name": change.name, "value": value });
        let old = change.before.as_ref().map(shown);
        let new = change.after.as_ref().map(shown);
        let entry = NewAuditEntry::about(self.0.clone(), action, "setting", &change.name, old, new);
        (entry, NamedVersions::default())
    }

    pub fn backup(&self, action: &'static str, backup: &ToldBackup) -> Told {
        let new = json!({ "name": backup.name, "recipient": backup.recipient, "findings": backup.findings });
        self.of_backup(action, &backup.name, new)
    }

    pub fn drill(&self, drill: &Drill) -> Told {
        let new = json!({ "name": drill.name, "passed": drill.passed, "why": drill.why });
        self.of_backup("backup.drill", &drill.name, new)
    }

    pub fn restoration(&self, restoration: &Restoration) -> Told {
        let undone = &restoration.undone;
        // Where that is unknown, nothing stands there that looks as if nothing was undone.
        let known = |value: Value| match undone.unknown {
            None => value,
            Some(_) => Value::Null,
        };
        let new = json!({
            "name": restoration.backup,
            "made_at": restoration.made_at,
            "restored_at": restoration.restored_at,
            "kept": restoration.kept,
            "findings": restoration.findings,
            "undone_unknown": undone.unknown,
            "undone_changes": known(json!(undone.changes)),
            "revived_api_keys": known(json!(names(&undone.api_keys))),
            "revived_virtual_keys": known(json!(names(&undone.virtual_keys))),
        });
        self.of_backup("backup.restore", &restoration.backup, new)
    }

    fn of_backup(&self, action: &'static str, name: &String, new: Value) -> Told {
        let entry = NewAuditEntry::about(self.0.clone(), action, "backup", name, None, Some(new));
        (entry, NamedVersions::default())
    }

    pub fn api_key(
        &self,
        action: &'static str,
        before: Option<&ApiKey>,
        after: Option<&ApiKey>,
    ) -> Told {
        let kind = ("api_key", |key: &ApiKey| key.id.to_string());
        self.thing(action, kind, (before, after), |key| {
            json!({
                "id": key.id,
                "public_id": key.public_id,
                "name": key.name,
                "description": key.description,
                "scopes": key.permissions.names(),
                "expires_at": key.expires_at,
                "previous_key_expires_at": key.previous_expires_at,
            })
        })
    }

    pub fn virtual_key(
        &self,
        action: &'static str,
        before: Option<&VirtualKey>,
        after: Option<&VirtualKey>,
    ) -> Told {
        let kind = ("virtual_key", |key: &VirtualKey| key.public_id.clone());
        let key = after.or(before);
        let (entry, versions) = self.thing(action, kind, (before, after), |key| {
            json!({
                "id": key.public_id,
                "name": key.name,
                "description": key.description,
                "is_managed": key.is_managed,
                "user_id": key.user_id.to_string(),
                "access_profile_id": key.access_profile_id,
                "expires_at": key.expires_at,
                "previous_expires_at": key.previous_expires_at,
                "rotated_at": key.rotated_at,
            })
        });
        let entry = NewAuditEntry {
            access_profile_id: key.and_then(|key| key.access_profile_id),
            user_id: key.map(|key| key.user_id),
            ..entry
        };
        (entry, versions)
    }

    pub fn log(&self, accepted: &AcceptedState) -> Told {
        let id = accepted.head.entries;
        let new = serde_json::to_value(accepted).unwrap_or_default();
        let entry = NewAuditEntry::about(self.0.clone(), ACCEPT, AUDIT_LOG, &id, None, Some(new));
        (entry, NamedVersions::default())
    }

    pub fn user(
        &self,
        action: &'static str,
        id: i64,
        old: Option<Value>,
        new: Option<Value>,
    ) -> Told {
        let entry = NewAuditEntry {
            user_id: Some(id),
            ..NewAuditEntry::about(self.0.clone(), action, "user", &id, old, new)
        };
        (entry, NamedVersions::default())
    }

    pub fn profile(
        &self,
        action: &'static str,
        id: i64,
        old: Option<Value>,
        new: Option<Value>,
    ) -> Told {
        let entry = NewAuditEntry::about_profile(self.0.clone(), action, id, old, new);
        (entry, NamedVersions::default())
    }

    /// The entry names the versions that there were and are.
    pub fn versions(
        &self,
        action: &'static str,
        id: i64,
        previous: Option<NamedVersion>,
        new: Option<NamedVersion>,
    ) -> Told {
        let (entry, _) = self.profile(action, id, None, None);
        (entry, NamedVersions { previous, new })
    }

    pub fn copy(
        &self,
        action: &'static str,
        access_profile_id: i64,
        user_id: i64,
        old: Option<Value>,
        new: Option<Value>,
    ) -> Told {
        let (entry, versions) = self.profile(action, access_profile_id, old, new);
        let user_id = Some(user_id);
        (NewAuditEntry { user_id, ..entry }, versions)
    }

    pub fn over(
        &self,
        action: &'static str,
        place: &BudgetPlace,
        before: Option<BudgetOverride>,
        after: Option<BudgetOverride>,
    ) -> Told {
        let shown = |over: BudgetOverride| {
            json!({
                "budget_id": place.budget_id,
                "amount": over.amount,
                "mode": over.mode(),
                "cycles": over.cycles,
                "anchor_reset": Timestamp::from_millisecond(over.anchor_at).ok(),
            })
        };
        let (profile, user) = (place.access_profile_id, place.user_id);
        self.copy(action, profile, user, before.map(shown), after.map(shown))
    }
}

/// The names of keys that work again, or of the first of them.
fn names(keys: &[RevivedKey]) -> Vec<&str> {
    let first = keys.iter().take(MOST_NAMED);
    first.map(|key| key.name.as_str()).collect()
}

pub fn dates(dates: RotationDates) -> Value {
    json!({ "next_rotation_at": dates.next, "last_rotation_at": dates.last })
}

pub fn shown_copy(held: &HeldProfile) -> Value {
    json!({ "user_access_profile_id": held.id, "source": held.source })
}

pub fn shown_user(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "name": user.name,
        "email": user.email,
        "role_id": user.role_id,
    })
}

pub fn user_with_keys(user: &User, virtual_keys: &[String]) -> Value {
    let mut shown = shown_user(user);
    shown["virtual_keys"] = json!(virtual_keys);
    shown
}
