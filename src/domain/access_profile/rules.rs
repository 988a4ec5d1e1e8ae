//! What the fields of an access profile have to do with each other (API.md §2).
//!
//! `at` is always where the profile stands in the body.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{McpServerLink, OverrideAction, ToolOverride};
use crate::domain::body::violation::{Path, Violations};
use crate::domain::values::duration::RotationInterval;

/// A date for the next rotation needs an interval and lies in the future.
pub(super) fn check_rotation(
    violations: &Violations,
    at: &Path,
    interval: Option<RotationInterval>,
    next: Option<Timestamp>,
    now: Timestamp,
) {
    let Some(next) = next else { return };
    let path = at.field("next_rotation_at");
    // An interval that is wrong was sent all the same.
    if interval.is_none() && !violations.concern(&at.field("auto_rotation_interval")) {
        violations.add(
            &path,
            "rotation_without_interval",
            "needs an auto_rotation_interval",
        );
    }
    if next <= now {
        violations.add(
            &path,
            "not_in_future",
            format_args!("must lie in the future, is {next}"),
        );
    }
}

/// A grant of a whole server leaves no room for an exclude on it: one of the two is a mistake.
pub(super) fn check_grants(
    violations: &Violations,
    at: &Path,
    servers: &[McpServerLink],
    overrides: &[ToolOverride],
) {
    // Of a list that is wrong nobody knows what it was to grant or take away.
    let lists = ["mcp_servers", "mcp_tool_overrides"];
    if lists
        .iter()
        .any(|list| violations.concern(&at.field(*list)))
    {
        return;
    }
    let granted: HashSet<&str> = servers
        .iter()
        .map(|link| link.mcp_server_id.as_str())
        .collect();
    for (index, tool) in overrides.iter().enumerate() {
        if tool.action == OverrideAction::Exclude && granted.contains(tool.mcp_client_id.as_str()) {
            violations.add(
                &at.field("mcp_tool_overrides").index(index),
                "exclude_on_granted_server",
                format_args!(
                    "excludes a tool of {:?}, which mcp_servers grants as a whole; drop one of the two",
                    tool.mcp_client_id
                ),
            );
        }
    }
}
