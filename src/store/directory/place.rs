//! Where everything lies: in the data directory itself, closed to others, or in a folder `private` of it where it can't be closed.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::files::{DATABASE, LOST_FOUND, MARKER, OURS, PRIVATE};
use super::owner;
use super::private::{self, Closed, Rule};
use super::restoring;
use crate::domain::values::shell_word::shell_word;
use crate::error::{Error, Result};

/// Where everything lies that a data directory holds, by what is there. Changes nothing.
pub fn find(data_dir: &Path) -> PathBuf {
    let inner = data_dir.join(PRIVATE);
    if is_used(&inner) {
        inner
    } else {
        data_dir.to_owned()
    }
}

/// Whether a data directory holds a database, or will once a restore has come to its end.
///
/// # Errors
/// [`Error::Forbidden`] when this user can't look.
pub fn holds_database(data_dir: &Path) -> Result<bool> {
    for folder in [data_dir, &data_dir.join(PRIVATE)] {
        match folder.join(DATABASE).metadata() {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(owner::denied(folder));
            }
            Err(_) => {}
        }
    }
    Ok(restoring::is_under_way(&find(data_dir)))
}

/// Looks whether this user may read the database of a data directory, if there is one.
///
/// # Errors
/// [`Error::Forbidden`] when not.
pub fn may_read(data_dir: &Path) -> Result<()> {
    let database = find(data_dir).join(DATABASE);
    match File::open(&database) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(owner::denied(&database))
        }
        _ => Ok(()),
    }
}

/// Who else the database of a data directory belongs to; what others leave there its own user can't read.
///
/// # Errors
/// [`Error::Forbidden`] when this user can't look.
pub fn other_owner(data_dir: &Path) -> Result<Option<u32>> {
    let root = find(data_dir);
    let database = root.join(DATABASE);
    database
        .metadata()
        .map_err(|error| unusable(&database, &error))?;
    Ok(other_owner_of(&database))
}

/// The same of a file or folder; of what is not there nobody.
pub fn other_owner_of(path: &Path) -> Option<u32> {
    let owner = path.metadata().ok()?.uid();
    let folder = if path.is_dir() { path } else { path.parent()? };
    let is_other = owner != geteuid().as_raw() && !private::knows_no_permissions(folder);
    is_other.then_some(owner)
}

/// Whether a socket was made by one of these users.
pub fn is_socket_of(socket: &Path, users: &[u32]) -> bool {
    matches!(socket.symlink_metadata(), Ok(made) if users.contains(&made.uid()))
}

fn is_used(folder: &Path) -> bool {
    [DATABASE, MARKER]
        .iter()
        .any(|name| private::is_there(&folder.join(name)))
}

/// Where everything is to lie, closed to others, and what has yet to move there.
pub(crate) struct Place {
    pub root: PathBuf,
    /// The directory itself, while a database from before lies in it.
    pub moves_from: Option<PathBuf>,
}

/// Makes a place for everything in a data directory that is there, and says so where it is not as it was found.
///
/// # Errors
/// [`Error::Refused`] when there is none that only the owner can use, though there could be; when there are two databases; when the
/// one that moved from here is gone.
pub(crate) fn make(data_dir: &Path) -> Result<Place> {
    let inner = data_dir.join(PRIVATE);
    let (outside, inside) = (data_dir.join(DATABASE), inner.join(DATABASE));
    let is_outside = private::is_there(&outside);
    if is_outside && private::is_there(&inside) {
        return Err(two_databases(&outside, &inside));
    }
    let folder = private::open_folder(data_dir)?;
    let unusable = |error: io::Error| unusable(data_dir, &error);
    let open = private::is_open(&folder).map_err(unusable)?;
    if open {
        tighten(data_dir);
    }
    let why = if is_used(&inner) {
        "it lay there before".to_owned()
    } else if !open {
        return Ok(at(data_dir));
    } else if private::knows_no_permissions(data_dir) {
        warn_of_no_permissions(data_dir);
        return Ok(at(data_dir));
    } else if let Some(why) = why_shared(data_dir, &folder).map_err(unusable)? {
        why
    } else {
        match private::close(&folder).map_err(unusable)? {
            Closed::Already => return Ok(at(data_dir)),
            Closed::Now(before) => {
                log::warn!(
                    "others could use the data directory {} (its mode was {before:04o}); it is closed to them now (0700)",
                    data_dir.display()
                );
                return Ok(at(data_dir));
            }
            Closed::Not => format!(
                "others can use {}, which belongs to another user and is not ours to close",
                data_dir.display()
            ),
        }
    };
    let marker = data_dir.join(MARKER);
    if !is_outside && !is_used(&inner) && private::is_there(&marker) {
        return Err(Error::refused(format!(
            "{} is gone, but {} says there was one; restore a backup, or remove that file too to start anew",
            inside.display(),
            marker.display()
        )));
    }
    if inner.metadata().is_ok() {
        // Before it is closed, so that a start that ends in between finds it open again.
        let was_open =
            private::open_folder(&inner).and_then(|it| private::is_open(&it).map_err(unusable))?;
        if was_open {
            tighten(&inner);
        }
    }
    if matches!(private::folder(&inner)?, Closed::Not) {
        warn_of_no_permissions(&inner);
    }
    log::warn!("everything lies in {}, because {why}", inner.display());
    if is_outside {
        // Somebody else may have put it there.
        private::open(&outside, Rule::Own, false)?;
    }
    Ok(Place {
        root: inner,
        moves_from: is_outside.then(|| data_dir.to_owned()),
    })
}

