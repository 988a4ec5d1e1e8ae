//! What entries of the audit log tell of: every action as it is stored, and as it is told.

/// Every action that an entry can be of, sorted.
pub const ACTIONS: &[&str] = &[
    "access_profile.activate",
    "access_profile.assign",
    "access_profile.attach_roles",
    "access_profile.clone",
    "access_profile.create",
    "access_profile.deactivate",
    "access_profile.delete",
    "access_profile.detach_role",
    "access_profile.propagate",
    "access_profile.remove_override",
    "access_profile.restore",
    "access_profile.rotate_keys",
    "access_profile.set_override",
    "access_profile.unassign",
    "access_profile.update",
    "api_key.create",
    "api_key.revoke",
    "api_key.rotate",
    "api_key.update",
    "audit.accept",
    "audit.renew",
    "backup.create",
    "backup.download",
    "backup.drill",
    "backup.restore",
    "mcp_tool_group.create",
    "mcp_tool_group.delete",
    "mcp_tool_group.update",
    "price.delete",
    "price.set",
    "reservation.cancel",
    "reservation.extend",
    "reservation.settle",
    "role.create",
    "role.delete",
    "role.update",
    "setting.change",
    "user.change_role",
    "user.create",
    "user.delete",
    "user.update",
    "virtual_key.create",
    "virtual_key.delete",
    "virtual_key.rotate",
    "virtual_key.update",
];

/// The actions of the contract's trail of access profiles as they are told, and as they are stored (API.md §3). All others are told as they
/// are stored: with what they were done to before the dot.
const TOLD: [(&str, &str); 9] = [
    ("create", "access_profile.create"),
    ("update", "access_profile.update"),
    ("delete", "access_profile.delete"),
    ("propagate", "access_profile.propagate"),
    ("attach_role", "access_profile.attach_roles"),
    ("detach_role", "access_profile.detach_role"),
    ("clone", "access_profile.clone"),
    ("activate", "access_profile.activate"),
    ("deactivate", "access_profile.deactivate"),
];

/// A stored action as it is told.
pub fn told_action(stored: &str) -> &str {
    let found = TOLD.iter().find(|(_, known)| *known == stored);
    found.map_or(stored, |(told, _)| told)
}

/// A told action as it is stored; any other text as it is.
pub fn stored_action(told: &str) -> &str {
    let found = TOLD.iter().find(|(known, _)| *known == told);
    found.map_or(told, |(_, stored)| stored)
}
