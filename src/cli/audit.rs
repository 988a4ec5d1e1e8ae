//! `tollkeeper audit …`: whether the audit log is as it was written.

use std::process::ExitCode;

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use super::control::Control;
use super::print::{print_answer, text};
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
    Control::with(settings, |control| {
        let path = "/api/access-profiles/audit-logs/verify";
        let verdict = control.call(Method::GET, path, None)?;
        let intact = verdict["intact"] == json!(true);
        print_answer(control, verdict, *as_json, |verdict| {
            let database = control.database();
            if intact {
                return format!("intact: {} entries in {database}", verdict["entries"]);
            }
            let (entry, finding) = (&verdict["entry"], text(&verdict["finding"]));
            format!("tampered at entry {entry}: {finding}; in {database}")
        });
        Ok(if intact {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(TAMPERED)
        })
    })
}
