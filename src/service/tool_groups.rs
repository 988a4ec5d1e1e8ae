//! Writes of MCP tool groups: decisions follow them before they are answered.

use super::{Services, once};
use crate::domain::audit::Actor;
use crate::domain::idempotency::Once;
use crate::domain::mcp::tool_group::{ToolGroup, ToolGroupInput};
use crate::domain::validator::IfMatch;
use crate::error::Result;
use crate::store::idempotency::StoredAnswer;
use crate::store::tool_groups;

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
    let new = input.into_new()?;
    services.change(actor, move |work| {
        once::run(work, once.as_ref(), |work| {
            render(&tool_groups::insert(work, &new)?)
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
    services.change(actor, move |work| {
        let before = tool_groups::get(work, id)?;
        if_match.check(&before.entity_tag())?;
        let Some(next) = before.change(input, work.now()) else {
            return Ok(before);
        };
        tool_groups::update(work, before, next)?;
        tool_groups::get(work, id)
    })
}

/// Deletes a tool group: it grants nothing any more, and profiles that name it list it as unresolved. Answers its name.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`].
pub fn delete(services: &Services, actor: Actor, id: i64, if_match: IfMatch) -> Result<String> {
    services.change(actor, move |work| {
        let before = tool_groups::get(work, id)?;
        if_match.check(&before.entity_tag())?;
        let name = before.name.clone();
        tool_groups::delete(work, before)?;
        Ok(name)
    })
}
