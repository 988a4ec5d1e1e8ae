//! `tollkeeper roles …`: groups of users that are given access profiles together.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::control::{Control, encoded};
use super::find::find_role;
use super::{none, print_line, text};
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
    let control = Control::open(settings, false)?;
    let done = match command {
        RolesCommand::List { search, json } => list(&control, search.as_deref(), json),
        RolesCommand::Create {
            name,
            description,
            json,
        } => create(&control, &name, &description, json),
        RolesCommand::Delete { role, json } => delete(&control, &role, json),
    };
    control.close().and(done)
}

fn list(control: &Control, search: Option<&str>, json: bool) -> Result<()> {
    let roles = matching(control, search)?;
    if json {
        print_line(&json!({ "roles": roles, "database": control.database() }).to_string());
        return Ok(());
    }
    if roles.is_empty() {
        let hint = "make one with `tollkeeper roles create NAME`";
        print_line(&none(control, "role", search, hint));
        return Ok(());
    }
    print_line(&format!(
        "{:>6}  {:<24}  {:>6}  profiles",
        "id", "name", "users"
    ));
    for role in &roles {
        let attached = role["access_profiles"].as_array().into_iter().flatten();
        let profiles: Vec<&str> = attached.map(|profile| text(&profile["name"])).collect();
        print_line(&format!(
            "{:>6}  {:<24}  {:>6}  {}",
            role["id"].to_string(),
            text(&role["name"]),
            role["user_count"].to_string(),
            profiles.join(", ")
        ));
    }
    print_line(&format!("In {}", control.database()));
    Ok(())
}

fn create(control: &Control, name: &str, description: &str, json: bool) -> Result<()> {
    let body = json!({ "name": name, "description": description });
    let mut answer = control.call(Method::POST, "/api/rbac/roles", Some(&body))?;
    answer["database"] = json!(control.database());
    if json {
        print_line(&answer.to_string());
    } else {
        let role = &answer["role"];
        print_line(&format!(
            "Made the role {} (id {})\nIn {}",
            text(&role["name"]),
            role["id"],
            control.database()
        ));
    }
    Ok(())
}

fn delete(control: &Control, wanted: &str, json: bool) -> Result<()> {
    let role = find_role(control, wanted)?;
    let path = format!("/api/rbac/roles/{}", role["id"]);
    let answer = control.call(Method::DELETE, &path, None)?;
    if json {
        let shown =
            json!({ "role": role, "message": answer["message"], "database": control.database() });
        print_line(&shown.to_string());
    } else {
        print_line(&format!(
            "{} in {}",
            text(&answer["message"]),
            control.database()
        ));
    }
    Ok(())
}

fn matching(control: &Control, search: Option<&str>) -> Result<Vec<Value>> {
    let search = search.map(|text| format!("&search={}", encoded(text)));
    let path = format!("/api/rbac/roles?limit=500{}", search.unwrap_or_default());
    control.every("roles", &path)
}
