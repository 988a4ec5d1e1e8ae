//! Files and folders that are for their owner alone: made without following a link, and looked at before they are believed, as ssh does
//! with its own.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::domain::values::shell_word::shell_word;
use crate::error::{Error, Result};

/// Read, write and search for everybody but the owner.
pub(super) const OTHERS: u32 = 0o077;
/// Nobody removes what others put there.
const STICKY: u32 = 0o1000;
/// Write for everybody but the owner.
const OTHERS_WRITE: u32 = 0o022;

/// Whose file may be believed, and what others may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// One of ours: no link, and nobody else's to read or write.
    Own,
    /// One that somebody mounts or writes for us, such as a secret of a container: a link may lead there, and one of root's may be
    /// read by others, because else we could not.
    Given,
    /// The database: a regular file and no link. Whoever restores a copy leaves it with the permissions that it got.
    Database,
}

/// A new file that only the owner can read, in place of whatever has its name. A link there goes, and is not followed.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => create_new(path),
    }
}

/// The same with a content, which is on the disk when this returns.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A new file that only the owner can read, where there is none.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// Opens a file that is there and may be believed; nothing when there is none. Never waits for whoever is at the other end of it.
///
/// # Errors
/// [`Error::Refused`] with the path, what was found and expected, and the command that puts it right.
pub(crate) fn open(path: &Path, rule: Rule, write: bool) -> Result<Option<File>> {
    let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let follow = match rule {
        Rule::Given => OFlags::empty(),
        Rule::Own | Rule::Database => OFlags::NOFOLLOW,
    };
    let flags = access | follow | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(is_a_link(path)),
        Err(Errno::NXIO | Errno::ISDIR) => return Err(not_regular(path, "no regular file")),
        Err(error) => return Err(unreadable(path, &error.into())),
    };
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    match check(path, &metadata, rule) {
        // Whose it is and what others may do says nothing there; the start has warned of that.
        Err(_) if rule == Rule::Own && metadata.is_file() && knows_no_permissions_at(path) => {}
        checked => checked?,
    }
    Ok(Some(file))
}

/// The whole content of a file that is there and may be believed, of `most` bytes at most; nothing when there is none.
///
/// # Errors
/// As opening it.
pub fn read(path: &Path, rule: Rule, most: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open(path, rule, false)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let length = file
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if u64::try_from(length).is_ok_and(|length| length <= most) {
        return Ok(Some(bytes));
    }
    Err(Error::refused(format!(
        "can't believe {shown}: it has more than {most} bytes, which is all that was expected; look at it, and \
         put the right file there",
        shown = path.display()
    )))
}

/// Whether something has this name, a link that leads nowhere included.
pub(crate) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A folder that only the owner can use: the one that is there, closed to others if need be, or a new one. It stays open only where the
/// file system knows no permissions.
///
/// # Errors
/// [`Error::Refused`] as for files.
pub(crate) fn folder(path: &Path) -> Result<Closed> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::refused(format!(
                "can't make {}: {error}; make the directory that it is in writable, or name another with --data-dir",
                path.display()
            )));
        }
        _ => {}
    }
    let handle = open_folder(path)?;
    let metadata = handle
        .metadata()
        .map_err(|error| unreadable(path, &error))?;
    let closed = check_owner(path, &metadata, Rule::Own).and_then(|()| {
        match close(&handle).map_err(|error| unreadable(path, &error))? {
            Closed::Not => Err(Error::refused(format!(
                "can't keep secrets in {shown}: others can use it, and it is not ours to close; expected 0700: look whose it is, then \
                 `mv {word} {word}.away`",
                shown = path.display(),
                word = shell_word(path)
            ))),
            closed => Ok(closed),
        }
    });
    closed.or_else(|refused| {
        if knows_no_permissions(path) {
            return Ok(Closed::Not);
        }
        Err(refused)
    })
}

/// What came of closing a folder to others.
pub(crate) enum Closed {
    /// Nobody else could use it.
    Already,
    /// It had this mode before.
    Now(u32),
    /// They still can.
    Not,
}

/// Opens a folder, and no link to one.
pub(crate) fn open_folder(path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(folder) => Ok(File::from(folder)),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            Err(not_regular(path, "no directory, or a link to one"))
        }
        Err(error) => Err(unreadable(path, &error.into())),
    }
}

/// Whether others can use a folder, as far as its permissions go.
pub(crate) fn is_open(folder: &File) -> io::Result<bool> {
    Ok(folder.metadata()?.mode() & OTHERS != 0)
}

/// Whether a file system gives what is made in a folder to everybody whatever is asked for, as those of Windows do. Found out by making
/// a file.
pub(crate) fn knows_no_permissions(folder: &Path) -> bool {
    let path = folder.join(format!(".permissions-{}", std::process::id()));
    let Ok(file) = create(&path) else {
        return false;
    };
    let open = is_open(&file).unwrap_or(false);
    // It is empty, and would be in nobody's way.
    let _ = std::fs::remove_file(&path);
    open
}

