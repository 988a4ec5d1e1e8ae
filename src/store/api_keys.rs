//! Management API keys: hashes only. A revoked key keeps its row, so that the audit log's ids never change their meaning.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::fault::Doing;
use super::taken::Named;
use super::{Reading, Writing};
use crate::domain::api_key::{ApiKey, NewApiKey, State};
use crate::domain::letter_case::{name_key, search_key};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::permission::PermissionSet;
use crate::error::{Error, Result};

pub(super) const COLUMNS: &str = "id, public_id, name, description, permissions, revision, created_by, created_at, updated_at, \
                       expires_at, revoked_at, last_used_at, \
                       (SELECT max(works_until) FROM earlier_api_key_secrets WHERE api_key_id = api_keys.id)";

pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let time = |at: usize| {
        let milliseconds = row.get::<_, Option<i64>>(at)?;
        Ok::<_, rusqlite::Error>(milliseconds.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    Ok(ApiKey {
        id: row.get(0)?,
        public_id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        permissions: PermissionSet::from_stored(&row.get::<_, String>(4)?),
        revision: row.get(5)?,
        created_by: row.get(6)?,
        created_at: time(7)?.unwrap_or_default(),
        updated_at: time(8)?.unwrap_or_default(),
        expires_at: time(9)?,
        revoked_at: time(10)?,
        last_used_at: time(11)?,
        previous_expires_at: time(12)?,
    })
}

/// Stores a new key; answers its id.
///
/// # Errors
/// [`Error::Conflict`] when a key that is not revoked has the name.
pub fn insert(
    writing: &Writing<'_>,
    new: &NewApiKey,
    created_by: &str,
    now: Timestamp,
) -> Result<i64> {
    NAMED.check_new(writing, &new.name)?;
    writing
        .connection
        .prepare_cached(
            "INSERT INTO api_keys (public_id, name, name_key, description, permissions, salt, secret_hash,
                                   created_by, created_at, updated_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        )
        .and_then(|mut statement| {
            statement.insert(params![
                new.public_id,
                new.name,
                name_key(&new.name),
                new.description,
                new.permissions.to_stored(),
                new.salt,
                new.hash,
                created_by,
                now.as_millisecond(),
                new.expires_at.map(Timestamp::as_millisecond),
            ])
        })
        .doing(NAMED.doing)
}

/// Stores the settings of a key and counts its revision up.
///
/// # Errors
/// [`Error::Conflict`] when another key that is not revoked has the name.
pub fn update(writing: &Writing<'_>, changed: &ApiKey) -> Result<()> {
    NAMED.check(writing, changed.id, &changed.name)?;
    writing
        .connection
        .prepare_cached(
            "UPDATE api_keys SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, permissions = ?5, expires_at = ?6,
                                 updated_at = ?7, revision = revision + 1
             WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                changed.id,
                changed.name,
                name_key(&changed.name),
                changed.description,
                changed.permissions.to_stored(),
                changed.expires_at.map(Timestamp::as_millisecond),
                changed.updated_at.as_millisecond(),
            ])
        })
        .doing(NAMED.doing)?;
    Ok(())
}

const NAMED: Named = Named {
    what: "an API key named",
    field: "name",
    code: "duplicate_name",
    other: "SELECT name FROM api_keys WHERE (name_key = ?1 OR (name_key > ?2 AND name_key < ?3)) AND id <> ?4 AND revoked_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM api_keys own WHERE own.id = ?4 AND own.name = ?5)",
    doing: "storing an API key",
};

/// A key that is not revoked.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(reading: &Reading<'_>, id: i64) -> Result<ApiKey> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_keys WHERE id = ?1 AND revoked_at IS NULL"
        ))
        .and_then(|mut statement| statement.query_row(params![id], key).optional())
        .doing("reading an API key")?
        .ok_or_else(|| Error::not_found("API key", id))
}

/// Fields to sort by, the default first. Every order ends in the id, so it is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "expires_at", "last_used_at"];

/// Which keys are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Keys in this state only.
    pub state: Option<State>,
}

