//! Writes of MCP tool groups: decisions follow them before they are answered.

use jiff::Timestamp;
use serde_json::json;

use super::{Services, once};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::tool_group::{ToolGroup, ToolGroupInput};
use crate::domain::validator::IfMatch;
use crate::error::Result;
use crate::store::{Writing, audit, tool_groups};

/// Makes a tool group. `render` puts the answer together inside the transaction, so that it can be stored with it.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn create(
    services: &Services,
    actor: Actor,
    input: ToolGroupInput,
    once: Option<Once>,
    render: impl FnOnce(&ToolGroup) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    let new = input.into_new()?;
    services.ledger.change(move |writing, changed| {
        once::run(writing, once.as_ref(), now, || {
            changed.tool_groups = true;
            let id = tool_groups::insert(writing, &new, now)?;
            let group = tool_groups::get(writing, id)?;
            note(
                writing,
                now,
                actor,
                "mcp_tool_group.create",
                None,
                Some(&group),
            )?;
            render(&group)
        })
    })
}

/// Changes the sent fields of a tool group; a change that changes nothing writes nothing.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`], and [`crate::error::Error::Conflict`] when the name is taken.
pub fn update(
    services: &Services,
    actor: Actor,
    id: i64,
    input: ToolGroupInput,
    if_match: IfMatch,
) -> Result<ToolGroup> {
    let now = services.clock.now();
    services.ledger.change(move |writing, changed| {
        let before = tool_groups::get(writing, id)?;
        if_match.check(&before.entity_tag())?;
        let Some(next) = before.change(input, now) else {
            return Ok(before);
        };
        changed.tool_groups = true;
        tool_groups::update(writing, &next)?;
        let (old, new) = (Some(&before), Some(&next));
        note(writing, now, actor, "mcp_tool_group.update", old, new)?;
        tool_groups::get(writing, id)
    })
}

/// Deletes a tool group: it grants nothing any more, and profiles that name it list it as unresolved. Answers its name.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`].
pub fn delete(services: &Services, actor: Actor, id: i64, if_match: IfMatch) -> Result<String> {
    let now = services.clock.now();
    services.ledger.change(move |writing, changed| {
        let before = tool_groups::get(writing, id)?;
        if_match.check(&before.entity_tag())?;
        changed.tool_groups = true;
        tool_groups::delete(writing, id)?;
        note(
            writing,
            now,
            actor,
            "mcp_tool_group.delete",
            Some(&before),
            None,
        )?;
        Ok(before.name)
    })
}

fn note(
    writing: &Writing<'_>,
    now: Timestamp,
    actor: Actor,
    action: &'static str,
    previous: Option<&ToolGroup>,
    new: Option<&ToolGroup>,
) -> Result<()> {
    let shown = |group: &ToolGroup| {
        json!({
            "id": group.id,
            "name": group.name,
            "description": group.description,
            "enabled": group.enabled,
            "tools": group.tools,
        })
    };
    let Some(group) = new.or(previous) else {
        return Ok(());
    };
    let (old, new) = (previous.map(shown), new.map(shown));
    let entry = NewAuditEntry::about(actor, action, "mcp_tool_group", &group.id, old, new);
    audit::append(writing, now, &entry)
}
