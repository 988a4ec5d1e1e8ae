//! Virtual keys: hashes only. A key that is deleted leaves its audit entries, and for a while what its secrets are recognised by
//! (`former_secrets.rs`).

pub mod former_secrets;
pub mod managed_keys;
pub mod rotations;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::params;

use super::lists::id_set::IdSet;
use super::lists::pages::{Meant, Order};
use super::lists::remembered::Wanted;
use super::lists::search::VIRTUAL_KEYS;
use super::sql::{Columns, Reading, id_list};
use super::unit_of_work::WorkInTurn;
use crate::domain::event::{Change, Event};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::values::letter_case::name_key;
use crate::domain::virtual_key::{HASH_LENGTH, NewVirtualKey, VirtualKey};
use crate::error::{Error, Result};

/// The columns of [`key`], of the table under the name `k` and that of copies under the name `c`.
const COLUMNS: &str = "k.id, k.public_id, k.user_id, k.user_access_profile_id, c.access_profile_id, k.name, k.description, \
     k.is_managed, k.expires_at, \
     (SELECT max(works_until) FROM former_secrets f WHERE f.user_id = k.user_id AND f.virtual_key_id = k.id) AS previous_expires_at, \
     k.rotated_at, k.revision, k.created_at, k.updated_at, \
     (SELECT iif(count(*) = count(held.expires_at), max(held.expires_at), NULL) FROM user_access_profiles held \
      WHERE held.user_id = k.user_id) AS copies_expire_at";
/// Every key with the copy it was issued under.
const FROM: &str =
    "virtual_keys k LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id";

