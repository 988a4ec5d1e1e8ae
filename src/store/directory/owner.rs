//! Whose something is, for those who may not use it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::Error;

/// The refusal of what this user may not use, with the user who may.
pub(crate) fn denied(path: &Path) -> Error {
    // What lies in a closed directory can't be looked at; then the directory says whose it is.
    let owner = path.ancestors().find_map(|above| above.metadata().ok());
    let remedy = owner.map_or_else(
        || "run as the user whose it is".to_owned(),
        |found| run_as(found.uid()),
    );
    Error::Forbidden {
        code: "permission_denied",
        message: format!("permission denied: {}; {remedy}", path.display()),
    }
}

/// What is of another user can't be used without leaving files there that this user can't read.
pub fn not_ours(path: &Path, owner: u32) -> Error {
    Error::Forbidden {
        code: "permission_denied",
        message: format!(
            "permission denied: {} belongs to another user, who could not read what this one left there; {}",
            path.display(),
            run_as(owner)
        ),
    }
}

fn run_as(owner: u32) -> String {
    match name(owner) {
        Some(name) => format!("run as {name}, as with `sudo -u {name}`"),
        None => format!("run as the user {owner}, as with `sudo -u '#{owner}'`"),
    }
}

/// The name of a user, where the machine keeps it in a file.
fn name(owner: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let number = owner.to_string();
    let line = users
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&number))?;
    line.split(':').next().map(str::to_owned)
}
