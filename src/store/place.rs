//! Where everything lies: in the data directory itself, closed to others, or in a folder `private` of it where it can't be closed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::private::{self, Closed, Rule};
use crate::error::{Error, Result};

/// The folder that everything lies in where the directory itself can't be closed to others.
const PRIVATE: &str = "private";
/// The database. It is the last that moves, so where it is, everything is.
const DATABASE: &str = "tollkeeper.db";
/// The lock by which one process owns everything.
pub(super) const LOCK: &str = "tollkeeper.lock";
/// What may lie in a directory of ours. One that holds anything else is shared, and is not ours to close.
const OURS: [&str; 16] = [
    "audit-anchor",
    "audit.key",
    "backups",
    "clean-stop",
    "control.sock",
    "initial-key",
    "initialized",
    "revocations",
    "rotated-keys",
    "tollkeeper.db-journal",
    "tollkeeper.db-shm",
    "tollkeeper.db-wal",
    DATABASE,
    LOCK,
    PRIVATE,
    // Every volume has it.
    "lost+found",
];
/// What is added to the name of a file that is being written.
const STAGED: &str = ".new";

/// Where everything lies that a data directory holds, by what is there. Changes nothing.
pub fn find(data_dir: &Path) -> PathBuf {
    let inner = data_dir.join(PRIVATE);
    if is_used(&inner) {
        inner
    } else {
        data_dir.to_owned()
    }
}

/// Whether a data directory holds a database.
pub fn holds_database(data_dir: &Path) -> bool {
    find(data_dir).join(DATABASE).exists()
}

fn is_used(folder: &Path) -> bool {
    [DATABASE, "initialized"]
        .iter()
        .any(|name| private::is_there(&folder.join(name)))
}

/// Where everything is to lie, closed to others, and what has yet to move there.
pub(super) struct Place {
    /// Where.
    pub root: PathBuf,
    /// The directory itself, while a database from before lies in it.
    pub moves_from: Option<PathBuf>,
}

/// Makes a place for everything in a data directory that is there, and says so where it is not as it was found.
///
/// # Errors
/// [`Error::Refused`] when there is none that only the owner can use.
pub(super) fn make(data_dir: &Path) -> Result<Place> {
    let inner = data_dir.join(PRIVATE);
    if !is_used(&inner) {
        match close(data_dir)? {
            Closed::Already => return Ok(at(data_dir)),
            Closed::Now(before) => {
                log::warn!(
                    "others could use the data directory {} (its mode was {before:04o}); it is closed to them now (0700)",
                    data_dir.display()
                );
                return Ok(at(data_dir));
            }
            Closed::Not => {}
        }
    }
    private::folder(&inner)?;
    log::warn!(
        "others can use the data directory {} and it is not ours to close, so everything lies in {}",
        data_dir.display(),
        inner.display()
    );
    let database = data_dir.join(DATABASE);
    let moves = private::is_there(&database) && !private::is_there(&inner.join(DATABASE));
    if moves {
        // Somebody else may have put it there.
        private::open(&database, Rule::Own, false)?;
    }
    Ok(Place {
        root: inner,
        moves_from: moves.then(|| data_dir.to_owned()),
    })
}

fn at(root: &Path) -> Place {
    Place {
        root: root.to_owned(),
        moves_from: None,
    }
}

/// Closes a directory that is for us alone. One that is shared stays as it is: others would lose what they have there.
fn close(data_dir: &Path) -> Result<Closed> {
    let folder = private::open_folder(data_dir)?;
    let close = || -> io::Result<Closed> {
        if !private::is_open(&folder)? {
            return Ok(Closed::Already);
        }
        if private::is_shared(&folder)? || !holds_only_ours(data_dir)? {
            return Ok(Closed::Not);
        }
        private::close(&folder)
    };
    close().map_err(|error| unusable(data_dir, &error))
}

fn holds_only_ours(data_dir: &Path) -> io::Result<bool> {
    for entry in data_dir.read_dir()? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !OURS.contains(&name.trim_end_matches(STAGED)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Moves what lay in the directory itself; whoever calls holds both locks. What is none of ours stays.
pub(super) fn move_everything(from: &Path, to: &Path) -> Result<()> {
    let stay = [LOCK, PRIVATE, "control.sock", "lost+found", DATABASE];
    let names = OURS.iter().filter(|name| !stay.contains(name));
    for name in names.chain([&DATABASE]) {
        let (old, new) = (from.join(name), to.join(name));
        if !private::is_ours(&old) || private::is_there(&new) {
            continue;
        }
        let moved = std::fs::rename(&old, &new);
        moved.map_err(|error| {
            Error::refused(format!(
                "can't move {} to {}: {error}; start again once it can be moved",
                old.display(),
                new.display()
            ))
        })?;
    }
    let synced = File::open(to).and_then(|folder| folder.sync_all());
    synced.map_err(|error| unusable(to, &error))?;
    log::warn!(
        "moved everything from {} to {}",
        from.display(),
        to.display()
    );
    Ok(())
}

/// The refusal of a directory that can't be used.
pub(super) fn unusable(root: &Path, error: &io::Error) -> Error {
    Error::refused(format!(
        "can't use the data directory {}: {error}; make it writable or name another with --data-dir",
        root.display()
    ))
}
