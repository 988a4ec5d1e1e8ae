//! Whether a copy of the database is sound: every page, every counter against the journal, and the audit log to its head.

use std::path::Path;

use rusqlite::Connection;

use super::halt::Halt;
use crate::domain::audit::ChainKey;
use crate::domain::audit::state::AuditFault;
use crate::domain::backup::manifest::{Content, LogHead};
use crate::domain::values::number::hex;
use crate::error::{Error, Result};
use crate::store::audit::anchor::{self, Noted};
use crate::store::audit::chain;
use crate::store::database::connection::writer_flags;
use crate::store::database::fault::Doing;
use crate::store::database::migrate;
use crate::store::database::open::open_to_inspect;
use crate::store::directory::files::DATABASE;
use crate::store::journal;
use crate::store::sql::Reading;

/// What is counted, for whoever looks at a backup, and the schema from which on it is: a backup is compared with what was counted then.
const COUNTED: [(&str, i64); 7] = [
    ("access_profiles", 1),
    ("api_keys", 1),
    ("audit_logs", 1),
    ("reservations", 3),
    ("roles", 2),
    ("users", 2),
    ("virtual_keys", 2),
];
/// Most findings of damage that are told.
const MOST_TOLD: usize = 5;

/// What was found in a copy.
pub(super) struct Checked {
    pub content: Content,
    pub findings: Vec<String>,
}

/// The files that lie beside a database, as far as they are there.
pub(super) struct FilesBeside<'a> {
    pub key: Option<&'a ChainKey>,
    pub anchor: Noted,
}

/// Checks a database that nobody has open. One of an older schema is brought to this one first, as the start of a server does.
///
/// # Errors
/// [`Error::Refused`] when it is of a newer version; what SQLite says when it can't be read at all.
pub(super) fn check(database: &Path, beside: &FilesBeside<'_>, halt: &Halt) -> Result<Checked> {
    let checked = check_all(database, beside, halt);
    // What a statement says that was ended is not what is wrong.
    halt.look()?;
    checked
}

fn check_all(database: &Path, beside: &FilesBeside<'_>, halt: &Halt) -> Result<Checked> {
    let connection = open_to_inspect(database, false).doing("opening a copy of the database")?;
    halt.watch(&connection)?;
    let reading = Reading::of(&connection);
    let mut findings = damage(&reading)?;
    if !findings.is_empty() {
        // Whatever else it says could be wrong.
        let content = Content::default();
        return Ok(Checked { content, findings });
    }
    let content = content(&reading)?;
    if content.schema > migrate::newest() {
        return Err(Error::refused(format!(
            "it was made by a newer version (schema {}; this is {} with schema {}): use that or a later one",
            content.schema,
            env!("CARGO_PKG_VERSION"),
            migrate::newest()
        )));
    }
    let migrated = if content.schema < migrate::newest() {
        let migrated = migrated(database)?;
        halt.watch(&migrated)?;
        Some(migrated)
    } else {
        None
    };
    let reading = Reading::of(migrated.as_ref().unwrap_or(&connection));
    let rebuilt = journal::rebuild(&reading)?;
    let differ = rebuilt
        .iter()
        .filter(|counter| counter.stored.settled != counter.settled);
    match differ.count() {
        0 => {}
        count => findings.push(format!(
            "{count} of {} counters are not what the journal says",
            rebuilt.len()
        )),
    }
    findings.extend(audit_finding(&reading, beside)?);
    Ok(Checked { content, findings })
}

fn migrated(database: &Path) -> Result<Connection> {
    let mut connection = Connection::open_with_flags(database, writer_flags())
        .doing("bringing a copy of the database to this version")?;
    migrate::run(&mut connection)?;
    Ok(connection)
}

fn damage(reading: &Reading<'_>) -> Result<Vec<String>> {
    let sql = format!("PRAGMA integrity_check({MOST_TOLD})");
    let found: Vec<String> = reading.values("checking a copy of the database", &sql, [])?;
    let damaged = found.into_iter().filter(|line| line != "ok");
    Ok(damaged
        .map(|line| format!("{DATABASE} is damaged: {}", line.replace('\n', " ")))
        .collect())
}

fn content(reading: &Reading<'_>) -> Result<Content> {
    const COUNTING: &str = "counting what is in a copy of the database";
    let (entries, head) = chain::head(reading)?;
    let schema = reading.value(COUNTING, "PRAGMA user_version", [])?;
    let counted = COUNTED.iter().filter(|(_, since)| *since <= schema);
    let count = |(table, _): &(&str, i64)| {
        let sql = format!("SELECT count(*) FROM {table}");
        Ok(((*table).to_owned(), reading.value(COUNTING, &sql, [])?))
    };
    Ok(Content {
        schema,
        counts: counted.map(count).collect::<Result<_>>()?,
        audit: LogHead {
            entries,
            head: hex(&head),
        },
    })
}

fn audit_finding(reading: &Reading<'_>, beside: &FilesBeside<'_>) -> Result<Option<String>> {
    let found = anchor::check(reading, beside.key, &beside.anchor)?;
    Ok(found.map(|fault| match fault {
        AuditFault::Tampered { entry, finding } => {
            format!("the audit log was tampered with at entry {entry}: {finding}")
        }
        lost => lost.finding().message(),
    }))
}
