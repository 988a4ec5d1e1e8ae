//! Finding what a command line names, by id or by what people call it; one sentence says that it is not there.

use serde_json::Value;

use super::control::{Control, encoded};
use super::text;
use crate::domain::letter_case::name_key;
use crate::error::{Error, Result};

/// The one user who is meant: by id, or by the whole e-mail address.
///
/// # Errors
/// When there is none.
pub fn find_user(control: &Control, wanted: &str) -> Result<Value> {
    let found = if is_number(wanted) {
        by_id(control, "users", wanted, "user")?
    } else {
        let is = |user: &Value| name_key(text(&user["email"])) == name_key(wanted);
        search(control, "users", wanted, is)?
    };
    found.ok_or_else(|| {
        let hint = "name the id or the whole e-mail address; see `tollkeeper users list`";
        nothing(control, "user", wanted, hint)
    })
}

/// The one role that is meant: by name or id.
///
/// # Errors
/// When there is none, or it could be two.
pub fn find_role(control: &Control, wanted: &str) -> Result<Value> {
    let named = |role: &Value| name_key(text(&role["name"])) == name_key(wanted);
    let named = search(control, "roles", wanted, named)?;
    let by_id = if is_number(wanted) {
        by_id(control, "roles", wanted, "role")?
    } else {
        None
    };
    one_of(named, by_id, "role", wanted)?
        .ok_or_else(|| nothing(control, "role", wanted, "see `tollkeeper roles list`"))
}

/// The one access profile that is meant: by name or id.
///
/// # Errors
/// When there is none, or it could be two.
pub fn find_profile(control: &Control, wanted: &str) -> Result<Value> {
    let named = |profile: &Value| name_key(text(&profile["name"])) == name_key(wanted);
    let named = search(control, "access-profiles", wanted, named)?;
    let by_id = if is_number(wanted) {
        by_id(control, "access-profiles", wanted, "access_profile")?
    } else {
        None
    };
    one_of(named, by_id, "access profile", wanted)?
        .ok_or_else(|| nothing(control, "access profile", wanted, "name it or its id"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn nothing(control: &Control, what: &str, wanted: &str, hint: &str) -> Error {
    let database = control.database();
    Error::refused(format!(
        "there is no {what} {wanted:?} in {database}; {hint}"
    ))
}

fn one_of(
    named: Option<Value>,
    by_id: Option<Value>,
    what: &str,
    wanted: &str,
) -> Result<Option<Value>> {
    match (named, by_id) {
        (Some(named), Some(other)) if named["id"] != other["id"] => Err(Error::refused(format!(
            "{wanted:?} is the name of one {what} and the id of another; ids: {}, {wanted}",
            named["id"]
        ))),
        (named, by_id) => Ok(named.or(by_id)),
    }
}

fn by_id(control: &Control, list: &str, id: &str, field: &str) -> Result<Option<Value>> {
    let found = control.find(&format!("/api/{list}/{id}"))?;
    Ok(found.map(|mut answer| answer[field].take()))
}

/// The first thing of a list whose search finds a text and that is the one that is meant.
fn search(
    control: &Control,
    list: &str,
    wanted: &str,
    is: impl Fn(&Value) -> bool,
) -> Result<Option<Value>> {
    let path = format!("/api/{list}?search={}&limit=500", encoded(wanted));
    let found = control.every(&list.replace('-', "_"), &path)?;
    Ok(found.into_iter().find(is))
}
