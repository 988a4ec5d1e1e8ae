//! `tollkeeper users …`: the people who are given access profiles.

use clap::{ArgGroup, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::assign::{find_active_profile, give};
use super::control::Control;
use super::expiry::Expiry;
use super::find::{find_role, find_user};
use super::print::{ListArguments, PrintedList, counted, named, names, print_answer, shown, text};
use super::table::fields;
use crate::config::Settings;
use crate::error::{Error, Result};

/// What can be done with users.
#[derive(Subcommand)]
pub enum UsersCommand {
    /// List users
    #[command(after_help = "Example:\n  tollkeeper users list --search ada")]
    List(ListArguments),
    /// Show a user and what they hold
    #[command(after_help = "Example:\n  tollkeeper users show ada@example.com")]
    Show {
        /// The id or the e-mail address
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a user; the virtual keys that come with the role and the access profile are shown once
    #[command(
        after_help = "Examples:\n  tollkeeper users create \"Ada Lovelace\" ada@example.com --role developers\n  tollkeeper users create Bob bob@example.com --profile developers"
    )]
    Create {
        /// The name
        name: String,
        /// The e-mail address, which no other user has
        email: String,
        /// The role to join, by name or id
        #[arg(long, value_name = "NAME|ID")]
        role: Option<String>,
        /// The access profile to give, by name or id
        #[arg(long, value_name = "NAME|ID")]
        profile: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a user; every virtual key of theirs is dead at once
    #[command(after_help = "Example:\n  tollkeeper users delete ada@example.com")]
    Delete {
        /// The id or the e-mail address
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a user into another role, or into none
    #[command(
        after_help = "Examples:\n  tollkeeper users set-role ada@example.com developers\n  tollkeeper users set-role ada@example.com --none",
        override_usage = "tollkeeper users set-role [OPTIONS] <ID|EMAIL> <NAME|ID|--none>",
        group(ArgGroup::new("which").required(true).args(["role", "none"]))
    )]
    SetRole {
        /// The id or the e-mail address
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        /// The role, by name or id
        #[arg(value_name = "NAME|ID")]
        role: Option<String>,
        /// No role: what came from the role before goes, with its virtual keys
        #[arg(long)]
        none: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(command: UsersCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| match command {
        UsersCommand::List(asked) => LIST.searched(control, "/api/governance/users", &asked),
        UsersCommand::Show { user, json } => show(control, &user, json),
        UsersCommand::Create {
            name,
            email,
            role,
            profile,
            json,
        } => {
            let (role, profile) = (role.as_deref(), profile.as_deref());
            create(control, (&name, &email), role, profile, json)
        }
        UsersCommand::Delete { user, json } => delete(control, &user, json),
        UsersCommand::SetRole {
            user, role, json, ..
        } => set_role(control, &user, role.as_deref(), json),
    })
}

const LIST: PrintedList<5> = PrintedList {
    thing: "user",
    field: "users",
    hint: "make one with `tollkeeper users create NAME EMAIL`",
    titles: ["id", "name", "e-mail", "role", "holds"],
    row: |user| {
        let [id, name, email] = ["id", "name", "email"].map(|field| shown(&user[field]));
        [
            id,
            name,
            email,
            shown(&user["role"]["name"]),
            names(&user["access_profiles"]),
        ]
    },
};

fn show(control: &Control, wanted: &str, json: bool) -> Result<()> {
    let answer = json!({ "user": find_user(control, wanted)? });
    print_answer(control, answer, json, |answer| {
        let user = &answer["user"];
        let said = [
            ("Name", named(user)),
            ("E-mail", shown(&user["email"])),
            ("Role", shown(&user["role"]["name"])),
            ("Holds", shown(&names(&user["access_profiles"]).into())),
        ];
        format!("{}\nIn {}", fields(&said), control.database())
    });
    Ok(())
}

fn role_id(control: &Control, role: Option<&str>) -> Result<Option<Value>> {
    let role = role.map(|role| find_role(control, role)).transpose()?;
    Ok(role.map(|role| role["id"].clone()))
}

fn create(
    control: &Control,
    (name, email): (&str, &str),
    role: Option<&str>,
    profile: Option<&str>,
    json: bool,
) -> Result<()> {
    // Nobody is made for a profile that can't be given.
    let profile = profile.map(|profile| find_active_profile(control, profile));
    let profile = profile.transpose()?;
    let body = json!({ "name": name, "email": email, "role_id": role_id(control, role)? });
    let mut answer = control.call(Method::POST, "/api/users", Some(&body))?;
    let held = answer["user"]["access_profiles"].as_array();
    let holds = |profile: &Value| {
        let mut held = held.into_iter().flatten();
        held.any(|copy| copy["parent_profile_id"] == profile["id"])
    };
    // The role may have brought it.
    if let Some(profile) = profile.filter(|profile| !holds(profile)) {
        let given = give(control, &answer["user"], &profile, Expiry::Never).map_err(|error| {
            let name = text(&profile["name"]);
            Error::refused(format!(
                "the user is made, but has no copy of {name:?} yet: {error}; give it with `tollkeeper assign {email} {name}`"
            ))
        })?;
        let path = format!("/api/users/{}", text(&answer["user"]["id"]));
        answer["user"] = control.call(Method::GET, &path, None)?;
        if let Some(keys) = answer["virtual_keys"].as_array_mut() {
            keys.push(given["virtual_key"].clone());
        }
    }
    let user = &answer["user"];
    let said = format!("Made {}", named(user));
    print_change(control, answer, &said, json);
    Ok(())
}

fn set_role(control: &Control, wanted: &str, role: Option<&str>, json: bool) -> Result<()> {
    let user = find_user(control, wanted)?;
    let path = format!("/api/users/{}/role", text(&user["id"]));
    let body = json!({ "role_id": role_id(control, role)? });
    let answer = control.call(Method::PUT, &path, Some(&body))?;
    let role = answer["user"]["role"]["name"].as_str();
    let said = format!(
        "{} is in {}; {} dead that came with the role before",
        text(&user["name"]),
        role.map_or_else(|| "no role".to_owned(), |name| format!("the role {name:?}")),
        counted(&answer["deleted_vk_count"], "virtual key")
    );
    print_change(control, answer, &said, json);
    Ok(())
}

fn delete(control: &Control, wanted: &str, json: bool) -> Result<()> {
    let user = find_user(control, wanted)?;
    let path = format!("/api/users/{}", text(&user["id"]));
    let mut answer = control.call(Method::DELETE, &path, None)?;
    answer["user"] = user;
    let said = text(&answer["message"]).to_owned();
    print_change(control, answer, &said, json);
    Ok(())
}

/// Shows what was done, and the virtual keys that an answer shows this once.
fn print_change(control: &Control, answer: Value, said: &str, json: bool) {
    print_answer(control, answer, json, |answer| {
        let keys = answer["virtual_keys"].as_array().into_iter().flatten();
        let shown = keys.map(|key| {
            let (value, name) = (text(&key["value"]), text(&key["name"]));
            format!("{value}\n  {name}, shown this once\n")
        });
        let shown: String = shown.collect();
        format!("{shown}{said}\nIn {}", control.database())
    });
}
