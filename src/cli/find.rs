//! Finding what a command line names, by id or by what people call it; one sentence says that it is not there.

use serde_json::Value;

use super::control::{Control, encoded};
use super::print::{shown, text};
use crate::domain::values::letter_case::name_key;
use crate::error::{Error, Result};

/// The one user who is meant: by id, or by the whole e-mail address.
///
/// # Errors
/// When there is none.
pub fn find_user(control: &Control, wanted: &str) -> Result<Value> {
    let found = if is_number(wanted) {
        control.find(&format!("/api/users/{wanted}"))?
    } else {
        search(control, "users", wanted, "email")?
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
    by_name_or_id(control, ("roles", "role"), "role", wanted)?
        .ok_or_else(|| nothing(control, "role", wanted, "see `tollkeeper roles list`"))
}

/// The one access profile that is meant: by name or id.
///
/// # Errors
/// When there is none, or it could be two.
pub fn find_profile(control: &Control, wanted: &str) -> Result<Value> {
    let places = ("access-profiles", "access_profile");
    let hint = "see `tollkeeper profiles list`";
    by_name_or_id(control, places, "access profile", wanted)?
        .ok_or_else(|| nothing(control, "access profile", wanted, hint))
}

/// The one virtual key that is meant: by its public id, or by its name if no other key has that.
///
/// # Errors
/// When there is none, or it could be several.
pub fn find_virtual_key(control: &Control, wanted: &str) -> Result<Value> {
    let is_id = wanted.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let by_id = if is_id && !wanted.is_empty() {
        by_id(control, "virtual-keys", wanted, "virtual_key")?
    } else {
        None
    };
    if let Some(key) = by_id {
        return Ok(key);
    }
    search(control, "virtual-keys", wanted, "name")?.ok_or_else(|| {
        let hint = "see `tollkeeper virtual-keys list`";
        nothing(control, "virtual key", wanted, hint)
    })
}

/// The copy of a profile that a user holds.
///
/// # Errors
/// When the user, the profile or the copy is not there.
pub fn find_copy(control: &Control, user: &str, profile: &str) -> Result<Value> {
    let (user, profile) = (find_user(control, user)?, find_profile(control, profile)?);
    let id = text(&user["id"]);
    let path = format!("/api/users/{id}/access-profiles/{}", profile["id"]);
    let found = control.find(&path)?;
    let copy = found.map(|mut answer| answer["access_profile"].take());
    copy.ok_or_else(|| {
        let (user, profile) = (text(&user["name"]), text(&profile["name"]));
        let hint = "see `tollkeeper users show`, and give it with `tollkeeper assign`";
        Error::absent(format!("{user} does not hold {profile:?}; {hint}"))
    })
}

/// The path of the list and the field of one thing say where to look, `what` what it is called.
fn by_name_or_id(
    control: &Control,
    (list, field): (&str, &str),
    what: &str,
    wanted: &str,
) -> Result<Option<Value>> {
    let named = search(control, list, wanted, "name")?;
    let by_id = if is_number(wanted) {
        by_id(control, list, wanted, field)?
    } else {
        None
    };
    match (named, by_id) {
        (Some(named), Some(other)) if named["id"] != other["id"] => Err(Error::usage(format!(
            "{wanted:?} is the name of one {what} and the id of another; ids: {}, {wanted}",
            named["id"]
        ))),
        (named, by_id) => Ok(named.or(by_id)),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn nothing(control: &Control, what: &str, wanted: &str, hint: &str) -> Error {
    let database = control.database();
    Error::absent(format!(
        "there is no {what} {wanted:?} in {database}; {hint}"
    ))
}

fn by_id(control: &Control, list: &str, id: &str, field: &str) -> Result<Option<Value>> {
    let found = control.find(&format!("/api/{list}/{id}"))?;
    Ok(found.map(|mut answer| answer[field].take()))
}

/// The one thing of a list that is called so.
fn search(control: &Control, list: &str, wanted: &str, field: &str) -> Result<Option<Value>> {
    let path = format!(
        "/api/governance/{list}?search={}&limit=500",
        encoded(wanted)
    );
    let found = control.every(&list.replace('-', "_"), &path)?;
    let mut called = called(found, field, wanted);
    if called.len() > 1 {
        return Err(Error::usage(format!(
            "{wanted:?} could be any of several whose names look the same; name the id: {}",
            ids(&called)
        )));
    }
    Ok(called.pop())
}

/// Those of some things that are called so: letter by letter if there is one, else without regard to what [`name_key`] leaves out.
pub(super) fn called(things: Vec<Value>, field: &str, wanted: &str) -> Vec<Value> {
    let is_exact = |thing: &&Value| text(&thing[field]) == wanted;
    if let Some(exact) = things.iter().find(is_exact) {
        return vec![exact.clone()];
    }
    let key = name_key(wanted);
    let alike = |thing: &Value| name_key(text(&thing[field])) == key;
    things.into_iter().filter(alike).collect()
}

/// The ids of some things, as a sentence lists them.
pub(super) fn ids(things: &[Value]) -> String {
    let ids: Vec<String> = things.iter().map(|thing| shown(&thing["id"])).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_twins_the_one_is_meant_that_is_written_so_and_otherwise_it_could_be_each() {
        let twins = || {
            vec![
                json!({ "id": 1, "name": "Straße" }),
                json!({ "id": 2, "name": "Strasse" }),
            ]
        };
        for (wanted, found) in [
            ("Straße", "1"),
            ("Strasse", "2"),
            ("STRASSE", "1, 2"),
            ("Stras", ""),
        ] {
            assert_eq!(ids(&called(twins(), "name", wanted)), found, "{wanted}");
        }
    }
}