/// A page of the keys that are not revoked. There are few enough keys to look at each.
///
/// # Errors
/// When the database can't be read.
pub fn list(
    reading: &Reading<'_>,
    filter: &Filter,
    sort: Sort,
    page: Page,
    now: Timestamp,
) -> Result<Listed<ApiKey>> {
    let mut conditions = vec!["revoked_at IS NULL"];
    let mut values: Vec<Value> = Vec::new();
    if let Some(search) = &filter.search {
        conditions.push("(contains_folded(name, ?) OR contains_folded(description, ?))");
        values.extend([search_key(search).into(), search_key(search).into()]);
    }
    if let Some(state) = filter.state {
        conditions.push(match state {
            State::Active => "(expires_at IS NULL OR expires_at > ?)",
            State::Expired => "expires_at <= ?",
        });
        values.push(now.as_millisecond().into());
    }
    let conditions = conditions.join(" AND ");
    let total_count = reading
        .connection
        .prepare_cached(&format!("SELECT count(*) FROM api_keys WHERE {conditions}"))
        .and_then(|mut statement| statement.query_row(params_from_iter(&values), |row| row.get(0)))
        .doing("counting API keys")?;
    let way = if sort.descending { "DESC" } else { "ASC" };
    let order = match sort.field {
        "name" => "name_key",
        "created_at" => "created_at",
        "expires_at" => "expires_at",
        "last_used_at" => "last_used_at",
        _ => "id",
    };
    values.extend([page.limit.into(), page.offset.into()]);
    let items = reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_keys WHERE {conditions} ORDER BY {order} {way}, id {way} LIMIT ? OFFSET ?"
        ))
        .and_then(|mut statement| statement.query_map(params_from_iter(values), key)?.collect())
        .doing("listing API keys")?;
    Ok(Listed { items, total_count })
}

/// Revokes a key for good.
///
/// # Errors
/// [`Error::NotFound`] when there is none or it is revoked already.
pub fn revoke(writing: &Writing<'_>, id: i64, now: Timestamp) -> Result<()> {
    let changed = writing
        .connection
        .prepare_cached(
            "UPDATE api_keys SET revoked_at = ?2, updated_at = ?2, revision = revision + 1
             WHERE id = ?1 AND revoked_at IS NULL",
        )
        .and_then(|mut statement| statement.execute(params![id, now.as_millisecond()]))
        .doing("revoking an API key")?;
    writing
        .connection
        .prepare_cached("DELETE FROM earlier_api_key_secrets WHERE api_key_id = ?1")
        .and_then(|mut statement| statement.execute(params![id]))
        .doing("revoking an API key")?;
    if changed == 0 {
        Err(Error::not_found("API key", id))
    } else {
        Ok(())
    }
}

/// Notes when keys were last used: public ids and milliseconds. A use that is less than `step` after the one that is noted is
/// left out.
///
/// # Errors
/// When the database can't be written.
pub fn note_uses(writing: &Writing<'_>, uses: &[(String, i64)], step: i64) -> Result<()> {
    for (public_id, at) in uses {
        writing
            .connection
            .prepare_cached("UPDATE api_keys SET last_used_at = ?2
                              WHERE public_id = ?1 AND (last_used_at IS NULL OR last_used_at <= ?2 - ?3)")
            .and_then(|mut statement| statement.execute(params![public_id, at, step]))
            .doing("noting when a key was used")?;
    }
    Ok(())
}

/// The public ids of the keys that hold every permission, are not revoked, and never expire.
///
/// # Errors
/// When the database can't be read.
pub fn list_all_powerful(reading: &Reading<'_>) -> Result<Vec<String>> {
    reading
        .connection
        .prepare_cached(
            "SELECT public_id FROM api_keys WHERE permissions = '*' AND revoked_at IS NULL AND expires_at IS NULL",
        )
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .doing("listing API keys")
}

/// A key that is not revoked, by its public id.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_public(reading: &Reading<'_>, public_id: &str) -> Result<ApiKey> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_keys WHERE public_id = ?1 AND revoked_at IS NULL"
        ))
        .and_then(|mut statement| statement.query_row(params![public_id], key).optional())
        .doing("reading an API key")?
        .ok_or_else(|| Error::not_found("API key", public_id))
}

/// Whether there ever was a key, revoked ones included.
///
/// # Errors
/// When the database can't be read.
pub fn any_ever(reading: &Reading<'_>) -> Result<bool> {
    reading
        .connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM api_keys)")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("looking for API keys")
}
