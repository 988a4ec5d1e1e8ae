//! The one file that a backup is: a tar archive, packed by zstd.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use tar::{Archive, Builder, EntryType, Header};

use super::encryption::{Lock, Opener, is_encrypted, unwrap};
use super::halt::Halt;
use super::pieces::{NewFile, require_room, sum_of_file};
use super::{MANIFEST, MAX_MANIFEST};
use crate::domain::backup::manifest::{FORM, FileSum, Manifest};
use crate::error::{Error, Result};
use crate::store::audit::anchor::MAX_ANCHOR;
use crate::store::directory::MAX_KEY_FILE;
use crate::store::directory::files::{AUDIT_ANCHOR, AUDIT_KEY, DATABASE};

/// How hard zstd tries; more takes the processor from decisions and saves little of a database.
const LEVEL: i32 = 3;

/// Packs a backup whose files lie in a folder; answers the file that came of it.
pub(super) fn pack(
    folder: &Path,
    manifest: &Manifest,
    lock: Option<&Lock>,
    to: &Path,
    halt: &Halt,
) -> io::Result<FileSum> {
    let put = |output: &mut dyn Write| fill(output, folder, manifest);
    let mut file = NewFile::create(to, halt)?;
    let file = if let Some(lock) = lock {
        lock.wrap(file, put)?
    } else {
        put(&mut file)?;
        file
    };
    file.finish()
}

fn fill(output: &mut dyn Write, folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(output, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut builder = Builder::new(encoder);
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    let length = text.len() as u64;
    builder.append_data(&mut header(length, manifest), MANIFEST, text.as_slice())?;
    for name in [AUDIT_KEY, AUDIT_ANCHOR, DATABASE] {
        let file = match File::open(folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let length = file.metadata()?.len();
        builder.append_data(&mut header(length, manifest), name, file)?;
    }
    builder.into_inner()?.finish()?;
    Ok(())
}

fn header(length: u64, manifest: &Manifest) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(length);
    header.set_mode(0o600);
    header.set_mtime(manifest.made_at.as_second().unsigned_abs());
    header
}

/// Unpacks a backup into a folder of ours that is empty; what came of it is on disk when this returns.
///
/// # Errors
/// [`Error::Refused`] with the path: it can't be opened, is no backup, or is not whole.
pub(super) fn unpack(
    file: &Path,
    opener: Option<&Opener>,
    folder: &Path,
    halt: &Halt,
) -> Result<Manifest> {
    let wrong = |what: String| Error::refused(format!("{} {what}", file.display()));
    let damaged =
        |error: io::Error| wrong(format!("is damaged, it can't be read to its end: {error}"));
    let foreign = |error: io::Error| {
        wrong(format!(
            "is no backup of Tollkeeper, or is damaged: {error}"
        ))
    };
    let source = File::open(file).map_err(|error| wrong(format!("can't be opened: {error}")))?;
    let mut input = BufReader::with_capacity(256 * 1024, source);
    let plain: Box<dyn Read> = if is_encrypted(&mut input).map_err(damaged)? {
        unwrap(input, opener).map_err(wrong)?
    } else {
        Box::new(input)
    };
    let decoder = zstd::Decoder::new(plain).map_err(damaged)?;
    let mut archive = Archive::new(decoder);
    let mut manifest: Option<Manifest> = None;
    let mut database = None;
    for entry in archive.entries().map_err(foreign)? {
        let mut entry = entry.map_err(foreign)?;
        let name = entry.path_bytes().into_owned();
        let size = entry.size();
        let is_file = entry.header().entry_type() == EntryType::Regular;
        match (&manifest, name.as_slice()) {
            (None, name) if is_file && name == MANIFEST.as_bytes() => {
                manifest = Some(read_manifest(entry, file)?);
            }
            (Some(manifest), name)
                if is_file && name == DATABASE.as_bytes() && size == manifest.database.bytes =>
            {
                require_room(folder, size)?;
                let sum = take(&mut entry, &folder.join(DATABASE), halt).map_err(damaged)?;
                database = Some(sum);
            }
            (Some(_), name) if is_file && name == AUDIT_KEY.as_bytes() && size <= MAX_KEY_FILE => {
                take(&mut entry, &folder.join(AUDIT_KEY), halt).map_err(damaged)?;
            }
            (Some(_), name) if is_file && name == AUDIT_ANCHOR.as_bytes() && size <= MAX_ANCHOR => {
                take(&mut entry, &folder.join(AUDIT_ANCHOR), halt).map_err(damaged)?;
            }
            _ => {
                return Err(wrong(format!(
                    "is no backup of Tollkeeper: there is {:?} in it, of {size} bytes",
                    String::from_utf8_lossy(&name)
                )));
            }
        }
    }
    // What is behind the archive belongs to it: the last piece of an encrypted file says that it is whole.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(damaged)?;
    let manifest = manifest.ok_or_else(|| wrong("is no backup of Tollkeeper".to_owned()))?;
    if database.as_ref() != Some(&manifest.database) {
        return Err(wrong(
            "is damaged: the database in it is not the one that was put there".to_owned(),
        ));
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(damaged)?;
    Ok(manifest)
}

/// What every form has.
#[derive(serde::Deserialize)]
struct ManifestHead {
    form: u32,
    version: String,
}

fn read_manifest(entry: impl Read, file: &Path) -> Result<Manifest> {
    let mut bytes = Vec::new();
    let read = entry.take(MAX_MANIFEST).read_to_end(&mut bytes);
    let wrong = |what: String| Error::refused(format!("{} {what}", file.display()));
    read.map_err(|error| wrong(format!("is damaged, it can't be read to its end: {error}")))?;
    let head: ManifestHead = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("is no backup of Tollkeeper: {error}")))?;
    if head.form > FORM {
        return Err(wrong(format!(
            "was made by Tollkeeper {}, in a form that {} does not know: use that version or a later one",
            head.version,
            env!("CARGO_PKG_VERSION")
        )));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        wrong(format!(
            "says something else of itself than a backup does: {error}"
        ))
    })
}

/// Writes a file of an archive to a path.
fn take(from: &mut impl Read, to: &Path, halt: &Halt) -> io::Result<FileSum> {
    let mut file = NewFile::create(to, halt)?;
    io::copy(from, &mut file)?;
    file.finish()
}

/// Makes sure that a file that was written is read back as it was.
///
/// # Errors
/// [`Error::Refused`] when it is not.
pub(super) fn read_back(file: &Path, written: &FileSum, halt: &Halt) -> Result<()> {
    if sum_of_file(file, halt)? == *written {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} is read back otherwise than it was written: look after the disk",
        file.display()
    )))
}
