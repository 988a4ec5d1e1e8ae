//! A backup as it leaves the house.

use std::fs::File;
use std::io::{self, Write};

use super::encryption::Lock;

/// Writes the file of a backup to somewhere, encrypted if there is a lock.
///
/// # Errors
/// What reading or writing says.
pub fn send(mut file: File, lock: Option<&Lock>, mut output: impl Write) -> io::Result<()> {
    match lock {
        Some(lock) => {
            let copy = |output: &mut dyn Write| io::copy(&mut file, output).map(drop);
            lock.wrap(&mut output, copy)?;
        }
        None => {
            io::copy(&mut file, &mut output)?;
        }
    }
    output.flush()
}
