//! `tollkeeper roles …`: groups of users that are given access profiles together.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use super::control::Control;
use super::find::find_role;
use super::print::{ListArguments, PrintedList, named, names, print_answer, shown, text};
use crate::config::Settings;
use crate::error::Result;

/// What can be done with roles.
#[derive(Subcommand)]
pub enum RolesCommand {
    /// List roles
    #[command(
        after_help = "Examples:\n  tollkeeper roles list\n  tollkeeper roles list --search dev"
    )]
    List(ListArguments),
    /// Make a role
    #[command(after_help = "Example:\n  tollkeeper roles create developers")]
    Create {
        /// A name that no other role has
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a role that nobody is in
    #[command(after_help = "Example:\n  tollkeeper roles delete developers")]
    Delete {
        /// The name or the id
        #[arg(value_name = "NAME|ID")]
        role: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(command: RolesCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| match command {
        RolesCommand::List(asked) => LIST.searched(control, "/api/rbac/roles", &asked),
        RolesCommand::Create {
            name,
            description,
            json,
        } => create(control, &name, &description, json),
        RolesCommand::Delete { role, json } => delete(control, &role, json),
    })
}

const LIST: PrintedList<4> = PrintedList {
    thing: "role",
    field: "roles",
    hint: "make one with `tollkeeper roles create NAME`",
    titles: ["id", "name", "users", "profiles"],
    row: |role| {
        let [id, name, users] = ["id", "name", "user_count"].map(|field| shown(&role[field]));
        [id, name, users, names(&role["access_profiles"])]
    },
};

fn create(control: &Control, name: &str, description: &str, json: bool) -> Result<()> {
    let body = json!({ "name": name, "description": description });
    let answer = control.call(Method::POST, "/api/rbac/roles", Some(&body))?;
    print_answer(control, answer, json, |answer| {
        let role = &answer["role"];
        format!("Made the role {}\nIn {}", named(role), control.database())
    });
    Ok(())
}

fn delete(control: &Control, wanted: &str, json: bool) -> Result<()> {
    let role = find_role(control, wanted)?;
    let path = format!("/api/rbac/roles/{}", role["id"]);
    let mut answer = control.call(Method::DELETE, &path, None)?;
    let answer = json!({ "role": role, "message": answer["message"].take() });
    print_answer(control, answer, json, |answer| {
        format!("{} in {}", text(&answer["message"]), control.database())
    });
    Ok(())
}
