//! `tollkeeper backup`: a copy of everything, with the server running or not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::control::Control;
use super::print::{print_answer, text};
use crate::config::Settings;
use crate::domain::backup::name::ENCRYPTED;
use crate::domain::settings::BackupSettings;
use crate::error::{Error, Result};
use crate::store::backups::encryption::Lock;
use crate::store::backups::sending::send;
use crate::store::directory::private;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  tollkeeper backup\n  tollkeeper backup /mnt/usb/ --passphrase-file passphrase\n\n\
It goes into the folder of backups, and a copy of it to the file or into the directory that is named. It holds the database, the key of the \
audit log and its anchor; not the keys of providers, nor the files initial-key and rotated-keys."
)]
pub(super) struct BackupArguments {
    /// A file that is not there yet, or a directory, that gets a copy of it
    #[arg(value_name = "FILE|DIR")]
    to: Option<PathBuf>,
    /// Encrypt that copy for a public key of age
    #[arg(
        long,
        value_name = "KEY",
        requires = "to",
        conflicts_with = "passphrase_file"
    )]
    recipient: Option<String>,
    /// Encrypt that copy with the passphrase in a file
    #[arg(long, value_name = "FILE", requires = "to")]
    passphrase_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl BackupArguments {
    /// What the copy is encrypted with, where the settings don't encrypt all of them.
    fn lock(&self, settings: &Settings) -> Result<Option<Lock>> {
        let asked = BackupSettings {
            recipient: self.recipient.clone(),
            passphrase_file: self.passphrase_file.clone(),
            ..BackupSettings::default()
        };
        let lock = Lock::of(&asked)?;
        let theirs = &settings.backup;
        let is_encrypted = theirs.recipient.is_some()
            || theirs.passphrase_file.is_some()
            || theirs.passphrase_variable.is_some();
        if lock.is_some() && is_encrypted {
            return Err(Error::usage(
                "every backup is encrypted already, as [backup] of the settings says; leave --recipient and --passphrase-file out",
            ));
        }
        Ok(lock)
    }
}

pub(super) fn run(arguments: &BackupArguments, settings: &Settings) -> Result<ExitCode> {
    Control::with(settings, |control| {
        // Before it is made: a place that can't be used is known now.
        let to = arguments.to.as_deref().map(target).transpose()?;
        let lock = arguments.lock(settings)?;
        let mut made = control.call(Method::POST, "/api/backups", Some(&json!({})))?;
        if let Some(to) = to {
            let name = text(&made["backup"]["name"]);
            let to = match to {
                Target::File(path) => path,
                Target::Directory(path) if lock.is_some() => {
                    path.join(format!("{name}{ENCRYPTED}"))
                }
                Target::Directory(path) => path.join(name),
            };
            copy(Path::new(text(&made["path"])), &to, lock.as_ref())?;
            made["copy"] = json!(to.display().to_string());
        }
        print_answer(control, made.clone(), arguments.json, said);
        match made["findings"].as_array() {
            // The findings stand in the answer that was printed.
            Some(findings) if !findings.is_empty() && arguments.json => Ok(ExitCode::FAILURE),
            Some(findings) if !findings.is_empty() => {
                let findings: Vec<&str> = findings.iter().map(text).collect();
                Err(Error::refused(format!(
                    "the backup is not sound: {}",
                    findings.join("; ")
                )))
            }
            _ => Ok(ExitCode::SUCCESS),
        }
    })
}

fn said(made: &Value) -> String {
    let counts = &made["counts"];
    let what = format!(
        "users: {}, virtual keys: {}, access profiles: {}, audit entries: {}",
        counts["users"], counts["virtual_keys"], counts["access_profiles"], made["audit_entries"]
    );
    let copied = match made["copy"].as_str() {
        Some(copy) => format!("\nCopied to {copy}"),
        None => String::new(),
    };
    format!(
        "{}\nbytes: {}, {what}{copied}",
        text(&made["path"]),
        made["backup"]["bytes"]
    )
}

/// Where a copy goes.
enum Target {
    File(PathBuf),
    Directory(PathBuf),
}

fn target(path: &Path) -> Result<Target> {
    if path.is_dir() {
        return Ok(Target::Directory(path.to_owned()));
    }
    if private::is_there(path) {
        return Err(Error::refused(format!(
            "{} is there already; name a file that is not, or a directory",
            path.display()
        )));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Error::refused(format!(
            "there is no directory for {}; make it first",
            path.display()
        )));
    }
    Ok(Target::File(path.to_owned()))
}

/// Copies a file for its owner alone, encrypted if there is a lock: whole or not at all, and on disk when this returns.
fn copy(from: &Path, to: &Path, lock: Option<&Lock>) -> Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let staged = to.with_added_extension("new");
    let copy = || -> std::io::Result<()> {
        let file = private::create(&staged)?;
        send(File::open(from)?, lock, &file)?;
        file.sync_all()?;
        std::fs::rename(&staged, to)?;
        File::open(folder)?.sync_all()
    };
    copy().map_err(|error| {
        // What there is of it is no backup.
        let _ = std::fs::remove_file(&staged);
        Error::refused(format!(
            "can't copy the backup to {}: {error}; it is in {}",
            to.display(),
            from.display()
        ))
    })
}
