//! `tollkeeper assign USER PROFILE`: gives a user a copy of an access profile, with the server running or not.

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::control::{Control, encoded};
use super::print_line;
use crate::config::Settings;
use crate::domain::letter_case::fold;
use crate::error::{Error, Result};

/// Who gets what.
#[derive(Args)]
#[command(after_help = "Example:\n  tollkeeper assign ada@example.com developers")]
pub struct AssignArguments {
    /// The user: the e-mail address, or the id
    #[arg(value_name = "EMAIL|ID")]
    user: String,
    /// The access profile: its name, or its id
    #[arg(value_name = "NAME|ID")]
    profile: String,
    /// From when on it grants nothing, such as 2027-01-31T00:00:00Z; without it, never
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// One sentence about what went wrong.
pub fn run(arguments: &AssignArguments, settings: &Settings) -> Result<()> {
    let control = Control::open(settings, false)?;
    let done = assign(&control, arguments);
    control.close().and(done)
}

fn assign(control: &Control, arguments: &AssignArguments) -> Result<()> {
    let user = find_user(control, &arguments.user)?;
    let profile = find_profile(control, &arguments.profile)?;
    let body = json!({ "access_profile_id": profile["id"], "expires_at": arguments.expires_at });
    let path = format!("/api/users/{}/access-profiles", text(&user["id"]));
    let mut answer = control.call(Method::POST, &path, Some(&body))?;
    if arguments.json {
        answer["database"] = json!(control.database());
        print_line(&answer.to_string());
        return Ok(());
    }
    let key = &answer["virtual_key"];
    print_line(&format!(
        "{}\n\nThis virtual key is shown this once.\nName:    {} (id {})\nUser:    {} <{}> (id {})\nProfile: {} (id {})\nExpires: {}\nStored in {}",
        text(&key["value"]),
        text(&key["name"]),
        text(&key["id"]),
        text(&user["name"]),
        text(&user["email"]),
        text(&user["id"]),
        text(&profile["name"]),
        profile["id"],
        answer["access_profile"]["expires_at"]
            .as_str()
            .unwrap_or("never"),
        control.database()
    ));
    Ok(())
}

/// The user with this address or id. Whatever has an @ is an address.
fn find_user(control: &Control, wanted: &str) -> Result<Value> {
    if !wanted.contains('@') {
        let path = format!("/api/users/{}", encoded(wanted));
        return Ok(control.call(Method::GET, &path, None)?["user"].take());
    }
    let is = |user: &Value| fold(text(&user["email"])) == fold(wanted);
    let found = search(control, "users", wanted, is)?;
    found.ok_or_else(|| {
        let database = control.database();
        Error::refused(format!(
            "there is no user with the address {wanted} in {database}"
        ))
    })
}

/// The profile with this name or id.
fn find_profile(control: &Control, wanted: &str) -> Result<Value> {
    let is = |profile: &Value| fold(text(&profile["name"])) == fold(wanted);
    let named = search(control, "access-profiles", wanted, is)?;
    let by_id = wanted.parse::<i64>().is_ok().then(|| {
        let path = format!("/api/access-profiles/{wanted}");
        control.call(Method::GET, &path, None)
    });
    match (named, by_id) {
        (Some(named), Some(Ok(other))) if named["id"] != other["access_profile"]["id"] => {
            Err(Error::refused(format!(
                "{wanted:?} is the name of one access profile and the id of another; ids: {}, {wanted}",
                named["id"]
            )))
        }
        (Some(named), _) => Ok(named),
        (None, Some(answer)) => Ok(answer?["access_profile"].take()),
        (None, None) => Err(Error::refused(format!(
            "there is no access profile {wanted:?} in {}",
            control.database()
        ))),
    }
}

/// The first thing of a list whose search finds a text and that is the one that is meant.
fn search(
    control: &Control,
    list: &str,
    wanted: &str,
    is: impl Fn(&Value) -> bool,
) -> Result<Option<Value>> {
    let mut offset = 0;
    loop {
        let path = format!(
            "/api/{list}?search={}&limit=500&offset={offset}",
            encoded(wanted)
        );
        let mut page = control.call(Method::GET, &path, None)?;
        let items = page[list.replace('-', "_")].take();
        let items = items.as_array().map_or(&[][..], Vec::as_slice);
        if let Some(found) = items.iter().find(|item| is(item)) {
            return Ok(Some(found.clone()));
        }
        if items.is_empty() {
            return Ok(None);
        }
        offset += items.len();
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
