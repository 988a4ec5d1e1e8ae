//! `tollkeeper restore` and `tollkeeper verify`: what a backup is good for. They work on files alone; no server may run there.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::print::print_line;
use crate::config::Settings;
use crate::domain::backup::manifest::Manifest;
use crate::domain::backup::restoration::{Restoration, RevivedKey, Undone};
use crate::error::{Error, Result};
use crate::store::backups::encryption::{Lock, Opener};
use crate::store::backups::folder::ScratchFolder;
use crate::store::backups::halt::Halt;
use crate::store::backups::opening::{OpenedBackup, open};
use crate::store::backups::undone;
use crate::store::directory::files::DATABASE;
use crate::store::directory::owner::not_ours;
use crate::store::directory::{DataDirectory, Owned, place};

/// Most keys and changes that are told one by one.
const MOST_TOLD: usize = 50;

/// The file, and what opens it.
#[derive(Args)]
struct BackupFile {
    /// The backup
    file: PathBuf,
    /// A file with the passphrase that it is encrypted with [default: as the settings say]
    #[arg(long, value_name = "FILE", conflicts_with = "identity_file")]
    passphrase_file: Option<PathBuf>,
    /// A file of `age-keygen` with the private key that it is encrypted for
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
}

impl BackupFile {
    fn opener(&self, settings: &Settings) -> Result<Option<Opener>> {
        match (&self.passphrase_file, &self.identity_file) {
            (Some(path), _) => Opener::passphrase_file(path).map(Some),
            (None, Some(path)) => Opener::identity_file(path).map(Some),
            (None, None) => Ok(Lock::of(&settings.backup)?.and_then(|lock| lock.opener())),
        }
    }
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  tollkeeper restore /mnt/usb/tollkeeper-2026-06-01T12-00-00Z.tar.zst\n\n\
The server must be stopped. All is checked before anything is changed; what was there is kept in a folder of before-restore in the data \
directory. Broken off at any moment, it is carried to its end or taken back by the next start."
)]
pub(super) struct RestoreArguments {
    #[command(flatten)]
    backup: BackupFile,
    /// Restore it although its checks found something
    #[arg(long)]
    despite_findings: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  tollkeeper verify /mnt/usb/tollkeeper-2026-06-01T12-00-00Z.tar.zst\n\n\
It is unpacked for that, beside the file or in the directory that is named. Ends with 0 when it is sound, else with 1."
)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    backup: BackupFile,
    /// Where to unpack it [default: where the file is]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(arguments: &VerifyArguments, settings: &Settings) -> Result<()> {
    let file = &arguments.backup.file;
    let beside = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = arguments
        .scratch
        .as_deref()
        .or(beside)
        .unwrap_or(Path::new("."));
    let opener = arguments.backup.opener(settings)?;
    let scratch = ScratchFolder::make(folder.join(format!(".verify-{}", std::process::id())))?;
    let OpenedBackup { manifest, findings } =
        open(file, opener.as_ref(), scratch.path(), &Halt::default())?;
    if arguments.json {
        let mut shown = json!({ "file": file.display().to_string(), "sound": findings.is_empty(), "findings": findings });
        shown["manifest"] = json!(manifest);
        print_line(&shown.to_string());
    } else if findings.is_empty() {
        print_line(&format!("sound: {}", about(&manifest)));
    }
    refuse(file, &findings)
}

fn refuse(file: &Path, findings: &[String]) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} is not sound: {}",
        file.display(),
        findings.join("; ")
    )))
}

pub(super) fn restore(arguments: &RestoreArguments, settings: &Settings) -> Result<()> {
    let data_dir = &settings.storage.data_dir;
    let file = &arguments.backup.file;
    let opener = arguments.backup.opener(settings)?;
    if !file.is_file() {
        return Err(Error::refused(format!(
            "there is no file {}",
            file.display()
        )));
    }
    if let Some(owner) = place::other_owner_of(&place::find(data_dir)) {
        return Err(not_ours(data_dir, owner));
    }
    let directory = match DataDirectory::own(data_dir)? {
        Owned::Ours(directory) => directory,
        Owned::Other { process, root } => {
            let who = process.map_or_else(
                || "another process".to_owned(),
                |id| format!("process {id}"),
            );
            return Err(Error::refused(format!(
                "{} is in use by {who}; stop the server there first, or name another directory with --data-dir",
                root.display()
            )));
        }
    };
    let staged = directory.stage_restore()?;
    let decided = decide(arguments, opener.as_ref(), &directory, &staged);
    let restoration = match decided {
        Ok(restoration) => restoration,
        Err(error) => {
            directory.give_up_restore()?;
            return Err(error);
        }
    };
    directory.restore(&restoration.0)?;
    let (restoration, manifest) = restoration;
    if arguments.json {
        let mut shown = json!(restoration);
        shown["manifest"] = json!(manifest);
        shown["data_dir"] = json!(directory.root().display().to_string());
        print_line(&shown.to_string());
    } else {
        said(&restoration, &manifest, directory.root());
    }
    Ok(())
}

