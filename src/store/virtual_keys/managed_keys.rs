//! Managed keys of thousands of users, with a few statements: one by one, what is searched alone would be written as often.

use rusqlite::params;
use serde_json::json;

use crate::domain::event::Event;
use crate::domain::values::letter_case::name_key;
use crate::domain::virtual_key::HASH_LENGTH;
use crate::error::Result;
use crate::store::unit_of_work::WorkInTurn;

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
pub fn insert_all(
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
    work.run(
        DOING,
        "INSERT INTO virtual_keys (public_id, user_id, user_access_profile_id, name, name_key, description, is_managed,
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
