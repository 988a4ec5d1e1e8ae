//! Roles: one row each. There are few enough to look at each.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::fault::Doing;
use super::taken::Named;
use super::{Reading, Writing};
use crate::domain::letter_case::{name_key, search_key};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::role::{AttachedProfile, Role, RoleDetail};
use crate::error::{Error, Result, absences};

const COLUMNS: &str = "id, name, description, user_count, revision, created_at, updated_at";

fn role(row: &Row<'_>) -> rusqlite::Result<Role> {
    let time = |at: usize| {
        let milliseconds: i64 = row.get(at)?;
        Ok::<_, rusqlite::Error>(Timestamp::from_millisecond(milliseconds).unwrap_or_default())
    };
    Ok(Role {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        user_count: row.get(3)?,
        revision: row.get(4)?,
        created_at: time(5)?,
        updated_at: time(6)?,
    })
}

/// Stores a new role; answers its id.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn insert(writing: &Writing<'_>, name: &str, description: &str, now: Timestamp) -> Result<i64> {
    NAMED.check_new(writing, name)?;
    writing
        .connection
        .prepare_cached(
            "INSERT INTO roles (name, name_key, description, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        )
        .and_then(|mut statement| {
            statement.insert(params![name, name_key(name), description, now.as_millisecond()])
        })
        .doing(NAMED.doing)
}

/// Stores name and description of a role and counts its revision up.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn update(writing: &Writing<'_>, changed: &Role) -> Result<()> {
    NAMED.check(writing, changed.id, &changed.name)?;
    writing
        .connection
        .prepare_cached(
            "UPDATE roles SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, updated_at = ?5, revision = revision + 1
             WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                changed.id,
                changed.name,
                name_key(&changed.name),
                changed.description,
                changed.updated_at.as_millisecond(),
            ])
        })
        .doing(NAMED.doing)?;
    Ok(())
}

const NAMED: Named = Named {
    what: "a role named",
    field: "name",
    code: "duplicate_name",
    other: "SELECT name FROM roles WHERE (name_key = ?1 OR (name_key > ?2 AND name_key < ?3)) AND id <> ?4
            AND NOT EXISTS (SELECT 1 FROM roles own WHERE own.id = ?4 AND own.name = ?5)",
    doing: "storing a role",
};

/// Removes a role that no user is in; the profiles attached to it stay.
///
/// # Errors
/// When the database can't be written.
pub fn delete(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached("DELETE FROM roles WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id]))
        .doing("deleting a role")?;
    Ok(())
}

/// A role.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(reading: &Reading<'_>, id: i64) -> Result<Role> {
    reading
        .connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM roles WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row(params![id], role).optional())
        .doing("reading a role")?
        .ok_or_else(|| Error::not_found("role", id))
}

/// Makes sure that there are these roles, which the body lists at `param`.
///
/// # Errors
/// [`Error::NotFound`] with every one that there is not.
pub fn get_all(reading: &Reading<'_>, ids: &[i64], param: &str) -> Result<()> {
    absences(ids.iter().enumerate().map(|(at, id)| {
        get(reading, *id).map_err(|error| error.named_at(format_args!("{param}[{at}]")))
    }))
}

/// A role with what belongs to it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_detail(reading: &Reading<'_>, id: i64) -> Result<RoleDetail> {
    let role = get(reading, id)?;
    detail(reading, role)
}

fn detail(reading: &Reading<'_>, role: Role) -> Result<RoleDetail> {
    let access_profiles = reading
        .connection
        .prepare_cached(
            "SELECT a.access_profile_id, p.name, a.is_default
             FROM access_profile_roles a JOIN access_profiles p ON p.id = a.access_profile_id
             WHERE a.role_id = ?1 ORDER BY a.id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![role.id], |row| {
                    Ok(AttachedProfile {
                        access_profile_id: row.get(0)?,
                        name: row.get(1)?,
                        is_default: row.get(2)?,
                    })
                })?
                .collect()
        })
        .doing("listing the profiles of a role")?;
    Ok(RoleDetail {
        role,
        access_profiles,
    })
}

/// The ids of the first users who are in a role.
///
/// # Errors
/// When the database can't be read.
pub fn list_users(reading: &Reading<'_>, id: i64, most: i64) -> Result<Vec<i64>> {
    reading
        .connection
        .prepare_cached("SELECT id FROM users WHERE role_id = ?1 ORDER BY id LIMIT ?2")
        .and_then(|mut statement| {
            statement
                .query_map(params![id, most], |row| row.get(0))?
                .collect()
        })
        .doing("listing the users of a role")
}

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "updated_at"];

/// A page of the roles whose name or description has `search` in it.
///
/// # Errors
/// When the database can't be read.
pub fn list(
    reading: &Reading<'_>,
    search: Option<&str>,
    sort: Sort,
    page: Page,
) -> Result<Listed<RoleDetail>> {
    let mut values: Vec<Value> = Vec::new();
    let condition = match search {
        Some(text) => {
            values.extend([search_key(text).into(), search_key(text).into()]);
            "(contains_folded(name, ?) OR contains_folded(description, ?))"
        }
        None => "1",
    };
    let total_count = reading
        .connection
        .prepare_cached(&format!("SELECT count(*) FROM roles WHERE {condition}"))
        .and_then(|mut statement| statement.query_row(params_from_iter(&values), |row| row.get(0)))
        .doing("counting roles")?;
    let way = if sort.descending { "DESC" } else { "ASC" };
    let order = match sort.field {
        "name" => "name_key",
        "created_at" => "created_at",
        "updated_at" => "updated_at",
        _ => "id",
    };
    values.extend([page.limit.into(), page.offset.into()]);
    let found: Vec<Role> = reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM roles WHERE {condition} ORDER BY {order} {way}, id {way} LIMIT ? OFFSET ?"
        ))
        .and_then(|mut statement| statement.query_map(params_from_iter(values), role)?.collect())
        .doing("listing roles")?;
    let items = found
        .into_iter()
        .map(|role| detail(reading, role))
        .collect::<Result<_>>()?;
    Ok(Listed { items, total_count })
}
