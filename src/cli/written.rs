//! What other programs learn of the command line: completions for shells, and manual pages.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::error::{Error, Result};

/// The name that the program is called by.
const NAME: &str = "tollkeeper";

/// The shell that completions are for.
#[derive(Clone, Copy, ValueEnum)]
pub enum KnownShell {
    /// For `/usr/share/bash-completion/completions/tollkeeper`
    Bash,
    /// For `_tollkeeper` in a directory of `$fpath`
    Zsh,
    /// For `~/.config/fish/completions/tollkeeper.fish`
    Fish,
}

/// Where manual pages go.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tollkeeper man | man -l -\n  tollkeeper man --dir /usr/local/share/man/man1"
)]
pub struct ManArguments {
    /// Write a page for each command into this directory, which must exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints what a shell needs to complete words.
///
/// # Errors
/// When standard output takes nothing.
pub fn completions(shell: KnownShell, mut command: clap::Command) -> Result<()> {
    let shell = match shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut text);
    print(&text)
}

/// Prints the manual page, or writes that of each command.
///
/// # Errors
/// When a page can't be written.
pub fn man(arguments: &ManArguments, command: clap::Command) -> Result<()> {
    let command = command.disable_help_subcommand(true);
    if let Some(directory) = &arguments.dir {
        let written = clap_mangen::generate_to(command, directory);
        return written.map_err(|error| cannot_write(directory, &error));
    }
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut text);
    rendered.map_err(|error| cannot_write(Path::new("standard output"), &error))?;
    print(&text)
}

/// A reader that has gone away is no failure.
fn print(text: &[u8]) -> Result<()> {
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(cannot_write(Path::new("standard output"), &error))
        }
        _ => Ok(()),
    }
}

fn cannot_write(where_to: &Path, error: &std::io::Error) -> Error {
    Error::refused(format!("can't write to {}: {error}", where_to.display()))
}
