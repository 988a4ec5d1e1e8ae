//! Policies of copies, each stored once, and the places where their limits count.

use std::sync::Arc;

use rusqlite::params;
use sha2::{Digest, Sha256};

use crate::domain::access_profile::policy::Policy;
use crate::domain::limits::limit::{CounterKey, Limit, LimitKind, NewLimit, StoredPolicy};
use crate::error::{Error, Result};
use crate::store::sql::Reading;
use crate::store::unit_of_work::WorkInTurn;

/// The id of this policy, which is stored if it is new, and with it the places of its limits. Nothing happens by it: nobody has it yet.
pub fn intern(work: &WorkInTurn<'_>, policy: &Policy) -> Result<i64> {
    let content = serde_json::to_string(policy)
        .map_err(|error| Error::internal("writing a policy", error))?;
    let hash: [u8; 32] = Sha256::digest(content.as_bytes()).into();
    let known = work.find_value(
        "looking for a policy",
        "SELECT id FROM policies WHERE hash = ?1",
        [hash],
    )?;
    if let Some(id) = known {
        return Ok(id);
    }
    for limit in policy.limits() {
        insert_place(work, &PlaceRow::of(&limit.key))?;
    }
    for provider_key in policy.rate_limit_scopes() {
        insert_place(work, &PlaceRow::of_rate_limit(&provider_key))?;
    }
    work.insert(
        "storing a policy",
        "INSERT INTO policies (hash, content) VALUES (?1, ?2)",
        params![hash, content],
    )
}

/// A row of `limit_places`: where a limit counts, or what names a rate limit as a whole.
struct PlaceRow<'k> {
    kind: &'static str,
    provider_key: &'k str,
    reset_duration: String,
}

impl<'k> PlaceRow<'k> {
    fn of(key: &'k CounterKey) -> Self {
        Self {
            kind: key.kind.name(),
            provider_key: &key.provider_key,
            reset_duration: key.reset_duration.to_string(),
        }
    }

    fn of_rate_limit(provider_key: &'k str) -> Self {
        Self {
            kind: "rate_limit",
            provider_key,
            reset_duration: String::new(),
        }
    }
}

fn insert_place(work: &WorkInTurn<'_>, place: &PlaceRow<'_>) -> Result<()> {
    work.run(
        "storing the place of a limit",
        "INSERT OR IGNORE INTO limit_places (kind, provider_key, reset_duration) VALUES (?1, ?2, ?3)",
        params![place.kind, place.provider_key, place.reset_duration],
    )
}

/// A policy by its id.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Internal`] when what is stored is of another shape.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<Policy> {
    let sql = "SELECT content FROM policies WHERE id = ?1";
    reading.get("policy", sql, id, |row| row.json("content"))
}

/// A policy by its id, with its limits as they are stored.
///
/// # Errors
/// As [`get`].
pub fn get_stored(reading: &Reading<'_>, id: i64) -> Result<StoredPolicy> {
    let policy = get(reading, id)?;
    let numbered = |key: Arc<str>| {
        let id = find_place(reading, &PlaceRow::of_rate_limit(&key))?;
        Ok((key, id.ok_or_else(no_place)?))
    };
    Ok(StoredPolicy {
        limits: get_limits(reading, &policy)?,
        rate_limit_ids: policy
            .rate_limit_scopes()
            .map(numbered)
            .collect::<Result<_>>()?,
        policy,
    })
}

/// The limits of a stored policy.
///
/// # Errors
/// [`Error::Internal`] when one of them has no place.
pub fn get_limits(reading: &Reading<'_>, policy: &Policy) -> Result<Vec<Limit>> {
    let limits = policy.limits().into_iter();
    limits
        .map(|limit| find_limit(reading, limit)?.ok_or_else(no_place))
        .collect()
}

/// A limit as it is stored, if one like it ever was.
///
/// # Errors
/// [`Error::Internal`] when it counts somewhere, but its rate limit has no id.
pub fn find_limit(reading: &Reading<'_>, limit: NewLimit) -> Result<Option<Limit>> {
    let Some(place_id) = find_place_id(reading, &limit.key)? else {
        return Ok(None);
    };
    let named_place_id = match limit.key.kind {
        LimitKind::Budget => place_id,
        LimitKind::Tokens | LimitKind::Requests => {
            let whole = PlaceRow::of_rate_limit(&limit.key.provider_key);
            find_place(reading, &whole)?.ok_or_else(no_place)?
        }
    };
    Ok(Some(limit.stored(place_id, named_place_id)))
}

/// The number of a counter key; there is one for every limit of a stored policy.
///
/// # Errors
/// [`Error::Internal`] when there is none.
pub fn get_place_id(reading: &Reading<'_>, key: &CounterKey) -> Result<i64> {
    find_place_id(reading, key)?.ok_or_else(no_place)
}

/// The number of a counter key, if a limit of a stored policy ever counted there.
pub fn find_place_id(reading: &Reading<'_>, key: &CounterKey) -> Result<Option<i64>> {
    find_place(reading, &PlaceRow::of(key))
}

fn find_place(reading: &Reading<'_>, place: &PlaceRow<'_>) -> Result<Option<i64>> {
    reading.find_value(
        "looking for the place of a limit",
        "SELECT id FROM limit_places WHERE kind = ?1 AND provider_key = ?2 AND reset_duration = ?3",
        params![place.kind, place.provider_key, place.reset_duration],
    )
}

fn no_place() -> Error {
    Error::internal("looking for the place of a limit", "there is none")
}

/// Removes a policy if no copy has it any more.
pub fn forget_unused(work: &WorkInTurn<'_>, id: i64) -> Result<()> {
    work.run(
        "removing a policy",
        "DELETE FROM policies WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM user_access_profiles WHERE policy_id = ?1)",
        [id],
    )
}
