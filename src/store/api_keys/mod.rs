//! Management API keys: hashes only. A revoked key keeps its row, so that the audit log's ids never change their meaning.

pub mod hints;
pub mod secrets;

use jiff::Timestamp;
use rusqlite::params;

use super::lists::rows::Rows;
use super::lists::taken::UniqueName;
use super::sql::{Columns, Reading};
use super::unit_of_work::Work;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::api_key::{ApiKey, KeyState, NewApiKey};
use crate::domain::event::{Change, Event};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::values::letter_case::name_key;
use crate::error::{Error, Result};

pub(in crate::store) const COLUMNS: &str = "id, public_id, name, description, permissions, revision, created_by, created_at, updated_at, \
                       expires_at, revoked_at, last_used_at, \
                       (SELECT max(works_until) FROM earlier_api_key_secrets WHERE api_key_id = api_keys.id) AS previous_expires_at";

pub(in crate::store) fn key(row: &Columns<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get("id")?,
        public_id: row.get("public_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        permissions: PermissionSet::from_stored(&row.get::<String>("permissions")?),
        revision: row.get("revision")?,
        created_by: row.get("created_by")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        expires_at: row.at_if_any("expires_at")?,
        revoked_at: row.at_if_any("revoked_at")?,
        last_used_at: row.at_if_any("last_used_at")?,
        previous_expires_at: row.at_if_any("previous_expires_at")?,
    })
}

/// Stores a new key.
///
/// # Errors
/// [`Error::Conflict`] when a key that is not revoked has the name.
pub fn insert(work: &mut Work<'_>, new: &NewApiKey) -> Result<ApiKey> {
    let settings = &new.settings;
    NAMED.check_new(work, &settings.name)?;
    let id = work.insert(
        NAMED.doing,
        "INSERT INTO api_keys (public_id, name, name_key, description, permissions, salt, secret_hash,
                               created_by, created_at, updated_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        params![
            new.public_id,
            settings.name,
            name_key(&settings.name),
            settings.description,
            settings.permissions.to_stored(),
            new.salt,
            new.hash,
            work.actor().name,
            work.now().as_millisecond(),
            settings.expires_at.map(Timestamp::as_millisecond),
        ],
    )?;
    let key = get(work, id)?;
    work.record(Event::ApiKeyCreated(key.clone()));
    Ok(key)
}

/// Stores the settings of a key and counts its revision up; answers it as it is now.
///
/// # Errors
/// [`Error::Conflict`] when another key that is not revoked has the name.
pub fn update(work: &mut Work<'_>, before: ApiKey, changed: &ApiKey) -> Result<ApiKey> {
    NAMED.check(work, changed.id, &changed.name)?;
    work.run(
        NAMED.doing,
        "UPDATE api_keys SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, permissions = ?5, expires_at = ?6,
                             updated_at = ?7, revision = revision + 1
         WHERE id = ?1",
        params![
            changed.id,
            changed.name,
            name_key(&changed.name),
            changed.description,
            changed.permissions.to_stored(),
            changed.expires_at.map(Timestamp::as_millisecond),
            work.now().as_millisecond(),
        ],
    )?;
    let after = get(work, before.id)?;
    work.record(Event::ApiKeyUpdated(Change {
        before,
        after: after.clone(),
    }));
    Ok(after)
}

const NAMED: UniqueName = UniqueName {
    what: "an API key named",
    table: "api_keys",
    field: "name",
    among: "revoked_at IS NULL",
    code: "duplicate_name",
    doing: "storing an API key",
};

/// A key that is not revoked.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<ApiKey> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id = ?1 AND revoked_at IS NULL");
    reading.get("API key", &sql, id, key)
}

/// A key that is not revoked, by its public id.
pub fn get_public(reading: &Reading<'_>, public_id: &str) -> Result<ApiKey> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE public_id = ?1 AND revoked_at IS NULL");
    reading.get("API key", &sql, public_id, key)
}

/// Fields to sort by, the default first. Every order ends in the id, so it is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "expires_at", "last_used_at"];

/// Which keys are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Keys in this state only.
    pub state: Option<KeyState>,
}

/// A page of the keys that are not revoked. There are few enough keys to look at each.
pub fn list(
    reading: &Reading<'_>,
    filter: &ApiKeyFilter,
    sort: Sort,
    page: Page,
    now: Timestamp,
) -> Result<Listed<ApiKey>> {
    let mut rows = Rows::of("api_keys", COLUMNS, sort)
        .only("revoked_at IS NULL", [])
        .with(filter.search.as_deref());
    if let Some(state) = filter.state {
        let condition = match state {
            KeyState::Active => "(expires_at IS NULL OR expires_at > ?)",
            KeyState::Expired => "expires_at <= ?",
        };
        rows = rows.only(condition, [now.as_millisecond().into()]);
    }
    rows.list("listing API keys", reading, page, key)
}

/// Revokes a key for good.
///
/// # Errors
/// [`Error::NotFound`] when there is none or it is revoked already.
pub fn revoke(work: &mut Work<'_>, key: ApiKey) -> Result<()> {
    let (now, id) = (work.now().as_millisecond(), key.id);
    let changed = work.change(
        "revoking an API key",
        "UPDATE api_keys SET revoked_at = ?2, updated_at = ?2, revision = revision + 1
         WHERE id = ?1 AND revoked_at IS NULL",
        [id, now],
    )?;
    if changed == 0 {
        return Err(Error::not_found("API key", id));
    }
    work.run(
        "revoking an API key",
        "DELETE FROM earlier_api_key_secrets WHERE api_key_id = ?1",
        [id],
    )?;
    work.record(Event::ApiKeyRevoked(key));
    Ok(())
}

/// Notes when keys were last used: public ids and milliseconds. A use that is less than `step` after the one that is noted is
/// left out.
pub fn note_uses(work: &Work<'_>, uses: &[(String, i64)], step: i64) -> Result<()> {
    for (public_id, at) in uses {
        work.run(
            "noting when a key was used",
            "UPDATE api_keys SET last_used_at = ?2
             WHERE public_id = ?1 AND (last_used_at IS NULL OR last_used_at <= ?2 - ?3)",
            params![public_id, at, step],
        )?;
    }
    Ok(())
}

/// Some keys whose time is over, that this maker gave names which begin so.
pub fn list_over(
    reading: &Reading<'_>,
    beginning: &str,
    created_by: &str,
    now: Timestamp,
) -> Result<Vec<ApiKey>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys WHERE revoked_at IS NULL AND expires_at <= ?1 AND created_by = ?2
         AND substr(name, 1, length(?3)) = ?3 ORDER BY id LIMIT 100"
    );
    let values = params![now.as_millisecond(), created_by, beginning];
    reading.all("listing API keys", &sql, values, key)
}

/// The public ids of the keys that hold every permission, are not revoked, and never expire.
pub fn list_all_powerful(reading: &Reading<'_>) -> Result<Vec<String>> {
    reading.values(
        "listing API keys",
        "SELECT public_id FROM api_keys WHERE permissions = '*' AND revoked_at IS NULL AND expires_at IS NULL",
        [],
    )
}

/// Whether there ever was a key, revoked ones included.
pub fn any_ever(reading: &Reading<'_>) -> Result<bool> {
    reading.value(
        "looking for API keys",
        "SELECT EXISTS (SELECT 1 FROM api_keys)",
        [],
    )
}
