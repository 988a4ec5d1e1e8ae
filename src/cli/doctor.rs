//! `tollkeeper doctor`: what is wrong with a data directory, with its server running or not, and what to do about it. Changes nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::print::{print_line, text};
use super::running::{ServerAnswer, ask};
use crate::config::{Listen, OpenListen, Settings};
use crate::domain::audit::state::AuditState;
use crate::domain::finding::Finding;
use crate::domain::server_status::{BackupFacts, ClockFacts, FileFacts, ServerStatus};
use crate::error::Result;
use crate::file_limit;
use crate::http::serve::most_open;
use crate::listening::certificate_files;
use crate::service::backups::known::known_backups;
use crate::store::database::{examine as database, migrate};
use crate::store::directory::{examine as directory, initial_key_at, made_at, place, room};

/// How it is printed.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tollkeeper doctor --redacted\n\nLooks at the settings, the data directory and, while no server holds it, the database; a running \
                  server is asked. Exits with 1 when something is wrong, with 77 when this user may not look, else with 0."
)]
pub struct DoctorArguments {
    /// Leave out paths, names of files and addresses, to show it to others
    #[arg(long)]
    redacted: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Default)]
struct Diagnosis {
    is_running: bool,
    /// Each with its code and a sentence.
    faults: Vec<(String, String)>,
    /// What may be meant so.
    notes: Vec<(String, String)>,
}

