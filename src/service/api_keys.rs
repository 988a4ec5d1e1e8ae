//! Writes of management API keys.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::api_key::{ApiKey, NewApiKey};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::credential::Token;
use crate::domain::permission::PermissionSet;
use crate::error::{Error, Result};
use crate::service::Services;
use crate::store::{Writing, api_keys, audit};

/// A key as somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRequest {
    /// Trimmed, 1 to 255 characters.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it may do.
    pub permissions: PermissionSet,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// Makes a key. `holder` is what the caller holds: nobody gives away more than that.
///
/// # Errors
/// [`Error::Forbidden`] when the request goes beyond `holder`, [`Error::Conflict`] when the name is taken.
pub fn create(
    services: &Services,
    actor: Actor,
    holder: PermissionSet,
    request: ApiKeyRequest,
) -> Result<(ApiKey, Token)> {
    refuse_escalation(holder, request.permissions)?;
    let now = services.clock.now();
    let ApiKeyRequest {
        name,
        description,
        permissions,
        expires_at,
    } = request;
    let (token, new) = services
        .keyring
        .make(name, description, permissions, expires_at)?;
    let key = services
        .store
        .write(move |writing| insert(writing, actor, &new, now))?;
    Ok((key, token))
}

/// Stores a key and its audit entry inside a write.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub(super) fn insert(
    writing: &Writing<'_>,
    actor: Actor,
    new: &NewApiKey,
    now: Timestamp,
) -> Result<ApiKey> {
    let created_by = actor.name.clone();
    let id = api_keys::insert(writing, new, &created_by, now)?;
    let key = api_keys::get(writing, id)?;
    audit::append(
        writing,
        now,
        &entry(actor, "api_key.create", &key, None, Some(&key)),
    )?;
    Ok(key)
}

/// Revokes a key: it is refused from the moment this returns.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when nobody would be left who may do everything.
pub fn revoke(services: &Services, actor: Actor, id: i64) -> Result<ApiKey> {
    let now = services.clock.now();
    let key = services.store.write(move |writing| {
        let key = api_keys::get(writing, id)?;
        api_keys::revoke(writing, id, now)?;
        keep_one_all_powerful(writing, &key)?;
        audit::append(
            writing,
            now,
            &entry(actor, "api_key.revoke", &key, Some(&key), None),
        )?;
        Ok(key)
    })?;
    services.keyring.forget(&key.public_id);
    Ok(key)
}

fn refuse_escalation(holder: PermissionSet, wanted: PermissionSet) -> Result<()> {
    if wanted.is_all() && !holder.is_all() {
        return Err(Error::Forbidden {
            code: "permission_not_held",
            message:
                "scopes: a key that does not hold every permission can't grant every permission"
                    .to_owned(),
        });
    }
    match holder.first_missing(wanted) {
        None => Ok(()),
        Some(missing) => Err(Error::Forbidden {
            code: "permission_not_held",
            message: format!("scopes: this key does not hold {missing}, so it can't grant it"),
        }),
    }
}

/// After a change of `before`: there must still be a key that may do everything and never expires.
fn keep_one_all_powerful(writing: &Writing<'_>, before: &ApiKey) -> Result<()> {
    if !before.permissions.is_all()
        || before.expires_at.is_some()
        || api_keys::count_all_powerful(writing)? > 0
    {
        return Ok(());
    }
    Err(Error::conflict(
        "last_all_powerful_key",
        "",
        format!(
            "{:?} is the last key that holds every permission and does not expire; make another such key first",
            before.name
        ),
    ))
}

fn entry(
    actor: Actor,
    action: &'static str,
    key: &ApiKey,
    previous: Option<&ApiKey>,
    new: Option<&ApiKey>,
) -> NewAuditEntry {
    let shown = |key: &ApiKey| {
        json!({
            "id": key.id,
            "public_id": key.public_id,
            "name": key.name,
            "description": key.description,
            "scopes": if key.permissions.is_all() {
                vec!["*".to_owned()]
            } else {
                key.permissions.list().map(|permission| permission.to_string()).collect()
            },
            "expires_at": key.expires_at,
        })
        .to_string()
    };
    NewAuditEntry {
        actor,
        action: action.into(),
        subject_kind: "api_key".into(),
        subject_id: key.id.to_string(),
        access_profile_id: None,
        user_id: None,
        previous_value: previous.map(shown),
        new_value: new.map(shown),
    }
}
