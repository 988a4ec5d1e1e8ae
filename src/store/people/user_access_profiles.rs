//! Copies of access profiles that users hold.

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::event::Event;
use crate::domain::list::{Listed, Page};
use crate::domain::people::holding::{NewUserAccessProfile, Source, UserAccessProfile};
use crate::error::{Error, Result};
use crate::store::access_profiles::policies;
use crate::store::lists::pages::Stretch;
use crate::store::sql::{Columns, Reading, id_list};
use crate::store::unit_of_work::WorkInTurn;

/// The columns of [`copy`], of the table under the name `c`.
const COLUMNS: &str = "c.id, c.user_id, c.access_profile_id, c.policy_id, c.source_role_id, c.template_version, c.expires_at, \
                       c.created_at, c.updated_at";

/// A copy of a row with [`COLUMNS`].
fn copy(row: &Columns<'_>) -> rusqlite::Result<UserAccessProfile> {
    let role_id: Option<i64> = row.get("source_role_id")?;
    Ok(UserAccessProfile {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        access_profile_id: row.get("access_profile_id")?,
        policy_id: row.get("policy_id")?,
        source: role_id.map_or(Source::Direct, Source::Role),
        template_version: row.get("template_version")?,
        expires_at: row.at_if_any("expires_at")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

/// Stores a new copy for a user; answers its id. The use case records how it came about.
///
/// # Errors
/// [`Error::Conflict`] when the user has a copy of the profile.
pub fn insert(work: &mut WorkInTurn<'_>, user_id: i64, new: &NewUserAccessProfile) -> Result<i64> {
    let profile_id = new.access_profile_id;
    if find(work, user_id, profile_id)?.is_some() {
        let message = format!(
            "access_profile_id: the user {user_id} holds a copy of the access profile {profile_id} already"
        );
        let (code, param) = ("already_assigned", "access_profile_id");
        return Err(Error::conflict(code, param, message));
    }
    insert_all(work, &[user_id], new)?;
    get(work, user_id, profile_id).map(|copy| copy.id)
}

/// Stores the same copy for each of these users, who have none.
pub fn insert_all(
    work: &mut WorkInTurn<'_>,
    user_ids: &[i64],
    new: &NewUserAccessProfile,
) -> Result<()> {
    work.run(
        "storing copies of an access profile",
        "INSERT INTO user_access_profiles (user_id, access_profile_id, policy_id, source, source_role_id, template_version,
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

/// Removes a copy, and with it its keys, overrides and counters; and its policy if no other copy has it. The use case records why.
pub fn delete(work: &mut WorkInTurn<'_>, copy: &UserAccessProfile) -> Result<()> {
    work.run(
        "removing a copy of an access profile",
        "DELETE FROM user_access_profiles WHERE id = ?1",
        [copy.id],
    )?;
    let user_ids = vec![copy.user_id];
    work.record(Event::HoldersChanged { user_ids });
    policies::forget_unused(work, copy.policy_id)
}

/// The copy of a profile that a user holds, if there is one.
pub fn find(
    reading: &Reading<'_>,
    user_id: i64,
    access_profile_id: i64,
) -> Result<Option<UserAccessProfile>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM user_access_profiles c WHERE c.user_id = ?1 AND c.access_profile_id = ?2"
    );
    reading.find(
        "reading a copy of an access profile",
        &sql,
        [user_id, access_profile_id],
        copy,
    )
}

/// The copy of a profile that a user holds. That there is such a user is for the caller to know.
///
/// # Errors
/// [`Error::NotFound`] with which of the two there is not.
pub fn get(
    reading: &Reading<'_>,
    user_id: i64,
    access_profile_id: i64,
) -> Result<UserAccessProfile> {
    if let Some(copy) = find(reading, user_id, access_profile_id)? {
        return Ok(copy);
    }
    super::users::get(reading, user_id)?;
    crate::store::access_profiles::versions::get_current_number(reading, access_profile_id)?;
    Err(Error::not_found(
        "copy of the access profile",
        format!("{access_profile_id} for the user {user_id}"),
    ))
}

/// A page of what a user holds, in the order of assignment.
pub fn list_of_user(
    reading: &Reading<'_>,
    user_id: i64,
    page: Page,
) -> Result<Listed<UserAccessProfile>> {
    let all = list_all_of_user(reading, user_id)?;
    let whole = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Listed {
        total_count: i64::try_from(all.len()).unwrap_or(i64::MAX),
        items: all
            .into_iter()
            .skip(whole(page.offset))
            .take(whole(page.limit))
            .collect(),
    })
}

/// Everything that a user holds, in the order of assignment.
pub fn list_all_of_user(reading: &Reading<'_>, user_id: i64) -> Result<Vec<UserAccessProfile>> {
    let sql =
        format!("SELECT {COLUMNS} FROM user_access_profiles c WHERE c.user_id = ?1 ORDER BY c.id");
    reading.all("listing what a user holds", &sql, [user_id], copy)
}

/// The copies of a profile, in the order of assignment.
pub fn list_of_profile(
    reading: &Reading<'_>,
    access_profile_id: i64,
    page: Page,
) -> Result<Listed<UserAccessProfile>> {
    let total_count = count_of_profile(reading, access_profile_id)?;
    let part = Stretch::of_page(total_count, page);
    let way = if part.from_the_end { "DESC" } else { "ASC" };
    // The ids first: what is skipped is then read from an index alone.
    let sql = format!(
        "SELECT {COLUMNS} FROM (
             SELECT id FROM user_access_profiles WHERE access_profile_id = ?1 ORDER BY id {way} LIMIT ?2 OFFSET ?3
         ) found CROSS JOIN user_access_profiles c ON c.id = found.id ORDER BY c.id"
    );
    let values = params![access_profile_id, part.count, part.skipped];
    let items = reading.all(
        "listing the copies of an access profile",
        &sql,
        values,
        copy,
    )?;
    Ok(Listed { items, total_count })
}

/// How many users hold a copy of a profile.
pub fn count_of_profile(reading: &Reading<'_>, access_profile_id: i64) -> Result<i64> {
    let holders = reading.find_value(
        "counting the copies of an access profile",
        "SELECT holders FROM access_profile_holders WHERE access_profile_id = ?1",
        [access_profile_id],
    )?;
    Ok(holders.unwrap_or(0))
}

/// Whether a user holds anything.
pub fn holds_any(reading: &Reading<'_>, user_id: i64) -> Result<bool> {
    reading.value(
        "looking for what a user holds",
        "SELECT EXISTS (SELECT 1 FROM user_access_profiles WHERE user_id = ?1)",
        [user_id],
    )
}

/// A virtual key, as it is shown with the copies it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownKey {
    /// Whose it is.
    pub user_id: i64,
    /// The copy it was issued under; none for a key of the user at large.
    pub copy_id: Option<i64>,
    /// Its public id.
    pub public_id: String,
}

/// The virtual keys of some users, by id.
pub fn list_keys_of_users(reading: &Reading<'_>, user_ids: &[i64]) -> Result<Vec<ShownKey>> {
    reading.all(
        "listing virtual keys",
        "SELECT user_id, user_access_profile_id, public_id FROM virtual_keys
         WHERE user_id IN (SELECT value FROM json_each(?1)) ORDER BY id",
        [id_list(user_ids)],
        |row| {
            Ok(ShownKey {
                user_id: row.get("user_id")?,
                copy_id: row.get("user_access_profile_id")?,
                public_id: row.get("public_id")?,
            })
        },
    )
}

/// The next copies in the order of their ids, each as (user, copy).
pub fn list_ids_after(reading: &Reading<'_>, after: i64, count: i64) -> Result<Vec<(i64, i64)>> {
    reading.all(
        "listing copies",
        "SELECT user_id, id FROM user_access_profiles WHERE id > ?1 ORDER BY id LIMIT ?2",
        [after, count],
        |row| Ok((row.get("user_id")?, row.get("id")?)),
    )
}