fn two_databases(outside: &Path, inside: &Path) -> Error {
    let word = shell_word(outside);
    Error::refused(format!(
        "there are two databases, {} and {}, and only one can be used: to use the second, `mv {word} {word}.away`; to use the first, \
         as after restoring a backup, move the folder of the second out of the data directory",
        outside.display(),
        inside.display()
    ))
}

fn warn_of_no_permissions(root: &Path) {
    log::warn!(
        "OTHERS CAN READ AND CHANGE EVERYTHING in {}: its file system knows no permissions, so it can't be closed to them; name a \
         directory on another file system with --data-dir (in a container a named volume)",
        root.display()
    );
}

/// Closes what is ours in a folder that is open: who opened it, as Kubernetes does for `fsGroup`, opened all that lay in it.
fn tighten(folder: &Path) {
    let mut closed = Vec::new();
    let mut close = |path: &Path| {
        if let Some(before) = private::tighten(path) {
            closed.push(format!("{} ({before:04o})", path.display()));
        }
    };
    let names = OURS
        .iter()
        .filter(|name| ![PRIVATE, LOST_FOUND].contains(name));
    for path in names.map(|name| folder.join(name)) {
        if private::is_ours(&path) && path.is_dir() {
            let entries = path.read_dir().into_iter().flatten().flatten();
            entries.for_each(|entry| close(&entry.path()));
        }
        close(&path);
    }
    if !closed.is_empty() {
        log::warn!(
            "others could use what is ours, and may have read or changed it: {}; it is closed to them now",
            closed.join(", ")
        );
    }
}

fn at(root: &Path) -> Place {
    Place {
        root: root.to_owned(),
        moves_from: None,
    }
}

/// Why others would lose something if a directory were closed to them.
fn why_shared(data_dir: &Path, folder: &File) -> io::Result<Option<String>> {
    let shown = data_dir.display();
    let open = format!("others can use {shown} and it is not ours to close");
    if private::is_shared(folder)? {
        return Ok(Some(format!(
            "{open}: everybody is meant to put things there"
        )));
    }
    let has_database = private::is_there(&data_dir.join(DATABASE));
    for entry in data_dir.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == LOST_FOUND {
            continue;
        }
        if let Some(owner) = private::stranger(&entry.path()) {
            return Ok(Some(format!(
                "{open}: `{name}` in it belongs to the user {owner}"
            )));
        }
        // A home, or `/srv`, is ours and yet there for more than this.
        let another = entry.file_type()?.is_dir() && !OURS.contains(&name.as_ref());
        if another && !has_database {
            return Ok(Some(format!(
                "{open}: `{name}` in it is a directory of something else"
            )));
        }
    }
    Ok(None)
}

/// The refusal of a directory that can't be used.
pub(crate) fn unusable(root: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return owner::denied(root);
    }
    Error::refused(format!(
        "can't use the data directory {}: {error}; make it writable or name another with --data-dir",
        root.display()
    ))
}
