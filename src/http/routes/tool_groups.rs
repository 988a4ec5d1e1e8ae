//! The routes of MCP tool groups.

use actix_web::http::Method;
use serde_json::json;

use super::parameters::TOOL_GROUP_LIST;
use crate::domain::mcp::tool_group::{NEW_TOOL_GROUP, TOOL_GROUP_CHANGE};
use crate::http::core::list::List;
use crate::http::core::route::Route;
use crate::http::tool_groups;
use crate::http::tool_groups::views::{ToolGroupAnswer, ToolGroupDeleted, ToolGroupView};

const ALL: &str = "P/mcp/tool-groups";
const ONE: &str = "P/mcp/tool-groups/{id}";

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, ALL, "list_mcp_tool_groups", tool_groups::list)
            .says("List MCP tool groups", "Without `sort`, by id.")
            .query(TOOL_GROUP_LIST)
            .answers::<List<ToolGroupView>>(200)
            .refuses(&[400]),
        Route::new(Method::POST, ALL, "create_mcp_tool_group", tool_groups::create)
            .says(
                "Make an MCP tool group",
                "It grants nothing before it is `enabled`, which it is not unless told so. An empty list of `tool_names`, or `[\"*\"]`, is every tool of \
                 the client. The lists of what a group may be attached to elsewhere (`virtual_key_ids` and others) must be empty. The clients that tool \
                 groups name are the ones that are known here.",
            )
            .takes(&NEW_TOOL_GROUP, json!({
                "name": "reading",
                "enabled": true,
                "tools": [{ "mcp_client_id": "github", "tool_names": ["get_issue", "list_issues"] }]
            }))
            .answers::<ToolGroupAnswer>(201)
            .refuses(&[400, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, ONE, "get_mcp_tool_group", tool_groups::get)
            .says("Read an MCP tool group", "The `ETag` covers all that is shown; `If-Match` compares the group without the number of profiles.")
            .answers::<ToolGroupAnswer>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::PUT, ONE, "update_mcp_tool_group", tool_groups::update)
            .says(
                "Change an MCP tool group",
                "A field that is left out or `null` keeps its value; a list replaces the list. Decisions follow it before this answers.",
            )
            .takes(&TOOL_GROUP_CHANGE, json!({ "enabled": false }))
            .answers::<ToolGroupAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::DELETE, ONE, "delete_mcp_tool_group", tool_groups::delete)
            .says(
                "Delete an MCP tool group",
                "What it granted is granted no more; profiles that name it list it under `unresolved_references`.",
            )
            .answers::<ToolGroupDeleted>(200)
            .refuses(&[400, 404, 412]),
    ]
}
