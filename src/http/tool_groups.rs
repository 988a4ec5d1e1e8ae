//! Handlers of MCP tool groups.

use serde_json::json;

use super::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use super::call::{Call, blocking};
use super::guard::{Caller, Create, Delete, Update, View, VirtualMcps};
use super::list::List;
use super::path_values::location;
use super::schemas::Message;
use super::tool_group_schemas::{ToolGroupAnswer, ToolGroupView};
use crate::domain::idempotency::StoredAnswer;
use crate::domain::tool_group::{NEW_TOOL_GROUP, TOOL_GROUP_CHANGE, ToolGroup};
use crate::service;
use crate::store::Reading;
use crate::store::tool_groups;

pub use crate::store::tool_groups::SORT_FIELDS;

/// `GET P/mcp/tool-groups`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, VirtualMcps>, call: Call) -> Answer {
    let (search, sort, page) = call.query(|query| {
        let search = query.search();
        (search, query.sort(SORT_FIELDS), query.page())
    })?;
    let searches = search.is_some();
    let list = call
        .read_page(page, searches, move |reading| {
            tool_groups::list(reading, search.as_deref(), sort, page)
        })
        .await?;
    ok(&List::of(list, page, ToolGroupView::from))
}

/// `GET P/mcp/tool-groups/{id}`
///
/// # Errors
/// 400, 404.
pub async fn get(_: Caller<View, VirtualMcps>, call: Call) -> Answer {
    let id = call.id("id")?;
    let group = call
        .read(move |reading| tool_groups::get(reading, id))
        .await?;
    Ok(ok_unless_known(
        &call,
        &group.entity_tag(),
        to_json(&shown(group.clone()))?,
    ))
}

/// `POST P/mcp/tool-groups`
///
/// # Errors
/// 400 with every violation, 409 when the name is taken.
pub async fn create(caller: Caller<Create, VirtualMcps>, call: Call) -> Answer {
    let (input, hash) = call.json(&NEW_TOOL_GROUP).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let once = call.once(&actor, hash)?;
    let place = location(&call, "");
    let create = move || {
        service::tool_groups::create(&services, actor, input, once, move |group| {
            Ok(StoredAnswer {
                status: 201,
                location: Some(format!("{place}{}", group.id)),
                etag: Some(group.entity_tag()),
                ..StoredAnswer::json(&shown(group.clone()))?
            })
        })
    };
    stored(blocking(create).await?)
}

/// `PUT P/mcp/tool-groups/{id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when the name is taken, 412.
pub async fn update(caller: Caller<Update, VirtualMcps>, call: Call) -> Answer {
    let (id, if_match) = (call.id("id")?, call.if_match()?);
    let stored = move |reading: &Reading<'_>| {
        let group = tool_groups::get(reading, id)?;
        Ok(json!([group.name, group.description, group.tools]).to_string())
    };
    let input = call.json_of_change(&TOOL_GROUP_CHANGE, stored).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let update = move || service::tool_groups::update(&services, actor, id, input, if_match);
    let group = blocking(update).await?;
    Ok(ok_tagged(
        &group.entity_tag(),
        to_json(&shown(group.clone()))?,
    ))
}

/// `DELETE P/mcp/tool-groups/{id}`
///
/// # Errors
/// 400, 404, 412.
pub async fn delete(caller: Caller<Delete, VirtualMcps>, call: Call) -> Answer {
    let (id, if_match) = (call.id("id")?, call.if_match()?);
    let (services, actor) = (call.services(), caller.actor(&call));
    let delete = move || service::tool_groups::delete(&services, actor, id, if_match);
    let name = blocking(delete).await?;
    ok(&Message {
        message: format!(
            "the MCP tool group {name:?} is deleted; what it granted is granted no more"
        ),
    })
}

fn shown(group: ToolGroup) -> ToolGroupAnswer {
    ToolGroupAnswer {
        mcp_tool_group: ToolGroupView::from(group),
    }
}
