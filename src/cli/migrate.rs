//! `tollkeeper migrate …`: what a start of this version would do to the database, without doing it.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::print::print_line;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::store::database::rehearsal::{Rehearsed, SchemaStatus, rehearse, status};
use crate::store::directory::place;

/// What is asked about migrations.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tollkeeper migrate status\n  tollkeeper migrate --dry-run\n\nThe server migrates when it starts, after it has put a copy into backups/."
)]
pub struct MigrateArguments {
    #[command(subcommand)]
    command: Option<MigrateCommand>,
    /// Migrate a copy beside the database, look whether it is sound, and remove it
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What can be asked.
#[derive(Subcommand)]
pub enum MigrateCommand {
    /// Say of which schema the database is, and what a start would change
    #[command(after_help = "Example:\n  tollkeeper migrate status")]
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Answers what was asked. Reads the file itself: a server would have migrated it before it answers.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(arguments: &MigrateArguments, settings: &Settings) -> Result<()> {
    let data_dir = &settings.storage.data_dir;
    if !place::holds_database(data_dir)? {
        return Err(Error::unreachable(format!(
            "there is no database in {}; name another directory with --data-dir",
            data_dir.display()
        )));
    }
    let root = place::find(data_dir);
    match &arguments.command {
        Some(MigrateCommand::Status { json }) => say(&status(&root)?, None, *json),
        None if arguments.dry_run => {
            let (found, rehearsed) = rehearse(&root)?;
            say(&found, Some(&rehearsed), arguments.json);
        }
        None => {
            return Err(Error::usage(
                "the server migrates when it starts; `tollkeeper migrate status` says what it would do, and \
                 `tollkeeper migrate --dry-run` tries it on a copy",
            ));
        }
    }
    Ok(())
}

fn say(found: &SchemaStatus, rehearsed: Option<&Rehearsed>, as_json: bool) {
    let database = found.database.display().to_string();
    if as_json {
        let pending = found.pending.iter();
        let pending: Vec<Value> = pending
            .map(|(number, name)| json!({ "schema": number, "name": name }))
            .collect();
        let mut answer = json!({
            "database": database, "schema": found.schema, "newest_schema": found.newest,
            "written_by": found.written_by, "pending": pending,
        });
        if let Some(rehearsed) = rehearsed {
            answer["rehearsal"] = json!({ "sound": true, "milliseconds": rehearsed.milliseconds, "bytes": rehearsed.bytes });
        }
        return print_line(&answer.to_string());
    }
    let written_by = found.written_by.as_deref().unwrap_or("an unknown version");
    print_line(&format!(
        "{database} is of schema {}, written by {written_by}; this version has schema {}",
        found.schema, found.newest
    ));
    if found.pending.is_empty() {
        print_line("There is nothing to migrate");
    }
    for (number, name) in &found.pending {
        print_line(&format!("  {number}  {}", name.replace('_', " ")));
    }
    if let Some(rehearsed) = rehearsed {
        print_line(&format!(
            "A copy was migrated in {} ms, has {} bytes, is sound, and is removed; the database is as it was",
            rehearsed.milliseconds, rehearsed.bytes
        ));
    }
}
