//! Roles: one row each. There are few enough to look at each.

use rusqlite::params;

use crate::domain::api_key::permission::PermissionSet;
use crate::domain::event::{Change, Event};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::people::role::{AttachedProfile, DataAccess, Role, RoleDetail};
use crate::domain::values::letter_case::name_key;
use crate::error::{Result, absences};
use crate::store::lists::rows::Rows;
use crate::store::lists::taken::UniqueName;
use crate::store::sql::{Columns, Reading};
use crate::store::unit_of_work::Work;

const COLUMNS: &str =
    "id, name, description, dac, permissions, user_count, revision, created_at, updated_at";

fn role(row: &Columns<'_>) -> rusqlite::Result<Role> {
    Ok(Role {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        dac: row.read("dac", |name: String| {
            DataAccess::named(&name).ok_or("no kind of data")
        })?,
        permissions: PermissionSet::from_stored(&row.get::<String>("permissions")?),
        user_count: row.get("user_count")?,
        revision: row.get("revision")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

/// Stores a new role.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when the name is taken.
pub fn insert(work: &mut Work<'_>, name: &str, description: &str, dac: DataAccess) -> Result<Role> {
    NAMED.check_new(work, name)?;
    let now = work.now().as_millisecond();
    let id = work.insert(
        NAMED.doing,
        "INSERT INTO roles (name, name_key, description, dac, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![name, name_key(name), description, dac.name(), now],
    )?;
    let role = get(work, id)?;
    work.record(Event::RoleCreated(role.clone()));
    Ok(role)
}

/// Stores what a role is now and counts its revision up.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when the name is taken.
pub fn update(work: &mut Work<'_>, before: Role, after: Role) -> Result<()> {
    NAMED.check(work, after.id, &after.name)?;
    work.run(
        NAMED.doing,
        "UPDATE roles SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, dac = ?5, permissions = ?6,
                updated_at = ?7, revision = revision + 1
         WHERE id = ?1",
        params![
            after.id,
            after.name,
            name_key(&after.name),
            after.description,
            after.dac.name(),
            after.permissions.to_stored(),
            after.updated_at.as_millisecond(),
        ],
    )?;
    work.record(Event::RoleUpdated(Change { before, after }));
    Ok(())
}

const NAMED: UniqueName = UniqueName {
    what: "a role named",
    table: "roles",
    field: "name",
    among: "true",
    code: "duplicate_name",
    doing: "storing a role",
};

/// Removes a role that no user is in; the profiles attached to it stay.
pub fn delete(work: &mut Work<'_>, role: Role) -> Result<()> {
    work.run(
        "deleting a role",
        "DELETE FROM roles WHERE id = ?1",
        [role.id],
    )?;
    work.record(Event::RoleDeleted(role));
    Ok(())
}

/// A role.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<Role> {
    let sql = format!("SELECT {COLUMNS} FROM roles WHERE id = ?1");
    reading.get("role", &sql, id, role)
}

/// Makes sure that there are these roles, which the body lists at `param`.
///
/// # Errors
/// [`crate::error::Error::NotFound`] with every one that there is not.
pub fn get_all(reading: &Reading<'_>, ids: &[i64], param: &str) -> Result<()> {
    absences(ids.iter().enumerate().map(|(at, id)| {
        get(reading, *id).map_err(|error| error.named_at(format_args!("{param}[{at}]")))
    }))
}

/// A role with what belongs to it.
pub fn get_detail(reading: &Reading<'_>, id: i64) -> Result<RoleDetail> {
    let role = get(reading, id)?;
    detail(reading, role)
}

/// The same for a role that was read.
pub fn detail(reading: &Reading<'_>, role: Role) -> Result<RoleDetail> {
    let access_profiles = reading.all(
        "listing the profiles of a role",
        "SELECT a.access_profile_id, p.name AS name, a.is_default
         FROM access_profile_roles a JOIN access_profiles p ON p.id = a.access_profile_id
         WHERE a.role_id = ?1 ORDER BY a.id",
        [role.id],
        |row| {
            Ok(AttachedProfile {
                access_profile_id: row.get("access_profile_id")?,
                name: row.get("name")?,
                is_default: row.get("is_default")?,
            })
        },
    )?;
    Ok(RoleDetail {
        role,
        access_profiles,
    })
}

/// The ids of the first users who are in a role.
pub fn list_users(reading: &Reading<'_>, id: i64, most: i64) -> Result<Vec<i64>> {
    reading.values(
        "listing the users of a role",
        "SELECT id FROM users WHERE role_id = ?1 ORDER BY id LIMIT ?2",
        [id, most],
    )
}

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "updated_at"];

/// A page of the roles whose name or description has `search` in it.
pub fn list(
    reading: &Reading<'_>,
    search: Option<&str>,
    sort: Sort,
    page: Page,
) -> Result<Listed<RoleDetail>> {
    let rows = Rows::of("roles", COLUMNS, sort).with(search);
    let found = rows.list("listing roles", reading, page, role)?;
    let items = found.items.into_iter().map(|role| detail(reading, role));
    Ok(Listed {
        items: items.collect::<Result<_>>()?,
        total_count: found.total_count,
    })
}
