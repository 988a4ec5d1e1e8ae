//! Backups as files: a copy of the database that is checked, and beside it what a restore needs, packed into one file and encrypted if
//! that is asked for (`docs/operations.md`).
//!
//! It is a tar archive, packed by zstd and perhaps encrypted by age, so that whoever has lost this program can still open it.

mod archive;
mod check;
mod copy;
pub mod encryption;
pub mod folder;
pub mod halt;
pub mod opening;
mod pieces;
pub mod sending;
mod undone;
pub mod writing;

pub use self::undone::undone;

/// What a backup says of itself ([`crate::domain::backup::manifest::Manifest`]).
const MANIFEST: &str = "manifest.json";

/// Largest manifest, in bytes.
const MAX_MANIFEST: u64 = 1024 * 1024;
/// Space that is left to others on a disk, in bytes.
const LEFT: u64 = 64 * 1024 * 1024;

/// How far a file grew between two looks whether to go on, and between two times that it is made to reach the disk, in bytes. What waits
/// there is waited for by everybody's commit.
const STRIDE: usize = 2 * 1024 * 1024;