/// A key of a row with [`COLUMNS`].
fn key(row: &Columns<'_>) -> rusqlite::Result<VirtualKey> {
    Ok(VirtualKey {
        id: row.get("id")?,
        public_id: row.get("public_id")?,
        user_id: row.get("user_id")?,
        copy_id: row.get("user_access_profile_id")?,
        access_profile_id: row.get("access_profile_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        is_managed: row.get("is_managed")?,
        expires_at: row.at_if_any("expires_at")?,
        copies_expire_at: row.at_if_any("copies_expire_at")?,
        previous_expires_at: row.at_if_any("previous_expires_at")?,
        rotated_at: row.at_if_any("rotated_at")?,
        revision: row.get("revision")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

/// Stores a new key under a public id, with the hash of its secret.
pub fn insert(
    work: &mut WorkInTurn<'_>,
    new: &NewVirtualKey,
    public_id: &str,
    hash: [u8; HASH_LENGTH],
) -> Result<VirtualKey> {
    let id = work.insert(
        "storing a virtual key",
        "INSERT INTO virtual_keys (public_id, user_id, user_access_profile_id, name, name_key, description, is_managed,
                                   secret_hash, expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
        params![
            public_id,
            new.user_id,
            new.copy_id,
            new.name,
            name_key(&new.name),
            new.description,
            new.is_managed,
            hash,
            new.expires_at.map(Timestamp::as_millisecond),
            work.now().as_millisecond(),
        ],
    )?;
    let key = get(work, id)?;
    work.record(if key.is_managed {
        Event::KeysIssued {
            user_ids: vec![key.user_id],
            key_ids: vec![id],
        }
    } else {
        Event::VirtualKeyCreated(key.clone())
    });
    Ok(key)
}

/// Stores the settings of a key and counts its revision up.
pub fn update(work: &mut WorkInTurn<'_>, before: VirtualKey, after: VirtualKey) -> Result<()> {
    work.run(
        "storing a virtual key",
        "UPDATE virtual_keys SET name = ?2, name_key = ?3, description = ?4, expires_at = ?5, updated_at = ?6,
                                 revision = revision + 1
         WHERE id = ?1",
        params![
            after.id,
            after.name,
            name_key(&after.name),
            after.description,
            after.expires_at.map(Timestamp::as_millisecond),
            after.updated_at.as_millisecond(),
        ],
    )?;
    work.record(Event::VirtualKeyUpdated(Change { before, after }));
    Ok(())
}

/// Puts a new secret in place of a key's secret; the old one works until `previous_until`, and earlier ones as long as they would have.
/// Answers the key as it is now; the use case records why.
pub fn rotate(
    work: &mut WorkInTurn<'_>,
    id: i64,
    hash: [u8; HASH_LENGTH],
    previous_until: Option<Timestamp>,
) -> Result<VirtualKey> {
    former_secrets::note_current(work, id, previous_until)?;
    work.run(
        "rotating a virtual key",
        "UPDATE virtual_keys SET secret_hash = ?2, rotated_at = ?3, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        params![id, hash, work.now().as_millisecond()],
    )?;
    let key = get(work, id)?;
    work.record(Event::SecretReplaced {
        user_id: key.user_id,
        public_id: key.public_id.clone(),
    });
    Ok(key)
}

/// A key by its id inside.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<VirtualKey> {
    find(reading, id)?.ok_or_else(|| Error::not_found("virtual key", id))
}

/// A key by its id inside, if there is one.
pub fn find(reading: &Reading<'_>, id: i64) -> Result<Option<VirtualKey>> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE k.id = ?1");
    reading.find("reading a virtual key", &sql, [id], key)
}

/// A key by its public id.
pub fn get_public(reading: &Reading<'_>, public_id: &str) -> Result<VirtualKey> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE k.public_id = ?1");
    reading.get("virtual key", &sql, public_id, key)
}

/// What is stored of the secret that a key has, if there is such a key.
pub fn find_hash(reading: &Reading<'_>, public_id: &str) -> Result<Option<[u8; HASH_LENGTH]>> {
    reading.find_value(
        "reading what is stored of a secret",
        "SELECT secret_hash FROM virtual_keys WHERE public_id = ?1",
        [public_id],
    )
}

/// The keys that were issued under a copy, the first one first.
pub fn list_of_copy(reading: &Reading<'_>, copy_id: i64) -> Result<Vec<VirtualKey>> {
    let sql =
        format!("SELECT {COLUMNS} FROM {FROM} WHERE k.user_access_profile_id = ?1 ORDER BY k.id");
    reading.all("listing the virtual keys of a copy", &sql, [copy_id], key)
}

/// The managed keys that were issued under the copies of a profile, the first one first.
pub fn list_managed_of_profile(
    reading: &Reading<'_>,
    access_profile_id: i64,
) -> Result<Vec<VirtualKey>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM user_access_profiles c CROSS JOIN virtual_keys k ON k.user_access_profile_id = c.id
         WHERE c.access_profile_id = ?1 AND k.is_managed = 1 ORDER BY k.id"
    );
    reading.all(
        "listing the managed keys of a profile",
        &sql,
        [access_profile_id],
        key,
    )
}

/// Every key of a user, the first one first.
pub fn list_of_user(reading: &Reading<'_>, user_id: i64) -> Result<Vec<VirtualKey>> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE k.user_id = ?1 ORDER BY k.id");
    reading.all("listing the virtual keys of a user", &sql, [user_id], key)
}

/// How many keys a user has.
pub fn count_of_user(reading: &Reading<'_>, user_id: i64) -> Result<i64> {
    reading.value(
        "counting the virtual keys of a user",
        "SELECT count(*) FROM virtual_keys WHERE user_id = ?1",
        [user_id],
    )
}

/// What the names of the keys of a user are compared by, but for one of them.
pub fn list_name_keys(
    reading: &Reading<'_>,
    user_id: i64,
    but: Option<i64>,
) -> Result<HashSet<String>> {
    let names: Vec<String> = reading.values(
        "listing the names of the virtual keys of a user",
        "SELECT name FROM virtual_keys WHERE user_id = ?1 AND id IS NOT ?2",
        (user_id, but),
    )?;
    Ok(names.iter().map(|name| name_key(name)).collect())
}

/// Removes a key that nothing else takes along.
pub fn delete(work: &mut WorkInTurn<'_>, key: VirtualKey) -> Result<()> {
    remove(work, key.id)?;
    work.record(Event::VirtualKeyDeleted(key));
    Ok(())
}

fn remove(work: &WorkInTurn<'_>, id: i64) -> Result<()> {
    work.run(
        "deleting a virtual key",
        "DELETE FROM virtual_keys WHERE id = ?1",
        [id],
    )
}

/// Removes the keys that were issued under a copy; answers their names, the first one first.
pub fn delete_of_copy(work: &mut WorkInTurn<'_>, copy_id: i64) -> Result<Vec<String>> {
    let keys = list_of_copy(work, copy_id)?;
    delete_all(work, keys)
}

/// Removes the keys of a user that were issued under no copy; answers their names, the first one first.
pub fn delete_at_large(work: &mut WorkInTurn<'_>, user_id: i64) -> Result<Vec<String>> {
    let mut keys = list_of_user(work, user_id)?;
    keys.retain(|key| key.copy_id.is_none());
    delete_all(work, keys)
}

fn delete_all(work: &mut WorkInTurn<'_>, keys: Vec<VirtualKey>) -> Result<Vec<String>> {
    keys.iter().try_for_each(|key| remove(work, key.id))?;
    if let Some(first) = keys.first() {
        record_ended(work, first.user_id, &keys);
    }
    Ok(keys.into_iter().map(|key| key.name).collect())
}

/// Records that keys of a user went with something else.
pub(in crate::store) fn record_ended(work: &mut WorkInTurn<'_>, user_id: i64, keys: &[VirtualKey]) {
    if !keys.is_empty() {
        work.record(Event::KeysEnded {
            user_id,
            key_ids: keys.iter().map(|key| key.id).collect(),
            public_ids: keys.iter().map(|key| key.public_id.clone()).collect(),
        });
    }
}

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at"];
const LISTING: &str = "listing virtual keys";

/// Which keys are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VirtualKeyFilter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Keys of this user only.
    pub user_id: Option<i64>,
}

/// A page of virtual keys; without another order in that in which they were made.
pub fn list(
    reading: &Reading<'_>,
    filter: &VirtualKeyFilter,
    sort: Sort,
    page: Page,
) -> Result<Listed<VirtualKey>> {
    let of_user = filter.user_id.map(|user_id| of_user(reading, user_id));
    let text = filter.search.clone().map(Wanted::Text);
    let found = text.map(|wanted| reading.search(&VIRTUAL_KEYS, &wanted));
    let sets = [of_user, found].into_iter().flatten();
    let meant = Meant::of(sets, || reading.row_count("virtual_keys"))?;
    let ids = Order::of("virtual_keys", sort).page(reading, &meant, page)?;
    Ok(Listed {
        items: by_ids(reading, &ids)?,
        total_count: meant.total(),
    })
}

fn of_user(reading: &Reading<'_>, user_id: i64) -> Result<Arc<IdSet>> {
    let sql = "SELECT id FROM virtual_keys WHERE user_id = ?1";
    let ids = reading.values(LISTING, sql, [user_id])?;
    Ok(Arc::new(ids.into_iter().collect()))
}

/// Keys in the order of these ids.
fn by_ids(reading: &Reading<'_>, ids: &[i64]) -> Result<Vec<VirtualKey>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM json_each(?1) found CROSS JOIN virtual_keys k ON k.id = found.value
         LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id ORDER BY found.key"
    );
    reading.all(LISTING, &sql, [id_list(ids)], key)
}
