//! MCP tool groups: one row each, and the clients that each names. There are few enough to look at each.

use rusqlite::params;

use super::lists::rows::Rows;
use super::lists::taken::UniqueName;
use super::sql::{Columns, Reading};
use super::unit_of_work::WorkInTurn;
use crate::domain::event::{Change, Event};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::mcp::tool_group::{ClientTools, NewToolGroup, ToolGroup};
use crate::domain::values::letter_case::name_key;
use crate::error::{Error, Result};

const COLUMNS: &str = "id, name, description, enabled, tools, revision, created_at, updated_at, \
     (SELECT count(*) FROM access_profile_references r WHERE r.kind = 'mcp_tool_group' AND r.reference = CAST(mcp_tool_groups.id AS TEXT)) \
     AS access_profile_count";

fn group(row: &Columns<'_>) -> rusqlite::Result<ToolGroup> {
    Ok(ToolGroup {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        enabled: row.get("enabled")?,
        tools: row.json("tools")?,
        revision: row.get("revision")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        access_profile_count: row.get("access_profile_count")?,
    })
}

/// Stores a new tool group.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn insert(work: &mut WorkInTurn<'_>, new: &NewToolGroup) -> Result<ToolGroup> {
    NAMED.check_new(work, &new.name)?;
    let id = work.insert(
        NAMED.doing,
        "INSERT INTO mcp_tool_groups (name, name_key, description, enabled, tools, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        params![
            new.name,
            name_key(&new.name),
            new.description,
            new.enabled,
            json(&new.tools)?,
            work.now().as_millisecond(),
        ],
    )?;
    insert_clients(work, id, &new.tools)?;
    let group = get(work, id)?;
    work.record(Event::ToolGroupCreated(group.clone()));
    Ok(group)
}

/// Stores what a group is now and counts its revision up.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn update(work: &mut WorkInTurn<'_>, before: ToolGroup, after: ToolGroup) -> Result<()> {
    NAMED.check(work, after.id, &after.name)?;
    work.run(
        NAMED.doing,
        "UPDATE mcp_tool_groups SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, enabled = ?5, tools = ?6, updated_at = ?7,
                                    revision = revision + 1
         WHERE id = ?1",
        params![
            after.id,
            after.name,
            name_key(&after.name),
            after.description,
            after.enabled,
            json(&after.tools)?,
            after.updated_at.as_millisecond(),
        ],
    )?;
    work.run(
        "removing the clients of a tool group",
        "DELETE FROM mcp_tool_group_clients WHERE mcp_tool_group_id = ?1",
        [after.id],
    )?;
    insert_clients(work, after.id, &after.tools)?;
    work.record(Event::ToolGroupUpdated(Change { before, after }));
    Ok(())
}

fn json(tools: &[ClientTools]) -> Result<String> {
    serde_json::to_string(tools).map_err(|error| Error::internal("writing a tool group", error))
}

fn insert_clients(work: &WorkInTurn<'_>, id: i64, tools: &[ClientTools]) -> Result<()> {
    for of_client in tools {
        work.run(
            "storing a client of a tool group",
            "INSERT INTO mcp_tool_group_clients (mcp_client_id, mcp_tool_group_id) VALUES (?1, ?2)",
            params![of_client.mcp_client_id, id],
        )?;
    }
    Ok(())
}

const NAMED: UniqueName = UniqueName {
    what: "an MCP tool group named",
    table: "mcp_tool_groups",
    field: "name",
    among: "true",
    code: "duplicate_name",
    doing: "storing a tool group",
};

/// Removes a group; profiles that name it keep the name.
pub fn delete(work: &mut WorkInTurn<'_>, group: ToolGroup) -> Result<()> {
    work.run(
        "deleting a tool group",
        "DELETE FROM mcp_tool_groups WHERE id = ?1",
        [group.id],
    )?;
    work.record(Event::ToolGroupDeleted(group));
    Ok(())
}

/// A tool group.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<ToolGroup> {
    let sql = format!("SELECT {COLUMNS} FROM mcp_tool_groups WHERE id = ?1");
    reading.get("MCP tool group", &sql, id, group)
}

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "updated_at"];

/// A page of the groups whose name or description has `search` in it.
pub fn list(
    reading: &Reading<'_>,
    search: Option<&str>,
    sort: Sort,
    page: Page,
) -> Result<Listed<ToolGroup>> {
    let rows = Rows::of("mcp_tool_groups", COLUMNS, sort).with(search);
    rows.list("listing tool groups", reading, page, group)
}