/// Opens and checks the backup, and sees what it undoes; nothing is changed by that.
fn decide(
    arguments: &RestoreArguments,
    opener: Option<&Opener>,
    directory: &DataDirectory,
    staged: &Path,
) -> Result<(Restoration, Manifest)> {
    let file = &arguments.backup.file;
    let OpenedBackup { manifest, findings } = open(file, opener, staged, &Halt::default())?;
    if !arguments.despite_findings && !findings.is_empty() {
        return Err(Error::refused(format!(
            "{} is not sound, and nothing was changed: {}; take another backup, or add --despite-findings",
            file.display(),
            findings.join("; ")
        )));
    }
    let now = Timestamp::now();
    let name = file.file_name().unwrap_or(file.as_os_str());
    let restoration = Restoration {
        backup: name.to_string_lossy().into_owned(),
        made_at: manifest.made_at,
        restored_at: now,
        kept: directory.kept_folder(now),
        findings,
        undone: undone(&directory.database(), &staged.join(DATABASE)),
    };
    Ok((restoration, manifest))
}

fn about(manifest: &Manifest) -> String {
    let count = |name: &str| {
        manifest
            .content
            .counts
            .get(name)
            .copied()
            .unwrap_or_default()
    };
    format!(
        "made at {} by Tollkeeper {}; users: {}, virtual keys: {}, access profiles: {}, audit entries: {}",
        manifest.made_at,
        manifest.version,
        count("users"),
        count("virtual_keys"),
        count("access_profiles"),
        manifest.content.audit.entries
    )
}

fn said(restoration: &Restoration, manifest: &Manifest, root: &Path) {
    print_line(&format!(
        "Restored {}: {}",
        restoration.backup,
        about(manifest)
    ));
    for finding in &restoration.findings {
        print_line(&format!("Although {finding}"));
    }
    let Undone {
        unknown,
        api_keys,
        virtual_keys,
        changes,
        last_changes,
    } = &restoration.undone;
    if let Some(why) = unknown {
        print_line(&format!("Nothing can be told of what it undoes: {why}"));
    }
    keys(
        "Management API keys that work again as they did then",
        api_keys,
    );
    keys(
        "Virtual keys that work again as they did then",
        virtual_keys,
    );
    if *changes > 0 {
        print_line(&format!("Changes that are undone: {changes}"));
        let told = last_changes.len().min(MOST_TOLD);
        if usize::try_from(*changes).is_ok_and(|changes| changes > told) {
            print_line(&format!("  the last {told}:"));
        }
        for change in &last_changes[last_changes.len() - told..] {
            print_line(&format!(
                "  {} {} {} by {}",
                change.at, change.action, change.subject, change.by
            ));
        }
    }
    if unknown.is_none() {
        print_line(&format!(
            "What was spent since {} is not counted any more.",
            manifest.made_at
        ));
    }
    let kept = root.join(&restoration.kept);
    print_line(&format!("What was there before is in {}", kept.display()));
}

fn keys(heading: &str, keys: &[RevivedKey]) {
    if keys.is_empty() {
        return;
    }
    print_line(&format!("{heading}; revoke them again if they should not:"));
    for key in keys.iter().take(MOST_TOLD) {
        let name: Value = json!(key.name);
        print_line(&format!("  {name} ({}), {} since", key.id, key.was));
    }
    if keys.len() > MOST_TOLD {
        print_line(&format!(
            "  and {} more (--json shows all)",
            keys.len() - MOST_TOLD
        ));
    }
}
