//! Handlers of MCP tool groups.

pub mod views;

use serde_json::json;

use self::views::{ToolGroupAnswer, ToolGroupDeleted, ToolGroupView};
use crate::domain::mcp::tool_group::{NEW_TOOL_GROUP, TOOL_GROUP_CHANGE, ToolGroup};
use crate::http::core::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use crate::http::core::guard::{Caller, Create, Delete, Update, View, VirtualMcps};
use crate::http::core::list::List;
use crate::http::core::path_values::location;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::store::Reading;
use crate::store::idempotency::StoredAnswer;
use crate::store::tool_groups;

pub use crate::store::tool_groups::SORT_FIELDS;

/// `GET P/mcp/tool-groups`
pub async fn list(_: Caller<View, VirtualMcps>, request: Request) -> Answer {
    let (search, sort, page) = request.query(|query| {
        let search = query.search();
        (search, query.sort(SORT_FIELDS), query.page_or_all())
    })?;
    let searches = search.is_some();
    let list = request
        .read_page(page, searches, move |reading| {
            tool_groups::list(reading, search.as_deref(), sort, page)
        })
        .await?;
    ok(&List::of(list, page, ToolGroupView::from))
}

/// `GET P/mcp/tool-groups/{id}`
pub async fn get(_: Caller<View, VirtualMcps>, request: Request) -> Answer {
    let id = request.id("id")?;
    let group = request
        .read(move |reading| tool_groups::get(reading, id))
        .await?;
    Ok(ok_unless_known(
        &request,
        &group.entity_tag(),
        to_json(&shown(group.clone()))?,
    ))
}

/// `POST P/mcp/tool-groups`
///
/// # Errors
/// 400 with every violation, 409 when the name is taken.
pub async fn create(caller: Caller<Create, VirtualMcps>, request: Request) -> Answer {
    let (input, hash) = request.json(&NEW_TOOL_GROUP).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let once = request.once(&actor, hash)?;
    let place = location(&request, "");
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
pub async fn update(caller: Caller<Update, VirtualMcps>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let stored = move |reading: &Reading<'_>| {
        let group = tool_groups::get(reading, id)?;
        Ok(json!([group.name, group.description, group.tools]).to_string())
    };
    let input = request.json_of_change(&TOOL_GROUP_CHANGE, stored).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let update = move || service::tool_groups::update(&services, actor, id, input, if_match);
    let group = blocking(update).await?;
    Ok(ok_tagged(
        &group.entity_tag(),
        to_json(&shown(group.clone()))?,
    ))
}

/// `DELETE P/mcp/tool-groups/{id}`
pub async fn delete(caller: Caller<Delete, VirtualMcps>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete = move || service::tool_groups::delete(&services, actor, id, if_match);
    let name = blocking(delete).await?;
    ok(&ToolGroupDeleted {
        success: true,
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
