//! MCP tool groups: one row each, and the clients that each names. There are few enough to look at each.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::fault::Doing;
use super::taken::Named;
use super::{Reading, Writing};
use crate::domain::letter_case::{name_key, search_key};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::tool_group::{ClientTools, NewToolGroup, ToolGroup};
use crate::error::{Error, Result};

const COLUMNS: &str = "g.id, g.name, g.description, g.enabled, g.tools, g.revision, g.created_at, g.updated_at, \
     (SELECT count(*) FROM access_profile_references r WHERE r.kind = 'mcp_tool_group' AND r.reference = CAST(g.id AS TEXT))";

fn group(row: &Row<'_>) -> rusqlite::Result<ToolGroup> {
    let time = |at: usize| {
        let milliseconds: i64 = row.get(at)?;
        Ok::<_, rusqlite::Error>(Timestamp::from_millisecond(milliseconds).unwrap_or_default())
    };
    let tools: String = row.get(4)?;
    let tools = serde_json::from_str(&tools).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(ToolGroup {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        enabled: row.get(3)?,
        tools,
        revision: row.get(5)?,
        created_at: time(6)?,
        updated_at: time(7)?,
        access_profile_count: row.get(8)?,
    })
}

/// Stores a new tool group; answers its id.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn insert(writing: &Writing<'_>, new: &NewToolGroup, now: Timestamp) -> Result<i64> {
    let tools = json(&new.tools)?;
    NAMED.check_new(writing, &new.name)?;
    let id = writing
        .connection
        .prepare_cached(
            "INSERT INTO mcp_tool_groups (name, name_key, description, enabled, tools, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )
        .and_then(|mut statement| {
            statement.insert(params![
                new.name,
                name_key(&new.name),
                new.description,
                new.enabled,
                tools,
                now.as_millisecond(),
            ])
        })
        .doing(NAMED.doing)?;
    insert_clients(writing, id, &new.tools)?;
    Ok(id)
}

/// Stores what a group is now and counts its revision up.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn update(writing: &Writing<'_>, changed: &ToolGroup) -> Result<()> {
    let tools = json(&changed.tools)?;
    NAMED.check(writing, changed.id, &changed.name)?;
    writing
        .connection
        .prepare_cached(
            "UPDATE mcp_tool_groups SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, enabled = ?5, tools = ?6, updated_at = ?7,
                                        revision = revision + 1
             WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                changed.id,
                changed.name,
                name_key(&changed.name),
                changed.description,
                changed.enabled,
                tools,
                changed.updated_at.as_millisecond(),
            ])
        })
        .doing(NAMED.doing)?;
    writing
        .connection
        .prepare_cached("DELETE FROM mcp_tool_group_clients WHERE mcp_tool_group_id = ?1")
        .and_then(|mut statement| statement.execute(params![changed.id]))
        .doing("removing the clients of a tool group")?;
    insert_clients(writing, changed.id, &changed.tools)
}

fn json(tools: &[ClientTools]) -> Result<String> {
    serde_json::to_string(tools).map_err(|error| Error::internal("writing a tool group", error))
}

fn insert_clients(writing: &Writing<'_>, id: i64, tools: &[ClientTools]) -> Result<()> {
    for of_client in tools {
        writing
            .connection
            .prepare_cached(
                "INSERT INTO mcp_tool_group_clients (mcp_client_id, mcp_tool_group_id) VALUES (?1, ?2)",
            )
            .and_then(|mut statement| statement.execute(params![of_client.mcp_client_id, id]))
            .doing("storing a client of a tool group")?;
    }
    Ok(())
}

const NAMED: Named = Named {
    what: "an MCP tool group named",
    field: "name",
    code: "duplicate_name",
    other: "SELECT name FROM mcp_tool_groups WHERE (name_key = ?1 OR (name_key > ?2 AND name_key < ?3)) AND id <> ?4
            AND NOT EXISTS (SELECT 1 FROM mcp_tool_groups own WHERE own.id = ?4 AND own.name = ?5)",
    doing: "storing a tool group",
};

/// Removes a group; profiles that name it keep the name.
///
/// # Errors
/// When the database can't be written.
pub fn delete(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached("DELETE FROM mcp_tool_groups WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id]))
        .doing("deleting a tool group")?;
    Ok(())
}

/// A tool group.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(reading: &Reading<'_>, id: i64) -> Result<ToolGroup> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM mcp_tool_groups g WHERE g.id = ?1"
        ))
        .and_then(|mut statement| statement.query_row(params![id], group).optional())
        .doing("reading a tool group")?
        .ok_or_else(|| Error::not_found("MCP tool group", id))
}

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "updated_at"];

/// A page of the groups whose name or description has `search` in it.
///
/// # Errors
/// When the database can't be read.
pub fn list(
    reading: &Reading<'_>,
    search: Option<&str>,
    sort: Sort,
    page: Page,
) -> Result<Listed<ToolGroup>> {
    let mut values: Vec<Value> = Vec::new();
    let condition = match search {
        Some(text) => {
            values.extend([search_key(text).into(), search_key(text).into()]);
            "(contains_folded(g.name, ?) OR contains_folded(g.description, ?))"
        }
        None => "1",
    };
    let total_count = reading
        .connection
        .prepare_cached(&format!(
            "SELECT count(*) FROM mcp_tool_groups g WHERE {condition}"
        ))
        .and_then(|mut statement| statement.query_row(params_from_iter(&values), |row| row.get(0)))
        .doing("counting tool groups")?;
    let way = if sort.descending { "DESC" } else { "ASC" };
    let order = match sort.field {
        "name" => "g.name_key",
        "created_at" => "g.created_at",
        "updated_at" => "g.updated_at",
        _ => "g.id",
    };
    values.extend([page.limit.into(), page.offset.into()]);
    let items = reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM mcp_tool_groups g WHERE {condition} ORDER BY {order} {way}, g.id {way} LIMIT ? OFFSET ?"
        ))
        .and_then(|mut statement| statement.query_map(params_from_iter(values), group)?.collect())
        .doing("listing tool groups")?;
    Ok(Listed { items, total_count })
}
