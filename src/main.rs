//! Parses the command line, runs one command, exits with its code.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

use std::process::ExitCode;

use rustix::fs::Mode;
use tollkeeper::cli;

/// A change of a large policy allocates thousands of strings on one thread and frees them on another, where the allocators of glibc
/// and musl contend: half of the time went there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Nothing this process creates is for others to read, SQLite's own files included.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let line = match cli::parse(std::env::args_os()) {
        Ok(line) => line,
        Err(code) => return code,
    };
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        Some((
            name.into_string().ok()?,
            value.to_string_lossy().into_owned(),
        ))
    });
    cli::run(line, std::env::args_os().next(), environment)
}
