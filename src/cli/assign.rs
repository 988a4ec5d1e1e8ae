//! `tollkeeper assign USER PROFILE`: gives a user a copy of an access profile, with the server running or not.

use clap::Args;
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::control::Control;
use super::expiry::{Expiry, parse_expiry};
use super::find::{find_profile, find_user};
use super::print::{named, print_answer, text};
use crate::config::Settings;
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
    /// From when on it grants nothing: a time such as 2027-01-31T00:00:00Z, a span such as 90d (units s m h d w M Y), or never
    #[arg(long, visible_alias = "expires", value_name = "SPAN|TIME|never", default_value = "never", value_parser = parse_expiry)]
    expires_at: Expiry,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// One sentence about what went wrong.
pub fn run(arguments: &AssignArguments, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| assign(control, arguments))
}

fn assign(control: &Control, arguments: &AssignArguments) -> Result<()> {
    let user = find_user(control, &arguments.user)?;
    let profile = find_active_profile(control, &arguments.profile)?;
    let answer = give(control, &user, &profile, arguments.expires_at)?;
    print_answer(control, answer, arguments.json, |answer| {
        let key = &answer["virtual_key"];
        format!(
            "{}\n\nThis virtual key is shown this once.\nName:    {}\nUser:    {} <{}> (id {})\nProfile: {}\nExpires: {}\nStored in {}",
            text(&key["value"]),
            named(key),
            text(&user["name"]),
            text(&user["email"]),
            text(&user["id"]),
            named(&profile),
            answer["access_profile"]["expires_at"]
                .as_str()
                .unwrap_or("never"),
            control.database()
        )
    });
    Ok(())
}

/// Gives a user a copy of a profile; the answer shows its virtual key.
///
/// # Errors
/// As [`Control::call`].
pub(super) fn give(
    control: &Control,
    user: &Value,
    profile: &Value,
    expires_at: Expiry,
) -> Result<Value> {
    let expires_at = expires_at.at(Timestamp::now());
    let body = json!({ "access_profile_id": profile["id"], "expires_at": expires_at });
    let path = format!("/api/users/{}/access-profiles", text(&user["id"]));
    control.call(Method::POST, &path, Some(&body))
}

/// The profile that is meant, if it can be given to somebody.
///
/// # Errors
/// When there is none, or it is inactive.
pub(super) fn find_active_profile(control: &Control, wanted: &str) -> Result<Value> {
    let profile = find_profile(control, wanted)?;
    if profile["is_active"] == json!(false) {
        return Err(Error::refused(format!(
            "the access profile {:?} is inactive and can't be assigned; make it active first with `tollkeeper profiles activate`",
            text(&profile["name"])
        )));
    }
    Ok(profile)
}
