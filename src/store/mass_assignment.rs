//! Giving thousands of users a copy each with a few statements: one by one, what is searched alone would be written as often.

use jiff::Timestamp;
use rusqlite::params;
use serde_json::json;

use super::sql::id_list;
use super::unit_of_work::WorkInTurn;
use crate::domain::event::Event;
use crate::domain::holding::NewUserAccessProfile;
use crate::domain::letter_case::name_key;
use crate::domain::virtual_key::HASH_LENGTH;
use crate::error::Result;

/// Stores the same copy for each of these users, who have none.
pub fn insert_copies(
    work: &mut WorkInTurn<'_>,
    user_ids: &[i64],
    new: &NewUserAccessProfile,
) -> Result<()> {
    work.run("storing copies of an access profile", "INSERT INTO user_access_profiles (user_id, access_profile_id, policy_id, source, source_role_id, template_version,
                                           expires_at, created_at, updated_at)
         SELECT value, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8 FROM json_each(?1)",
        params![
            id_list(user_ids),
            new.access_profile_id,
            new.policy_id,
            new.source.name(),
            new.source.role_id(),
            new.template_version,
            new.expires_at.map(Timestamp::as_millisecond),
            work.now().as_millisecond(),
        ],
    )?;
    let user_ids = user_ids.to_vec();
    work.record(Event::HoldersChanged { user_ids });
    Ok(())
}

/// A managed key of one of many users who got a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedKey {
    /// Whose it is.
    pub user_id: i64,
    /// Its public id.
    pub public_id: String,
    /// The hash of its secret.
    pub hash: [u8; HASH_LENGTH],
    /// See [`crate::domain::virtual_key::VirtualKey::name`].
    pub name: String,
}

/// Stores managed keys under the copies of a profile that their users hold.
pub fn insert_keys(
    work: &mut WorkInTurn<'_>,
    access_profile_id: i64,
    keys: &[ManagedKey],
) -> Result<()> {
    const DOING: &str = "storing virtual keys";
    let rows: Vec<_> = keys
        .iter()
        .map(|key| json!([key.user_id, key.public_id, key.name, name_key(&key.name)]))
        .collect();
    let rows = serde_json::Value::from(rows).to_string();
    let hashes = keys.iter().flat_map(|key| key.hash).collect::<Vec<u8>>();
    let last: i64 = work.value(DOING, "SELECT coalesce(max(id), 0) FROM virtual_keys", [])?;
    work.run(DOING, "INSERT INTO virtual_keys (public_id, user_id, user_access_profile_id, name, name_key, description, is_managed,
                                   secret_hash, created_at, updated_at)
         SELECT new.value ->> 1, c.user_id, c.id, new.value ->> 2, new.value ->> 3, '', 1, substr(?4, new.key * 32 + 1, 32), ?3, ?3
         FROM json_each(?1) new
         CROSS JOIN user_access_profiles c ON c.user_id = new.value ->> 0 AND c.access_profile_id = ?2 ORDER BY new.key",
        params![rows, access_profile_id, work.now().as_millisecond(), hashes],
    )?;
    // Ids ascend, so the new keys are those behind the last.
    let key_ids = work.values(
        DOING,
        "SELECT id FROM virtual_keys WHERE id > ?1 ORDER BY id",
        [last],
    )?;
    let user_ids = keys.iter().map(|key| key.user_id).collect();
    work.record(Event::KeysIssued { user_ids, key_ids });
    Ok(())
}
