//! Policies of copies, each stored once, and the places where their limits count.

use rusqlite::params;
use sha2::{Digest, Sha256};

use super::fault::Doing;
use super::{Reading, WorkInTurn};
use crate::domain::copy_standing::PlacedPolicy;
use crate::domain::policy::{Place, Policy};
use crate::error::{Error, Result};

/// The id of this policy, which is stored if it is new, and with it the places of its limits. Nothing happens by it: nobody has it yet.
pub fn intern(work: &WorkInTurn<'_>, policy: &Policy) -> Result<i64> {
    let content = serde_json::to_string(policy)
        .map_err(|error| Error::internal("writing a policy", error))?;
    let hash: [u8; 32] = Sha256::digest(content.as_bytes()).into();
    let known = work
        .find_value("SELECT id FROM policies WHERE hash = ?1", [hash])
        .doing("looking for a policy")?;
    if let Some(id) = known {
        return Ok(id);
    }
    for place in policy.places() {
        work.run(
            "INSERT OR IGNORE INTO limit_places (kind, provider_key, reset_duration) VALUES (?1, ?2, ?3)",
            params![place.kind.name(), place.provider_key, duration(&place)],
        )
        .doing("storing the place of a limit")?;
    }
    work.insert(
        "INSERT INTO policies (hash, content) VALUES (?1, ?2)",
        params![hash, content],
    )
    .doing("storing a policy")
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
    let sql = "SELECT content FROM policies WHERE id = ?1";
    let found = reading.find(sql, [id], |row| row.json("content"));
    found
        .doing("reading a policy")?
        .ok_or_else(|| Error::not_found("policy", id))
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
pub fn find_place_id(reading: &Reading<'_>, place: &Place) -> Result<Option<i64>> {
    reading
        .find_value(
            "SELECT id FROM limit_places WHERE kind = ?1 AND provider_key = ?2 AND reset_duration = ?3",
            params![place.kind.name(), place.provider_key, duration(place)],
        )
        .doing("looking for the place of a limit")
}

/// Removes a policy if no copy has it any more.
pub fn forget_unused(work: &WorkInTurn<'_>, id: i64) -> Result<()> {
    work.run(
        "DELETE FROM policies WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM user_access_profiles WHERE policy_id = ?1)",
        [id],
    )
    .map(drop)
    .doing("removing a policy")
}