/// Prints what is wrong.
///
/// # Errors
/// When a running server can't be asked, or this user may not look.
pub fn run(arguments: &DoctorArguments, settings: &Settings) -> Result<ExitCode> {
    let data_dir = &settings.storage.data_dir;
    // Whole, so that it is known again in a sentence.
    let data_dir = data_dir.canonicalize().unwrap_or_else(|_| data_dir.clone());
    let diagnosis = diagnose(&data_dir, settings)?;
    let redact = |said: &str| {
        if arguments.redacted {
            redacted(said, &data_dir, settings)
        } else {
            said.to_owned()
        }
    };
    let shown = redact(&data_dir.display().to_string());
    if arguments.json {
        let listed = |all: &[(String, String)]| -> Vec<Value> {
            all.iter()
                .map(|(code, said)| json!({ "code": code, "message": redact(said) }))
                .collect()
        };
        let printed = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "schema": migrate::newest(),
            "data_dir": shown,
            "running": diagnosis.is_running,
            "faults": listed(&diagnosis.faults),
            "notes": listed(&diagnosis.notes),
        });
        print_line(&printed.to_string());
    } else {
        let server = if diagnosis.is_running {
            "a server is running"
        } else {
            "no server is running"
        };
        print_line(&format!(
            "tollkeeper {}, schema {}, {shown}: {server}",
            env!("CARGO_PKG_VERSION"),
            migrate::newest()
        ));
        for (kind, all) in [("fault", &diagnosis.faults), ("note", &diagnosis.notes)] {
            for (code, said) in all {
                print_line(&format!("{kind} {code}: {}", redact(said)));
            }
        }
        if diagnosis.faults.is_empty() {
            print_line("nothing is wrong");
        }
    }
    Ok(if diagnosis.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn diagnose(data_dir: &Path, settings: &Settings) -> Result<Diagnosis> {
    let now = Timestamp::now();
    let mut diagnosis = Diagnosis::default();
    let mut found = directory::examine(data_dir, now);
    match ask(data_dir, "/api/status")? {
        ServerAnswer::Nobody => {
            place::may_read(data_dir)?;
            found.extend(of_stopped(data_dir, settings, now));
        }
        ServerAnswer::Silent(why) => found.push(Finding::new(
            "server_silent",
            format!(
                "a server has its control socket in {} and does not answer: {why}",
                data_dir.display()
            ),
            "look into its log; if it hangs, end it with SIGTERM and start it again",
        )),
        ServerAnswer::Answered { body, .. } => {
            diagnosis.is_running = true;
            let obstacle = body.get("obstacle").into_iter();
            let warnings = body["warnings"].as_array().into_iter().flatten();
            for one in obstacle.chain(warnings) {
                let (code, message) = (text(&one["code"]), text(&one["message"]));
                diagnosis.faults.push((code.to_owned(), message.to_owned()));
            }
        }
    }
    let plaintext = plaintext(settings);
    let is_meant = settings.server.plaintext;
    found.extend(plaintext.clone().filter(|_| !is_meant));
    for finding in found {
        // The files and the server may say the same.
        let is_known = diagnosis
            .faults
            .iter()
            .any(|(code, _)| code == finding.code);
        if !is_known {
            let message = finding.message();
            diagnosis.faults.push((finding.code.to_owned(), message));
        }
    }
    let notes = time_zone(settings).into_iter();
    diagnosis.notes = notes
        .chain(plaintext.filter(|_| is_meant))
        .map(|note| (note.code.to_owned(), note.message()))
        .collect();
    Ok(diagnosis)
}

/// The facts of a server that is stopped, judged as a running server judges its own.
fn of_stopped(data_dir: &Path, settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let root = place::find(data_dir);
    let examined = database::examine(data_dir);
    let max_connections = settings.server.max_connections;
    let (limit, connection_room) = file_limit::most_room(max_connections, most_open);
    let server = ServerStatus {
        now,
        started_at: now,
        obstacle: None,
        audit: AuditState {
            fault: examined.audit,
            walked_at: None,
        },
        storage: room::storage(&root),
        files: FileFacts {
            open: None,
            limit,
            max_connections,
            connection_room,
        },
        clock: ClockFacts {
            latest: examined.last_decision,
            before_start: examined.last_decision,
        },
        is_checked: true,
        initial_key_at: initial_key_at(&root),
        backups: BackupFacts {
            state: known_backups(&root),
            every: settings.backup.interval(),
            database_made_at: made_at(&root),
        },
        certificate: certificate_files(&settings.tls).map(|files| files.facts()),
    };
    let mut found = examined.findings;
    found.extend(server.warnings());
    found
}

/// Whether keys, prompts or what is measured would cross a network that anybody may read. What else makes an address safe joins here.
fn plaintext(settings: &Settings) -> Option<Finding> {
    let open = settings.open_listens();
    let said = open.iter().map(|open| match open {
        OpenListen::Clients(open) => format!("listens on {open} without TLS"),
        OpenListen::Metrics(open) => {
            format!("shows metrics on {open} without TLS and without a key")
        }
    });
    let said = said.collect::<Vec<_>>().join(" and ");
    let is_of_clients = |open: &OpenListen| matches!(open, OpenListen::Clients(_));
    let tls = if open.iter().any(is_of_clients) {
        "serve TLS to clients, "
    } else {
        ""
    };
    (!open.is_empty()).then(|| Finding::new(
        "plaintext",
        format!("the server {said}, and no proxy before it is named"),
        format!(
            "{tls}put a proxy that speaks TLS before it and name its network in server.trusted_proxies, or listen on 127.0.0.1"
        ),
    ))
}

/// Whether days and months begin when nobody here expects it.
fn time_zone(settings: &Settings) -> Option<Finding> {
    let machine = TimeZone::try_system().ok()?;
    let (ours, theirs) = (settings.time_zone.iana_name()?, machine.iana_name()?);
    let now = Timestamp::now();
    let differ = settings.time_zone.to_offset(now) != machine.to_offset(now);
    differ.then(|| {
        Finding::new(
            "time_zone_differs",
            format!("budgets begin anew by {ours}, and the clock of this machine goes by {theirs}"),
            format!("if days should begin at midnight here, set time_zone = \"{theirs}\""),
        )
    })
}

/// A sentence without what tells where it is from.
fn redacted(said: &str, data_dir: &Path, settings: &Settings) -> String {
    let mut said = without_path(said, &data_dir.display().to_string());
    let mut addresses: Vec<SocketAddr> = settings.metrics.listen.into_iter().collect();
    for listen in &settings.server.listen {
        said = said.replace(&listen.to_string(), "ADDRESS");
        if let Listen::Address { address, .. } = listen {
            addresses.push(*address);
        }
    }
    for address in addresses {
        said = said.replace(&address.to_string(), "ADDRESS");
        said = said.replace(&address.ip().to_string(), "ADDRESS");
    }
    said
}

/// A sentence with DIR in place of a path, and FILE in place of what lies there.
fn without_path(said: &str, path: &str) -> String {
    let mut pieces = said.split(path);
    let mut redacted = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = if redacted.ends_with('\'') {
            end_of_quoted(piece)
        } else {
            piece.find(|at: char| at.is_whitespace() || ",;:`".contains(at))
        };
        let end = end.unwrap_or(piece.len());
        redacted.push_str("DIR");
        if end > 1 && piece.starts_with('/') {
            redacted.push_str("/FILE");
            redacted.push_str(&piece[end..]);
        } else {
            redacted.push_str(piece);
        }
    }
    redacted
}

/// Where the word ends that a shell reads in single quotes, one of which it writes as `'\''`.
fn end_of_quoted(rest: &str) -> Option<usize> {
    let mut quotes = rest.match_indices('\'').map(|(at, _)| at);
    while let Some(at) = quotes.next() {
        if !rest[at..].starts_with("'\\''") {
            return Some(at);
        }
        quotes.nth(1);
    }
    None
}
