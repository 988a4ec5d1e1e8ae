//! `tollkeeper keys …`: management API keys, with the server running or not.

use clap::{Args, Subcommand};
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::control::Control;
use super::expiry::{Expiry, parse_expiry};
use super::find::{called, ids};
use super::print::{PrintedList, named, or_never, print_answer, shown, text};
use super::table::fields;
use crate::config::Settings;
use crate::error::{Error, Result};

/// What can be done with keys.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// Make a key; it is shown once
    #[command(
        after_help = "Example:\n  tollkeeper keys create ci --permission AccessProfiles:View --expires 90d"
    )]
    Create(CreateArguments),
    /// List the keys that are not revoked
    #[command(after_help = "Example:\n  tollkeeper keys list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one key
    #[command(after_help = "Example:\n  tollkeeper keys show ci")]
    Show {
        /// The name, the id, or the beginning as `keys list` shows it
        #[arg(value_name = "NAME|ID")]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a key a new secret, which is shown once
    #[command(after_help = "Example:\n  tollkeeper keys rotate ci --grace 24h")]
    Rotate {
        /// The name, the id, or the beginning as `keys list` shows it
        #[arg(value_name = "NAME|ID")]
        key: String,
        /// How long the old secret still works: a span such as 24h (units s m h d w), at most 30 days
        #[arg(long, value_name = "SPAN", default_value = "0")]
        grace: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; a running server refuses it at once
    #[command(after_help = "Example:\n  tollkeeper keys revoke ci")]
    Revoke {
        /// The name, the id, or the beginning as `keys list` shows it
        #[arg(value_name = "NAME|ID")]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a new key is to be.
#[derive(Args)]
pub struct CreateArguments {
    /// A name that no other key has
    name: String,
    /// A permission such as AccessProfiles:View; may be given several times
    #[arg(
        long,
        value_name = "Resource:Operation",
        required_unless_present = "all"
    )]
    permission: Vec<String>,
    /// Every permission
    #[arg(long, conflicts_with = "permission")]
    all: bool,
    /// How long it works: a span such as 90d (units s m h d w M Y), a time such as 2027-01-31T00:00:00Z, or never
    #[arg(long, visible_alias = "expires-at", value_name = "SPAN|TIME|never", default_value = "never", value_parser = parse_expiry)]
    expires: Expiry,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands.
///
/// # Errors
/// One sentence about what went wrong.
pub fn run(command: KeysCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| match command {
        KeysCommand::Create(arguments) => create(control, &arguments),
        KeysCommand::List { json } => {
            LIST.print(control, &all_keys(control)?, None, json);
            Ok(())
        }
        KeysCommand::Show { key, json } => show(control, &key, json),
        KeysCommand::Rotate { key, grace, json } => rotate(control, &key, &grace, json),
        KeysCommand::Revoke { key, json } => revoke(control, &key, json),
    })
}

fn create(control: &Control, arguments: &CreateArguments) -> Result<()> {
    let scopes = if arguments.all {
        vec!["*".to_owned()]
    } else {
        arguments.permission.clone()
    };
    let body = json!({ "name": arguments.name, "scopes": scopes, "expires_at": arguments.expires.at(Timestamp::now()) });
    let answer = control.call(Method::POST, "/api/api-keys", Some(&body))?;
    print_secret(control, answer, arguments.json);
    Ok(())
}

fn rotate(control: &Control, wanted: &str, grace: &str, json: bool) -> Result<()> {
    let key = find(control, wanted)?;
    let path = format!("/api/api-keys/{}/rotate", key["id"]);
    let answer = control.call(Method::POST, &path, Some(&json!({ "grace": grace })))?;
    print_secret(control, answer, json);
    Ok(())
}

fn show(control: &Control, wanted: &str, json: bool) -> Result<()> {
    let answer = json!({ "api_key": find(control, wanted)? });
    print_answer(control, answer, json, |answer| {
        format!(
            "{}\nIn {}",
            described(&answer["api_key"]),
            control.database()
        )
    });
    Ok(())
}

/// Shows an answer that holds a new secret.
fn print_secret(control: &Control, answer: Value, json: bool) {
    print_answer(control, answer, json, |answer| {
        format!(
            "{}\n\nThis key is shown this once.\n{}\nStored in {}",
            text(&answer["key"]),
            described(&answer["api_key"]),
            control.database()
        )
    });
}

fn described(key: &Value) -> String {
    let lines = fields(&[
        ("Name", named(key)),
        ("Key", shown(&key["key_prefix"])),
        ("May", scopes_of(key)),
        ("State", shown(&key["state"])),
        ("Expires", or_never(&key["expires_at"])),
        ("Last used", or_never(&key["last_used_at"])),
        (
            "Made by",
            format!("{}, {}", text(&key["created_by"]), text(&key["created_at"])),
        ),
    ]);
    match key["previous_key_expires_at"].as_str() {
        Some(until) => format!("{lines}\nThe secret before it works until {until}"),
        None => lines,
    }
}

const LIST: PrintedList<5> = PrintedList {
    thing: "key",
    field: "api_keys",
    hint: "make one with `tollkeeper keys create NAME --all`",
    titles: ["id", "name", "key", "expires", "may"],
    row: |key| {
        let [id, name, begin] = ["id", "name", "key_prefix"].map(|field| shown(&key[field]));
        [
            id,
            name,
            begin,
            or_never(&key["expires_at"]),
            scopes_of(key),
        ]
    },
};

fn revoke(control: &Control, wanted: &str, json: bool) -> Result<()> {
    let key = find(control, wanted)?;
    let path = format!("/api/api-keys/{}", key["id"]);
    let mut answer = control.call(Method::DELETE, &path, None)?;
    let answer = json!({ "api_key": key, "message": answer["message"].take() });
    print_answer(control, answer, json, |answer| {
        format!("{} in {}", text(&answer["message"]), control.database())
    });
    Ok(())
}

/// The one key that is meant.
fn find(control: &Control, wanted: &str) -> Result<Value> {
    let keys = all_keys(control)?;
    let begins = |text: &str| text.trim_end_matches(['_', '…']).to_owned();
    let is = |key: &&Value| {
        key["id"].as_i64() == wanted.parse().ok()
            || begins(wanted) == begins(text(&key["key_prefix"]))
    };
    let mut matching: Vec<Value> = keys.iter().filter(is).cloned().collect();
    for named in called(keys, "name", wanted) {
        if !matching.contains(&named) {
            matching.push(named);
        }
    }
    match matching.as_slice() {
        [key] => Ok(key.clone()),
        [] => Err(Error::absent(format!(
            "there is no key {wanted:?} in {}; see `tollkeeper keys list`",
            control.database()
        ))),
        several => {
            let id_or_name = several.iter().any(|key| is(&key));
            let why = if id_or_name {
                "is the name of one key and the id of another"
            } else {
                "could be any of several keys whose names look the same"
            };
            Err(Error::usage(format!(
                "{wanted:?} {why}; name one by the beginning that `tollkeeper keys list` shows; ids: {}",
                ids(several)
            )))
        }
    }
}

fn all_keys(control: &Control) -> Result<Vec<Value>> {
    control.every("api_keys", "/api/api-keys?limit=500")
}

fn scopes_of(key: &Value) -> String {
    let scopes: Vec<&str> = key["scope_names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if scopes == ["*"] {
        "everything".to_owned()
    } else {
        scopes.join(", ")
    }
}
