//! Policies of copies, each stored once, and the places where their limits count.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::copy_standing::PlacedPolicy;
use crate::domain::policy::{Place, Policy};
use crate::error::{Error, Result};

/// The id of this policy, which is stored if it is new, and with it the places of its limits.
///
/// # Errors
/// When the database can't be written.
pub fn intern(writing: &Writing<'_>, policy: &Policy) -> Result<i64> {
    let content = serde_json::to_string(policy)
        .map_err(|error| Error::internal("writing a policy", error))?;
    let hash: [u8; 32] = Sha256::digest(content.as_bytes()).into();
    let known = writing
        .connection
        .prepare_cached("SELECT id FROM policies WHERE hash = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![hash], |row| row.get(0))
                .optional()
        })
        .doing("looking for a policy")?;
    if let Some(id) = known {
        return Ok(id);
    }
    for place in policy.places() {
        insert_place(writing, &place)?;
    }
    writing
        .connection
        .prepare_cached("INSERT INTO policies (hash, content) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.insert(params![hash, content]))
        .doing("storing a policy")
}

fn insert_place(writing: &Writing<'_>, place: &Place) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "INSERT OR IGNORE INTO limit_places (kind, provider_key, reset_duration) VALUES (?1, ?2, ?3)",
        )
        .and_then(|mut statement| {
            statement.execute(params![place.kind.name(), place.provider_key, duration(place)])
        })
        .doing("storing the place of a limit")?;
    Ok(())
}

fn duration(place: &Place) -> String {
    place
        .reset_duration
        .map(|duration| duration.to_string())
        .unwrap_or_default()
}

/// A policy by its id.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Internal`] when what is stored is of another shape.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<Policy> {
    let content: String = reading
        .connection
        .prepare_cached("SELECT content FROM policies WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![id], |row| row.get(0))
                .optional()
        })
        .doing("reading a policy")?
        .ok_or_else(|| Error::not_found("policy", id))?;
    serde_json::from_str(&content).map_err(|error| Error::internal("reading a policy", error))
}

/// A policy by its id, with the ids of the places where its limits count.
///
/// # Errors
/// As [`get`].
pub fn get_placed(reading: &Reading<'_>, id: i64) -> Result<PlacedPolicy> {
    let policy = get(reading, id)?;
    let place_ids = policy
        .places()
        .into_iter()
        .map(|place| place_id(reading, &place).map(|id| (place, id)))
        .collect::<Result<_>>()?;
    Ok(PlacedPolicy { policy, place_ids })
}

/// The id of a place; there is one for every place of a stored policy.
///
/// # Errors
/// [`Error::Internal`] when there is none.
pub fn place_id(reading: &Reading<'_>, place: &Place) -> Result<i64> {
    find_place_id(reading, place)?
        .ok_or_else(|| Error::internal("looking for the place of a limit", "there is none"))
}

/// The id of a place, if a limit of a stored policy ever counted there.
///
/// # Errors
/// When the database can't be read.
pub fn find_place_id(reading: &Reading<'_>, place: &Place) -> Result<Option<i64>> {
    reading
        .connection
        .prepare_cached(
            "SELECT id FROM limit_places WHERE kind = ?1 AND provider_key = ?2 AND reset_duration = ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![place.kind.name(), place.provider_key, duration(place)],
                    |row| row.get(0),
                )
                .optional()
        })
        .doing("looking for the place of a limit")
}

/// Removes a policy if no copy has it any more.
///
/// # Errors
/// When the database can't be written.
pub fn forget_unused(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "DELETE FROM policies WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM user_access_profiles WHERE policy_id = ?1)",
        )
        .and_then(|mut statement| statement.execute(params![id]))
        .doing("removing a policy")?;
    Ok(())
}
