//! Copying a database while it is written: on a connection and a thread of its own, so that no commit waits for it.
//!
//! A transaction that reads stays open as long as the copy takes. So the copy is of one moment, and SQLite does not begin anew with every
//! commit, as it does for a copy whose source changes. The write-ahead log grows meanwhile, so a copy is given up before that fills the disk.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};

use super::STRIDE;
use super::halt::Halt;
use super::pieces::{require_room, require_room_for_both};
use crate::error::{Error, Result};
use crate::store::database::connection::{self, prepare_reader, read_only_flags, writer_flags};
use crate::store::database::fault::Doing;
use crate::store::directory::private;
use crate::store::sql::Reading;

const COPYING: &str = "copying the database";

/// Copies a database to a new file, which is on disk when this returns. What was committed before the call is in it. There is room for it
/// then, and in the folder `packed` for the file that it will be packed into.
///
/// # Errors
/// [`Error::Refused`] without room on the disk, also when that goes meanwhile, or when nobody wants it any more; what SQLite says.
pub(super) fn copy(from: &Path, to: &Path, packed: &Path, halt: &Halt) -> Result<()> {
    let mut source = connection::open(from, read_only_flags()).doing(COPYING)?;
    prepare_reader(&mut source).doing(COPYING)?;
    source.execute_batch("BEGIN").doing(COPYING)?;
    // The moment of the copy is that of the first read.
    let reading = Reading::of(&source);
    let pages: i64 = reading.value(COPYING, "PRAGMA page_count", [])?;
    let page: i64 = reading.value(COPYING, "PRAGMA page_size", [])?;
    let size = u64::try_from(pages.saturating_mul(page)).unwrap_or(u64::MAX);
    let folder = to.parent().unwrap_or(to);
    require_room_for_both(folder, packed, size)?;
    let file = private::create(to).map_err(|error| unwritten(to, &error))?;
    let mut target = connection::open(to, writer_flags()).doing(COPYING)?;
    target
        .execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA cache_size = -1024;",
        )
        .doing(COPYING)?;
    let step = i32::try_from(STRIDE)
        .unwrap_or(i32::MAX)
        .checked_div(i32::try_from(page).unwrap_or(1))
        .unwrap_or(1);
    let backup = Backup::new(&source, &mut target).doing(COPYING)?;
    loop {
        halt.look()?;
        let left = i64::from(backup.progress().remaining).saturating_mul(page);
        require_room_for_rest(folder, u64::try_from(left).unwrap_or_default())?;
        let stepped = backup.step(step.max(1)).doing(COPYING)?;
        // SQLite keeps the last pages back for a moment; what was written reaches the disk now, and not all at the end.
        file.sync_data().map_err(|error| unwritten(to, &error))?;
        match stepped {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else writes to the copy, and a log never keeps a reader out.
            _ => return Err(Error::internal(COPYING, "somebody else has the file")),
        }
    }
    drop(backup);
    let closed = target.close().map_err(|(_, error)| error);
    closed.doing(COPYING)?;
    file.sync_all().map_err(|error| unwritten(to, &error))
}

/// Nothing of the log can be taken back before the copy ends, so it ends before the log takes the room of others.
fn require_room_for_rest(folder: &Path, bytes: u64) -> Result<()> {
    require_room(folder, bytes).map_err(|error| {
        Error::refused(format!(
            "the copy of the database was given up before it was whole, because the disk filled meanwhile: {error}"
        ))
    })
}

fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::refused(format!("can't write {}: {error}", path.display()))
}
