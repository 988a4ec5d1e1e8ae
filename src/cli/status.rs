//! `tollkeeper status`: how the server of the data directory is.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::print::{print_line, text};
use super::running::{ServerAnswer, ask};
use crate::config::Settings;
use crate::error::{Error, Result};

/// How it is printed.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tollkeeper status --json\n\nExits with 0 while decisions can be made, with 77 when this user may not look, and with 1 when not or when no server is running. \
                  `tollkeeper doctor` looks at the directory of a server that is stopped."
)]
pub struct StatusArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints how the server is.
///
/// # Errors
/// When no server is running there, or it does not answer.
pub fn run(arguments: &StatusArguments, settings: &Settings) -> Result<ExitCode> {
    let data_dir = &settings.storage.data_dir;
    let status = match ask(data_dir, "/api/status")? {
        ServerAnswer::Answered { is_ok: true, body } => body,
        ServerAnswer::Answered { body, .. } => {
            return Err(Error::refused(text(&body["error"]["message"])));
        }
        ServerAnswer::Silent(why) => {
            return Err(Error::refused(format!(
                "the server of {} does not answer: {why}; look into its log",
                data_dir.display()
            )));
        }
        ServerAnswer::Nobody => {
            return Err(Error::refused(format!(
                "no server is running on {}; start it with `tollkeeper serve`, or look at what lies there with `tollkeeper doctor`",
                data_dir.display()
            )));
        }
    };
    let is_ready = status["ready"] == json!(true);
    print_line(&if arguments.json {
        status.to_string()
    } else {
        said(&status)
    });
    Ok(if is_ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn said(status: &Value) -> String {
    let mut lines = vec![
        match &status["obstacle"] {
            Value::Null => "ready: yes".to_owned(),
            why => format!("ready: no, {}", text(&why["message"])),
        },
        format!(
            "version {}, schema {}, running since {}",
            text(&status["version"]),
            status["schema"],
            text(&status["started_at"])
        ),
        format!(
            "database {}, write-ahead log {}, disk {} free of {}",
            size(&status["database_bytes"]),
            size(&status["log_bytes"]),
            size(&status["disk_free_bytes"]),
            size(&status["disk_total_bytes"])
        ),
        format!(
            "open reservations {}, open files {} of {}, room for {} connections",
            known(&status["open_reservations"]),
            known(&status["open_files"]),
            known(&status["open_files_limit"]),
            status["max_connections"]
        ),
        format!(
            "audit log: {}; {}",
            text(&status["audit"]["state"]),
            match &status["audit"]["walked_at"] {
                Value::Null => "not walked along since the start".to_owned(),
                at => format!("last walked along at {}", text(at)),
            }
        ),
    ];
    for warning in status["warnings"].as_array().into_iter().flatten() {
        let (code, message) = (text(&warning["code"]), text(&warning["message"]));
        lines.push(format!("warning {code}: {message}"));
    }
    lines.join("\n")
}

/// A number of bytes, as people say it.
fn size(bytes: &Value) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some(bytes) = bytes.as_u64() else {
        return "unknown".to_owned();
    };
    let fits = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    match fits {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

fn known(number: &Value) -> String {
    match number {
        Value::Null => "unknown".to_owned(),
        number => number.to_string(),
    }
}