fn knows_no_permissions_at(file: &Path) -> bool {
    file.parent().is_some_and(knows_no_permissions)
}

/// Closes a file or folder of ours to others, and answers the mode that it had. Whatever else has the name stays as it is.
pub(crate) fn tighten(path: &Path) -> Option<u32> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let found = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = found.metadata().ok()?;
    let ours = check_owner(path, &metadata, Rule::Own).is_ok();
    if !ours || !(metadata.is_file() || metadata.is_dir()) {
        return None;
    }
    match close(&found) {
        Ok(Closed::Now(before)) => Some(before),
        _ => None,
    }
}

/// Whether everybody is meant to put things there, as into `/tmp`.
pub(crate) fn is_shared(folder: &File) -> io::Result<bool> {
    Ok(folder.metadata()?.mode() & STICKY != 0)
}

/// Whether something is no link and belongs to whom it may belong to.
pub(crate) fn is_ours(path: &Path) -> bool {
    is_there(path) && !path.is_symlink() && stranger(path).is_none()
}

/// The user whom something belongs to that is not ours.
pub(crate) fn stranger(path: &Path) -> Option<u32> {
    let metadata = path.symlink_metadata().ok()?;
    let checked = check_owner(path, &metadata, Rule::Own);
    checked.is_err().then(|| metadata.uid())
}

/// Where a folder is that we may have put elsewhere, by a link of ours.
///
/// # Errors
/// [`Error::Refused`] when the link leads nowhere.
pub(crate) fn behind_our_link(path: &Path) -> Result<PathBuf> {
    if !path.is_symlink() || stranger(path).is_some() {
        return Ok(path.to_owned());
    }
    path.canonicalize()
        .map_err(|error| unreadable(path, &error))
}

/// Closes an open folder or file to others, where that is allowed.
pub(crate) fn close(folder: &File) -> io::Result<Closed> {
    let metadata = folder.metadata()?;
    let before = metadata.mode() & 0o7777;
    let closed = if metadata.is_dir() { 0o700 } else { 0o600 };
    if before & OTHERS == 0 {
        return Ok(Closed::Already);
    }
    // It may be somebody else's, or the file system may take no notice: what came of it is looked at.
    let _ = folder.set_permissions(Permissions::from_mode(closed));
    Ok(if is_open(folder)? {
        Closed::Not
    } else {
        Closed::Now(before)
    })
}

fn check(path: &Path, metadata: &Metadata, rule: Rule) -> Result<()> {
    if !metadata.is_file() {
        return Err(not_regular(path, kind(metadata)));
    }
    if rule == Rule::Database {
        return Ok(());
    }
    check_owner(path, metadata, rule)?;
    let mode = metadata.mode() & 0o7777;
    let of_root = metadata.uid() == 0;
    let refused = match rule {
        Rule::Given if of_root => OTHERS_WRITE,
        _ => OTHERS,
    };
    if mode & refused == 0 {
        return Ok(());
    }
    let what = if mode & OTHERS_WRITE == 0 {
        "read"
    } else {
        "change"
    };
    let expected = if refused == OTHERS { "600" } else { "644" };
    Err(Error::refused(format!(
        "can't believe {shown}: it has the mode {mode:04o}, so others may {what} it; expected 0{expected} or stricter: look who may have, \
         then `chmod {expected} {word}`",
        shown = path.display(),
        word = shell_word(path)
    )))
}

/// Ours or root's. Root itself also takes what belongs to whom the folder belongs to: it is the user that the server runs as.
fn check_owner(path: &Path, metadata: &Metadata, rule: Rule) -> Result<()> {
    let (owner, own) = (metadata.uid(), geteuid().as_raw());
    let of_folder = || {
        let folder = path.parent().and_then(|folder| folder.metadata().ok());
        folder.is_some_and(|folder| folder.uid() == owner)
    };
    if owner == own || owner == 0 || (own == 0 && rule == Rule::Own && of_folder()) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "can't believe {shown}: it belongs to the user {owner}; expected {own}, as whom this runs, or root: look who put it there, then \
         `chown {own} {word}`",
        shown = path.display(),
        word = shell_word(path)
    )))
}

fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn is_a_link(path: &Path) -> Error {
    Error::refused(format!(
        "can't believe {shown}: it is a symbolic link; expected the file itself: look where it leads, then \
         `cp --remove-destination \"$(readlink -f {word})\" {word} && chmod 600 {word}`, or remove the link",
        shown = path.display(),
        word = shell_word(path)
    ))
}

fn not_regular(path: &Path, what: &str) -> Error {
    Error::refused(format!(
        "can't believe {shown}: it is {what}; expected a file or directory of ours: look who put it there, then `mv {word} {word}.away`",
        shown = path.display(),
        word = shell_word(path)
    ))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::refused(format!("can't use {}: {error}", path.display()))
}
