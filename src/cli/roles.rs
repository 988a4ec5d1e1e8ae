//! `tollkeeper roles …`: groups of users that are given access profiles together.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use super::control::Control;
use super::find::find_role;
use super::print::{PrintedList, names, none, print_answer, text};
use crate::config::Settings;
use crate::error::Result;

/// What can be done with roles.
#[derive(Subcommand)]
pub enum RolesCommand {
    /// List roles
    #[command(
        after_help = "Examples:\n  tollkeeper roles list\n  tollkeeper roles list --search dev"
    )]
    List {
        /// Those with this in name or description
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
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
        RolesCommand::List { search, json } => list(control, search.as_deref(), json),
        RolesCommand::Create {
            name,
            description,
            json,
        } => create(control, &name, &description, json),
        RolesCommand::Delete { role, json } => delete(control, &role, json),
    })
}

fn list(control: &Control, search: Option<&str>, json: bool) -> Result<()> {
    let hint = "make one with `tollkeeper roles create NAME`";
    let list = PrintedList {
        field: "roles",
        none: Some(none(control, "role", search, hint)),
        heading: format!("{:>6}  {:<24}  {:>6}  profiles", "id", "name", "users"),
        row: |role| {
            format!(
                "{:>6}  {:<24}  {:>6}  {}",
                role["id"].to_string(),
                text(&role["name"]),
                role["user_count"].to_string(),
                names(&role["access_profiles"])
            )
        },
    };
    let roles = control.searched("roles", "/api/rbac/roles", search)?;
    list.print(control, &roles, json);
    Ok(())
}

fn create(control: &Control, name: &str, description: &str, json: bool) -> Result<()> {
    let body = json!({ "name": name, "description": description });
    let answer = control.call(Method::POST, "/api/rbac/roles", Some(&body))?;
    print_answer(control, answer, json, |answer| {
        let role = &answer["role"];
        format!(
            "Made the role {} (id {})\nIn {}",
            text(&role["name"]),
            role["id"],
            control.database()
        )
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
