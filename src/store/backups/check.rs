//! Whether a copy of the database is sound: every page, every counter against the journal, and the audit log to its head.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;

use super::halt::Halt;
use super::pieces::require_room;
use crate::domain::audit::ChainKey;
use crate::domain::audit::state::AuditFault;
use crate::domain::backup::manifest::{Content, LogHead};
use crate::domain::values::number::hex;
use crate::error::{Error, Result};
use crate::store::audit::anchor::{self, Noted};
use crate::store::audit::chain;
use crate::store::database::connection::{self, writer_flags};
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
    let mut connection = inspected(database, halt)?;
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
    if content.schema < migrate::newest() {
        drop(connection);
        bring_up_to_date(database, halt)?;
        connection = inspected(database, halt)?;
    }
    let reading = Reading::of(&connection);
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

fn inspected(database: &Path, halt: &Halt) -> Result<Connection> {
    let connection = open_to_inspect(database, false).doing("opening a copy of the database")?;
    halt.watch(&connection)?;
    Ok(connection)
}

/// Migrates a copy in its one file, which is on the disk when this returns: a log that could not be copied into it would be left behind. One
/// that fails is of no use any more, as whoever tries out a copy throws it away then.
fn bring_up_to_date(database: &Path, halt: &Halt) -> Result<()> {
    const DOING: &str = "bringing a copy of the database to this version";
    let failed = |error| Error::refused(format!("can't use {}: {error}", database.display()));
    // A table that is made anew stands there twice for a while.
    let bytes = database.metadata().map_err(failed)?.len();
    require_room(database.parent().unwrap_or(database), bytes)?;
    let mut connection = connection::open(database, writer_flags()).doing(DOING)?;
    let one_file = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF";
    connection.execute_batch(one_file).doing(DOING)?;
    halt.watch(&connection)?;
    migrate::run(&mut connection)?;
    connection
        .close()
        .map_err(|(_, error)| error)
        .doing(DOING)?;
    File::open(database)
        .and_then(|file| file.sync_all())
        .map_err(failed)
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
