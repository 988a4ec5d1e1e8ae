//! Users: one row each.

use rusqlite::params;

use crate::domain::event::{Change, Event};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::people::user::{Email, HeldProfile, NewUser, User, UserDetail};
use crate::domain::values::letter_case::name_key;
use crate::error::Result;
use crate::store::lists::names;
use crate::store::lists::pages::{Meant, Order};
use crate::store::lists::remembered::Wanted;
use crate::store::lists::search::USERS;
use crate::store::lists::taken::UniqueName;
use crate::store::sql::{Columns, Reading, id_list};
use crate::store::unit_of_work::{Work, WorkInTurn};
use crate::store::virtual_keys;

/// The columns of [`user`], of the table under the name `u`.
const COLUMNS: &str = "u.id, u.name, u.email, u.role_id, u.revision, u.created_at, u.updated_at";

/// A user of a row with [`COLUMNS`].
fn user(row: &Columns<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get("id")?,
        name: row.get("name")?,
        email: Email::from_stored(row.get("email")?),
        role_id: row.get("role_id")?,
        revision: row.get("revision")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

/// Stores a new user; the use case records how it came about.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when a user has the address.
pub fn insert(work: &mut WorkInTurn<'_>, new: &NewUser) -> Result<User> {
    ADDRESSED.check_new(work, new.email.as_str())?;
    let id = work.insert(
        ADDRESSED.doing,
        "INSERT INTO users (name, name_key, email, email_key, role_id, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        params![
            new.name,
            name_key(&new.name),
            new.email.as_str(),
            name_key(new.email.as_str()),
            new.role_id,
            work.now().as_millisecond(),
        ],
    )?;
    let user_ids = vec![id];
    work.record(Event::HoldersChanged { user_ids });
    get(work, id)
}

/// Stores name and address of a user and counts the revision up.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when another user has the address.
pub fn update(work: &mut Work<'_>, before: User, after: User) -> Result<()> {
    ADDRESSED.check(work, after.id, after.email.as_str())?;
    work.run(
        ADDRESSED.doing,
        "UPDATE users SET name = ?2, name_key = ?3, email = ?4, email_key = iif(email = ?4, email_key, ?5), updated_at = ?6, revision = revision + 1
         WHERE id = ?1",
        params![
            after.id,
            after.name,
            name_key(&after.name),
            after.email.as_str(),
            name_key(after.email.as_str()),
            after.updated_at.as_millisecond(),
        ],
    )?;
    work.record(Event::UserUpdated(Change { before, after }));
    Ok(())
}

/// Puts a user into a role, or into none; the use case records what that changed.
pub fn set_role(work: &mut WorkInTurn<'_>, id: i64, role_id: Option<i64>) -> Result<()> {
    work.run(
        "changing the role of a user",
        "UPDATE users SET role_id = ?2, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        params![id, role_id, work.now().as_millisecond()],
    )?;
    let user_ids = vec![id];
    work.record(Event::HoldersChanged { user_ids });
    Ok(())
}

/// Removes a user, and with it copies, keys, overrides and counters. What was used before stays in the history. The use case records
/// what went along.
pub fn delete(work: &mut WorkInTurn<'_>, id: i64) -> Result<()> {
    let keys = virtual_keys::list_of_user(work, id)?;
    names::keep_of_user(work, id)?;
    work.run("deleting a user", "DELETE FROM users WHERE id = ?1", [id])?;
    let user_ids = vec![id];
    work.record(Event::HoldersChanged { user_ids });
    virtual_keys::record_ended(work, id, &keys);
    Ok(())
}

/// A user.
pub fn get(reading: &Reading<'_>, id: i64) -> Result<User> {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = ?1");
    reading.get("user", &sql, id, user)
}

/// A user with what belongs to it.
pub fn get_detail(reading: &Reading<'_>, id: i64) -> Result<UserDetail> {
    let user = get(reading, id)?;
    detail(reading, user)
}

/// The same for a user that was read.
pub fn detail(reading: &Reading<'_>, user: User) -> Result<UserDetail> {
    let role = reading.find(
        "reading the role of a user",
        "SELECT name, description FROM roles WHERE id = ?1",
        [user.role_id],
        |row| Ok((row.get("name")?, row.get("description")?)),
    )?;
    Ok(UserDetail {
        role,
        access_profiles: list_held(reading, user.id)?,
        user,
    })
}

fn list_held(reading: &Reading<'_>, user_id: i64) -> Result<Vec<HeldProfile>> {
    reading.all(
        "listing what a user holds",
        "SELECT c.id, c.access_profile_id, p.name AS name, c.expires_at, c.source
         FROM user_access_profiles c JOIN access_profiles p ON p.id = c.access_profile_id
         WHERE c.user_id = ?1 ORDER BY c.id",
        [user_id],
        |row| {
            Ok(HeldProfile {
                id: row.get("id")?,
                parent_profile_id: row.get("access_profile_id")?,
                name: row.get("name")?,
                expires_at: row.at_if_any("expires_at")?,
                source: row.get("source")?,
            })
        },
    )
}

const ADDRESSED: UniqueName = UniqueName {
    what: "a user with the address",
    table: "users",
    field: "email",
    among: "true",
    code: "duplicate_email",
    doing: "storing a user",
};

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "email", "created_at", "updated_at"];

/// Which users are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Substring of name or address, without regard to case.
    pub search: Option<String>,
    /// Users in this role only.
    pub role_id: Option<i64>,
    /// Users who hold a copy of this profile only.
    pub access_profile_id: Option<i64>,
}

impl UserFilter {
    fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let role = self.role_id.map(|id| Wanted::Label(format!("role {id}")));
        let profile = self.access_profile_id;
        let profile = profile.map(|id| Wanted::Label(format!("profile {id}")));
        let text = self.search.clone().map(Wanted::Text);
        [role, profile, text].into_iter().flatten()
    }
}

/// A page of users with what belongs to them.
pub fn list(
    reading: &Reading<'_>,
    filter: &UserFilter,
    sort: Sort,
    page: Page,
) -> Result<Listed<UserDetail>> {
    let found = filter
        .wanted()
        .map(|wanted| reading.search(&USERS, &wanted));
    let meant = Meant::of(found, || reading.row_count("users"))?;
    let ids = Order::of("users", sort).page(reading, &meant, page)?;
    let items = by_ids(reading, &ids)?
        .into_iter()
        .map(|user| detail(reading, user))
        .collect::<Result<_>>()?;
    Ok(Listed {
        items,
        total_count: meant.total(),
    })
}

/// Users in the order of these ids.
fn by_ids(reading: &Reading<'_>, ids: &[i64]) -> Result<Vec<User>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM json_each(?1) found CROSS JOIN users u ON u.id = found.value ORDER BY found.key"
    );
    reading.all("listing users", &sql, [id_list(ids)], user)
}
