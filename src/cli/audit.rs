//! `tollkeeper audit …`: whether the audit log is as it was written.

use std::process::ExitCode;

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use super::control::Control;
use super::print_line;
use crate::config::Settings;
use crate::error::Result;

/// The exit code of a log that was tampered with.
const TAMPERED: u8 = 2;

/// What can be done with the audit log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// Walk the audit log: exits with 0 when it is intact, 2 when it was tampered with, 1 when that can't be told
    #[command(after_help = "Example:\n  tollkeeper audit verify")]
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// One sentence about why the log could not be walked.
pub fn run(command: &AuditCommand, settings: &Settings) -> Result<ExitCode> {
    let AuditCommand::Verify { json: as_json } = command;
    let control = Control::open(settings, false)?;
    let verdict = control.call(Method::GET, "/api/access-profiles/audit-logs/verify", None);
    let database = control.database();
    control.close()?;
    let mut verdict = verdict?;
    let intact = verdict["intact"] == json!(true);
    if *as_json {
        verdict["database"] = json!(database);
        print_line(&verdict.to_string());
    } else if intact {
        print_line(&format!(
            "intact: {} entries in {database}",
            verdict["entries"]
        ));
    } else {
        let finding = verdict["finding"].as_str().unwrap_or_default();
        print_line(&format!(
            "tampered at entry {}: {finding}; in {database}",
            verdict["entry"]
        ));
    }
    Ok(if intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(TAMPERED)
    })
}
