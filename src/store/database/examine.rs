//! What is wrong with the database of a directory that no server holds, and with its audit log. Changes nothing.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::fault::Doing;
use super::health::quick_check;
use super::migrate;
use super::open::{check_header, open_to_inspect, schema};
use crate::domain::audit::ChainKey;
use crate::domain::audit::state::AuditFault;
use crate::domain::finding::Finding;
use crate::error::{Error, Result};
use crate::store::audit::anchor;
use crate::store::decision_rows;
use crate::store::directory::files::{AUDIT_ANCHOR, AUDIT_KEY, DATABASE};
use crate::store::directory::place::find;
use crate::store::directory::private::{self, Rule};
use crate::store::directory::{MAX_KEY_FILE, room};
use crate::store::sql::Reading;

/// What a database says of itself.
#[derive(Debug, Default)]
pub struct Examined {
    /// What stands in the way of using it.
    pub findings: Vec<Finding>,
    /// What is wrong with the audit log.
    pub audit: Option<AuditFault>,
    /// The latest time at which something was decided.
    pub last_decision: Option<Timestamp>,
}

/// Looks into the database of a data directory.
pub fn examine(data_dir: &Path) -> Examined {
    let root = find(data_dir);
    let path = root.join(DATABASE);
    let mut examined = Examined::default();
    if !private::is_there(&path) {
        if private::is_there(&root.join("initialized")) {
            examined.findings.push(Finding::new(
                "database_gone",
                format!(
                    "{} is gone, but the file `initialized` says there was one",
                    path.display()
                ),
                "restore a backup, or remove that file too to start anew",
            ));
        }
        return examined;
    }
    let logged = room::has_log(&path);
    let looked = check_header(&path, logged)
        .and_then(|()| open_to_inspect(&path, logged).doing("opening the database"))
        .and_then(|connection| look(&connection, &root, &mut examined));
    if let Err(error) = looked {
        let (fault, remedy) = parts(&error);
        examined
            .findings
            .push(Finding::new("database_unusable", fault, remedy));
    }
    examined
}

/// What a refusal says is wrong, and what to do.
fn parts(error: &Error) -> (String, String) {
    let said = error.to_string();
    match said.split_once("; ") {
        Some((fault, remedy)) => (fault.to_owned(), remedy.to_owned()),
        None => (said, "restore a backup".to_owned()),
    }
}

fn look(connection: &Connection, root: &Path, examined: &mut Examined) -> Result<()> {
    let reading = Reading::of(connection);
    if let Err(error) = quick_check(&reading) {
        examined.findings.push(Finding::new(
            "database_damaged",
            error.to_string(),
            "restore a backup; keep the damaged file, as most of it can still be read",
        ));
        return Ok(());
    }
    // The next start brings an older one up to date; nothing can be asked of it before.
    if schema(connection)? != migrate::newest() {
        return Ok(());
    }
    let (_, seen_at) = decision_rows::position(&reading)?;
    let seen_at = (seen_at > 0).then(|| Timestamp::from_millisecond(seen_at));
    examined.last_decision = seen_at.and_then(std::result::Result::ok);
    let key = private::read(&root.join(AUDIT_KEY), Rule::Own, MAX_KEY_FILE)?;
    let key = match key.map(TryInto::try_into) {
        None => {
            examined.audit = Some(AuditFault::KeyGone);
            return Ok(());
        }
        Some(Ok(key)) => ChainKey(key),
        Some(Err(_)) => {
            examined.findings.push(Finding::new(
                "audit_key_broken",
                "the file audit.key is no audit key, and the server does not start with it",
                "restore it from a backup, or remove it, start the server, and begin a new chain with `tollkeeper audit renew --reason …`",
            ));
            return Ok(());
        }
    };
    examined.audit = anchor::check(
        &reading,
        Some(&key),
        &anchor::read(&root.join(AUDIT_ANCHOR))?,
    )?;
    Ok(())
}
