//! What the audit log tells of what happened: the action, and what was there before and is there now; no secret, no hash.

use serde_json::json;

use super::entries::{
    ASSIGN, About, Told, UNASSIGN, dates, shown_copy, shown_user, user_with_keys,
};
use crate::domain::audit::Actor;
use crate::domain::event::{Change, Creation, Edit, Event, Membership};

/// The entry of an event; none for what the entry of an action tells of.
#[expect(
    clippy::too_many_lines,
    reason = "one match for everything that happens"
)]
pub(super) fn entry(event: &Event, actor: &Actor) -> Option<Told> {
    let about = About(actor);
    Some(match event {
        Event::RoleCreated(new) => about.role("role.create", None, Some(new)),
        Event::RoleUpdated(Change { before, after }) => {
            about.role("role.update", Some(before), Some(after))
        }
        Event::RoleDeleted(old) => about.role("role.delete", Some(old), None),

        Event::ToolGroupCreated(new) => about.tool_group("mcp_tool_group.create", None, Some(new)),
        Event::ToolGroupUpdated(Change { before, after }) => {
            about.tool_group("mcp_tool_group.update", Some(before), Some(after))
        }
        Event::ToolGroupDeleted(old) => about.tool_group("mcp_tool_group.delete", Some(old), None),

        Event::PriceSet { before, after } => about.price("price.set", before.as_ref(), Some(after)),
        Event::PriceDeleted(old) => about.price("price.delete", Some(old), None),

        Event::SettingChanged(change) => about.setting("setting.change", change),
        Event::BackupMade(backup) => about.backup("backup.create", backup),
        Event::BackupDownloaded(backup) => about.backup("backup.download", backup),
        Event::BackupDrilled(drill) => about.drill(drill),
        Event::BackupRestored(restoration) => about.restoration(restoration),

        Event::ApiKeyCreated(new) => about.api_key("api_key.create", None, Some(new)),
        Event::ApiKeyUpdated(Change { before, after }) => {
            about.api_key("api_key.update", Some(before), Some(after))
        }
        Event::ApiKeyRotated(Change { before, after }) => {
            about.api_key("api_key.rotate", Some(before), Some(after))
        }
        Event::ApiKeyRevoked(old) => about.api_key("api_key.revoke", Some(old), None),

        Event::AccessProfileCreated {
            id,
            creation,
            version,
        } => {
            let action = match creation {
                Creation::New => "access_profile.create",
                Creation::Clone => "access_profile.clone",
            };
            about.versions(action, *id, None, Some(*version))
        }
        Event::AccessProfileReplaced {
            id,
            edit,
            before,
            after,
            ..
        } => {
            let action = match edit {
                Edit::Update => "access_profile.update",
                Edit::Activate => "access_profile.activate",
                Edit::Deactivate => "access_profile.deactivate",
                Edit::Restore => "access_profile.restore",
            };
            about.versions(action, *id, Some(*before), Some(*after))
        }
        Event::AccessProfileDeleted { id, version } => {
            about.versions("access_profile.delete", *id, Some(*version), None)
        }
        Event::RolesAttached {
            access_profile_id,
            attachment,
            users_applied,
        } => {
            let new = json!({
                "role_ids": attachment.role_ids,
                "is_default": attachment.is_default,
                "apply_to_existing": attachment.apply_to_existing,
                "users_applied": users_applied,
            });
            let action = "access_profile.attach_roles";
            about.profile(action, *access_profile_id, None, Some(new))
        }
        Event::RoleDetached {
            access_profile_id,
            role_id,
        } => {
            let old = json!({ "role_id": role_id });
            let action = "access_profile.detach_role";
            about.profile(action, *access_profile_id, Some(old), None)
        }
        Event::Propagated {
            access_profile_id,
            version,
            fields,
            affected_users,
            reset_usage,
        } => {
            let new = json!({
                "version": version,
                "fields": fields,
                "affected_users": affected_users,
                "reset_usage": reset_usage,
            });
            about.profile(
                "access_profile.propagate",
                *access_profile_id,
                None,
                Some(new),
            )
        }
        Event::KeysRotated {
            access_profile_id,
            before,
            after,
            virtual_keys,
        } => {
            let mut new = dates(*after);
            new["virtual_keys"] = json!(virtual_keys);
            let action = "access_profile.rotate_keys";
            about.profile(action, *access_profile_id, Some(dates(*before)), Some(new))
        }

        Event::OverrideSet {
            place,
            before,
            after,
        } => about.over("access_profile.set_override", place, *before, Some(*after)),
        Event::OverrideRemoved { place, before } => {
            about.over("access_profile.remove_override", place, *before, None)
        }

        Event::CopyAssigned {
            user_id,
            access_profile_id,
            copy_id,
            template_version,
            expires_at,
            virtual_key,
            replaced,
        } => {
            let old = (!replaced.is_empty()).then(|| json!({ "virtual_keys": replaced }));
            let new = json!({
                "user_access_profile_id": copy_id,
                "template_version": template_version,
                "expires_at": expires_at,
                "virtual_key": virtual_key,
            });
            about.copy(ASSIGN, *access_profile_id, *user_id, old, Some(new))
        }
        Event::CopyUnassigned {
            user_id,
            access_profile_id,
            copy_id,
            virtual_keys,
        } => {
            let old = json!({ "user_access_profile_id": copy_id, "virtual_keys": virtual_keys });
            about.copy(UNASSIGN, *access_profile_id, *user_id, Some(old), None)
        }
        Event::CopyGained { user_id, held } => {
            let new = Some(shown_copy(held));
            about.copy(ASSIGN, held.parent_profile_id, *user_id, None, new)
        }
        Event::CopyLost { user_id, held } => {
            let old = Some(shown_copy(held));
            about.copy(UNASSIGN, held.parent_profile_id, *user_id, old, None)
        }

        Event::UserCreated { user, virtual_keys } => {
            let new = user_with_keys(user, virtual_keys);
            about.user("user.create", user.id, None, Some(new))
        }
        Event::UserUpdated(Change { before, after }) => {
            let (old, new) = (shown_user(before), shown_user(after));
            about.user("user.update", after.id, Some(old), Some(new))
        }
        Event::UserRoleChanged {
            user_id,
            before,
            after,
        } => {
            let shown = |member: &Membership| json!({ "role_id": member.role_id, "virtual_keys": member.virtual_keys });
            let (old, new) = (shown(before), shown(after));
            about.user("user.change_role", *user_id, Some(old), Some(new))
        }
        Event::UserDeleted { user, virtual_keys } => {
            let old = user_with_keys(user, virtual_keys);
            about.user("user.delete", user.id, Some(old), None)
        }

        Event::VirtualKeyCreated(new) => about.virtual_key("virtual_key.create", None, Some(new)),
        Event::VirtualKeyUpdated(Change { before, after }) => {
            about.virtual_key("virtual_key.update", Some(before), Some(after))
        }
        Event::VirtualKeyRotated(Change { before, after }) => {
            about.virtual_key("virtual_key.rotate", Some(before), Some(after))
        }
        Event::VirtualKeyDeleted(old) => about.virtual_key("virtual_key.delete", Some(old), None),

        Event::OlderLogAccepted(accepted) => about.log(accepted),

        Event::HoldersChanged { .. }
        | Event::KeysIssued { .. }
        | Event::KeysEnded { .. }
        | Event::SecretReplaced { .. }
        | Event::CopiesChanged(_)
        | Event::OverridesForgotten { .. } => return None,
    })
}
