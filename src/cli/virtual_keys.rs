//! `tollkeeper virtual-keys …`: the keys with which people make calls.

use clap::{Args, Subcommand};
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::control::Control;
use super::expiry::{Expiry, parse_expiry};
use super::find::{find_profile, find_user, find_virtual_key};
use super::print::{PrintedList, named, or_never, print_answer, shown, text};
use super::table::fields;
use crate::config::Settings;
use crate::error::Result;

/// What can be done with virtual keys.
#[derive(Subcommand)]
pub enum VirtualKeysCommand {
    /// List virtual keys
    #[command(
        after_help = "Examples:\n  tollkeeper virtual-keys list\n  tollkeeper virtual-keys list --user ada@example.com"
    )]
    List {
        /// Those with this in the name
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Those of this user, by id or e-mail address
        #[arg(long, value_name = "ID|EMAIL")]
        user: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a virtual key, without its secret
    #[command(after_help = "Example:\n  tollkeeper virtual-keys show laptop")]
    Show(OneKey),
    /// Make a virtual key for a user who holds an access profile; it is shown once
    #[command(
        after_help = "Examples:\n  tollkeeper virtual-keys create ada@example.com --name laptop\n  tollkeeper virtual-keys create ada@example.com --profile developers --expires 90d"
    )]
    Create(NewKeyArguments),
    /// Give a virtual key a new secret, which is shown once
    #[command(after_help = "Example:\n  tollkeeper virtual-keys rotate laptop --grace 24h")]
    Rotate {
        #[command(flatten)]
        one: OneKey,
        /// How long the old secret still works: a span such as 24h (units s m h d w), at most 30 days
        #[arg(long, value_name = "SPAN", default_value = "0")]
        grace: String,
    },
    /// Delete a virtual key; it is refused from the moment this is said
    #[command(after_help = "Example:\n  tollkeeper virtual-keys delete laptop")]
    Delete(OneKey),
}

/// The key that is meant.
#[derive(Args)]
pub struct OneKey {
    /// The public id, or the name
    #[arg(value_name = "ID|NAME")]
    key: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a new key is to be.
#[derive(Args)]
pub struct NewKeyArguments {
    /// The user: the e-mail address, or the id
    #[arg(value_name = "EMAIL|ID")]
    user: String,
    /// A name that no other key of the user has [default: one made from the profile]
    #[arg(long)]
    name: Option<String>,
    /// The access profile that it goes with, by name or id [default: it goes with the last one]
    #[arg(long, value_name = "NAME|ID")]
    profile: Option<String>,
    /// How long it works: a span such as 90d (units s m h d w M Y), a time such as 2027-01-31T00:00:00Z, or never
    #[arg(long, visible_alias = "expires-at", value_name = "SPAN|TIME|never", default_value = "never", value_parser = parse_expiry)]
    expires: Expiry,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const LIST: PrintedList<5> = PrintedList {
    thing: "virtual key",
    field: "virtual_keys",
    hint: "`tollkeeper assign` gives a user an access profile with a key",
    titles: ["id", "name", "user", "active", "expires"],
    row: |key| {
        let [id, name, user, active] =
            ["id", "name", "user_id", "is_active"].map(|field| shown(&key[field]));
        [id, name, user, active, or_never(&key["expires_at"])]
    },
};

/// Runs one of the commands.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(command: VirtualKeysCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| match command {
        VirtualKeysCommand::List { search, user, json } => {
            list(control, search.as_deref(), user.as_deref(), json)
        }
        VirtualKeysCommand::Show(one) => {
            let answer = json!({ "virtual_key": find_virtual_key(control, &one.key)? });
            print_answer(control, answer, one.json, |answer| {
                let key = described(&answer["virtual_key"]);
                format!("{key}\nIn {}", control.database())
            });
            Ok(())
        }
        VirtualKeysCommand::Create(arguments) => create(control, &arguments),
        VirtualKeysCommand::Rotate { one, grace } => {
            let key = find_virtual_key(control, &one.key)?;
            let path = format!("/api/virtual-keys/{}/rotate", text(&key["id"]));
            let answer = control.call(Method::POST, &path, Some(&json!({ "grace": grace })))?;
            print_secret(control, answer, one.json);
            Ok(())
        }
        VirtualKeysCommand::Delete(one) => delete(control, &one),
    })
}

fn list(control: &Control, search: Option<&str>, user: Option<&str>, json: bool) -> Result<()> {
    let user = user.map(|user| find_user(control, user)).transpose()?;
    let path = user.map_or_else(
        || "/api/governance/virtual-keys".to_owned(),
        |user| format!("/api/users/{}/virtual-keys", text(&user["id"])),
    );
    let keys = control.searched("virtual_keys", &path, search)?;
    LIST.print(control, &keys, search, json);
    Ok(())
}

fn create(control: &Control, arguments: &NewKeyArguments) -> Result<()> {
    let user = find_user(control, &arguments.user)?;
    let mut path = format!("/api/users/{}", text(&user["id"]));
    if let Some(profile) = &arguments.profile {
        let profile = find_profile(control, profile)?;
        path = format!("{path}/access-profiles/{}", profile["id"]);
    }
    let expires_at = arguments.expires.at(Timestamp::now());
    let body = json!({ "name": arguments.name, "expires_at": expires_at });
    let answer = control.call(Method::POST, &format!("{path}/virtual-keys"), Some(&body))?;
    print_secret(control, answer, arguments.json);
    Ok(())
}

fn delete(control: &Control, one: &OneKey) -> Result<()> {
    let key = find_virtual_key(control, &one.key)?;
    let (user, id) = (text(&key["user_id"]), text(&key["id"]));
    let path = format!("/api/users/{user}/access-profiles/virtual-keys/{id}");
    let mut answer = control.call(Method::DELETE, &path, None)?;
    let answer = json!({ "message": answer["message"].take(), "virtual_key": key });
    print_answer(control, answer, one.json, |answer| {
        format!("{} in {}", text(&answer["message"]), control.database())
    });
    Ok(())
}

/// Shows an answer that holds a new secret.
fn print_secret(control: &Control, answer: Value, json: bool) {
    print_answer(control, answer, json, |answer| {
        let key = &answer["virtual_key"];
        format!(
            "{}\n\nThis virtual key is shown this once.\n{}\nStored in {}",
            text(&key["value"]),
            described(key),
            control.database()
        )
    });
}

fn described(key: &Value) -> String {
    let managed = if key["is_access_profile_managed"] == json!(true) {
        "with its copy of the access profile"
    } else {
        "by hand"
    };
    let lines = fields(&[
        ("Name", named(key)),
        ("User", shown(&key["user_id"])),
        ("Profile", shown(&key["access_profile_id"])),
        ("Made", managed.to_owned()),
        ("Active", shown(&key["is_active"])),
        ("Expires", or_never(&key["expires_at"])),
    ]);
    match key["previous_value_expires_at"].as_str() {
        Some(until) => format!("{lines}\nThe secret before it works until {until}"),
        None => lines,
    }
}
