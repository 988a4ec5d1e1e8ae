//! `tollkeeper audit …`: whether the audit log is as it was written, and how it goes on where it is not whole.

use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

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
    /// Go on from an older state of the log, as after yesterday's files were put back; an entry says so
    #[command(
        after_help = "Example:\n  tollkeeper audit accept --reason 'restored the backup of yesterday'"
    )]
    Accept(Recovery),
    /// Begin a new chain where audit.key or audit-anchor is lost; its first entry names the end of the one before
    #[command(after_help = "Example:\n  tollkeeper audit renew --reason 'audit.key was lost'")]
    Renew(Recovery),
}

/// How the log goes on.
#[derive(Args)]
pub struct Recovery {
    /// What happened, for whoever reads the log later
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands.
///
/// # Errors
/// One sentence about why the log could not be walked, or does not go on.
pub fn run(command: &AuditCommand, settings: &Settings) -> Result<ExitCode> {
    let (method, path, body, as_json) = match command {
        AuditCommand::Verify { json } => {
            let path = "/api/access-profiles/audit-logs/verify";
            (Method::GET, path, None, *json)
        }
        AuditCommand::Accept(it) => (Method::POST, "/api/audit-log/accept", Some(it), it.json),
        AuditCommand::Renew(it) => (Method::POST, "/api/audit-log/renew", Some(it), it.json),
    };
    let body = body.map(|it| json!({ "reason": it.reason }));
    Control::with(settings, |control| {
        let verdict = control.call(method, path, body.as_ref())?;
        let intact = verdict["intact"] == json!(true);
        print_answer(control, verdict, as_json, |verdict| said(control, verdict));
        Ok(if intact {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(TAMPERED)
        })
    })
}

fn said(control: &Control, verdict: &Value) -> String {
    let database = control.database();
    if verdict["intact"] != json!(true) {
        let (entry, finding) = (&verdict["entry"], text(&verdict["finding"]));
        return format!("tampered at entry {entry}: {finding}; in {database}");
    }
    let mut said = format!("intact: {} entries in {database}", verdict["entries"]);
    for note in verdict["notes"].as_array().into_iter().flatten() {
        let (entry, at, message) = (&note["entry"], text(&note["at"]), text(&note["message"]));
        // Writing into a text does not fail.
        let _ = write!(said, "\n  entry {entry}, {at}: {message}");
    }
    said
}
