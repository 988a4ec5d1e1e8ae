//! What is wrong with a data directory by what lies in it. Changes nothing, and needs nobody's leave but to look.

use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::files::{
    BACKUPS, DATABASE, LOST_FOUND, MIGRATION_TRIAL, NEW_DATABASE, NEW_DATABASE_JOURNAL,
    NEXT_AUDIT_KEY, OURS, PRIVATE, RESTORE, ROTATED_KEYS,
};
use super::place::find;
use super::private;
use crate::domain::finding::Finding;
use crate::domain::values::shell_word::shell_word;

/// What is there only while something is being done: a start that finds it ends that, or removes it.
const HALF_DONE: [&str; 5] = [
    NEXT_AUDIT_KEY,
    RESTORE,
    NEW_DATABASE,
    NEW_DATABASE_JOURNAL,
    MIGRATION_TRIAL,
];
/// Folders of ours with files of ours.
const FOLDERS: [&str; 2] = [BACKUPS, ROTATED_KEYS];
/// Most entries of a folder that are looked at.
const MOST_LOOKED_AT: usize = 10_000;
/// Most names that are told.
const MOST_TOLD: usize = 10;
/// How far ahead of the clock a file may be that was just written.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(1);

/// What was found, of each kind together.
#[derive(Default)]
struct Found {
    open: Vec<String>,
    links: Vec<String>,
    strangers: Vec<String>,
    unknown: Vec<String>,
    half_done: Vec<String>,
    newest: Option<Timestamp>,
}

/// Looks at a data directory at `now`.
pub fn examine(data_dir: &Path, now: Timestamp) -> Vec<Finding> {
    let root = find(data_dir);
    let Ok(metadata) = root.metadata() else {
        return vec![Finding::new(
            "directory_gone",
            format!(
                "there is no directory {}, or it can't be looked into",
                data_dir.display()
            ),
            "start the server there, run this as the user that the server runs as, or name another directory with --data-dir",
        )];
    };
    let mut found = Found::default();
    found.mode(&root, &metadata);
    let is_private = root != data_dir;
    for entry in entries(&root) {
        found.entry(&entry, now);
    }
    let mut findings = found.findings(&root, now);
    if is_private && private::is_there(&data_dir.join(DATABASE)) {
        let outside = shell_word(&data_dir.join(DATABASE));
        findings.push(Finding::new(
            "two_databases",
            format!("there are two databases, {outside} and {}", root.join(DATABASE).display()),
            format!("to use the second, `mv {outside} {outside}.away`; to use the first, move the folder of the second away"),
        ));
    }
    findings
}

fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> {
    let all = folder.read_dir().into_iter().flatten().flatten();
    all.take(MOST_LOOKED_AT)
}

impl Found {
    fn entry(&mut self, entry: &DirEntry, now: Timestamp) {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let Ok(metadata) = path.symlink_metadata() else {
            return;
        };
        if name == LOST_FOUND || name == PRIVATE {
            return;
        }
        if HALF_DONE.contains(&&*name) || name.ends_with(".new") {
            self.half_done.push(shell_word(&path));
        } else if !OURS.contains(&&*name) {
            self.unknown.push(shell_word(&path));
            return;
        }
        // Only the copies may lie elsewhere.
        if metadata.is_symlink() && name != BACKUPS {
            self.links.push(shell_word(&path));
            return;
        }
        self.file(&path, &metadata, now);
        if FOLDERS.contains(&&*name) && metadata.is_dir() {
            for inner in entries(&path) {
                if let Ok(metadata) = inner.path().symlink_metadata() {
                    self.file(&inner.path(), &metadata, now);
                }
            }
        }
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, now: Timestamp) {
        if private::stranger(path).is_some() {
            self.strangers.push(shell_word(path));
        } else if !metadata.is_symlink() {
            self.mode(path, metadata);
        }
        let written = metadata.modified().ok().map(Timestamp::try_from);
        if let Some(Ok(written)) = written
            && written > now
        {
            self.newest = self.newest.max(Some(written));
        }
    }

    fn mode(&mut self, path: &Path, metadata: &Metadata) {
        if metadata.mode() & private::OTHERS != 0 {
            self.open.push(shell_word(path));
        }
    }

    fn findings(self, root: &Path, now: Timestamp) -> Vec<Finding> {
        let shown = root.display();
        let mut findings = Vec::new();
        let mut add = |code, paths: Vec<String>, fault: &str, remedy: &dyn Fn(&str) -> String| {
            if !paths.is_empty() {
                let told = told(&paths);
                let fault = format!("{fault}: {told}");
                findings.push(Finding::new(code, fault, remedy(&told)));
            }
        };
        add(
            "open_to_others",
            self.open,
            "others can use what is ours",
            &|told| format!("look who may have read or changed it, then `chmod go= {told}`"),
        );
        add(
            "file_is_link",
            self.links,
            "what should be a file of ours is a symbolic link",
            &|_| {
                "look where it leads and who put it there, then put the file itself in its place"
                    .to_owned()
            },
        );
        add(
            "file_of_stranger",
            self.strangers,
            "what should be ours belongs to another user",
            &|told| {
                let own = rustix::process::geteuid().as_raw();
                format!(
                    "run this as the user of the server; if it is, look who put it there, then `chown {own} {told}`"
                )
            },
        );
        add(
            "unknown_file",
            self.unknown,
            &format!("something lies in {shown} that is none of ours"),
            &|_| "look who put it there, and move it away".to_owned(),
        );
        add(
            "half_done",
            self.half_done,
            "something was begun and not ended, such as a restore or a first start",
            &|_| {
                "start the server: it ends what can be ended and removes the rest; while a command or the server is at it, wait".to_owned()
            },
        );
        if let Some(newest) = self.newest.filter(|newest| *newest > now + JUST_NOW) {
            findings.push(Finding::new(
                "clock_behind",
                format!("the clock shows {now}, but a file in {shown} was written at {newest}"),
                "set the clock of this machine, and see that it is kept by NTP",
            ));
        }
        findings
    }
}

/// The first of some paths as they can be typed, and how many more there are.
fn told(paths: &[String]) -> String {
    let first: Vec<&str> = paths.iter().take(MOST_TOLD).map(String::as_str).collect();
    let more = paths.len().saturating_sub(MOST_TOLD);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    format!("{}{more}", first.join(" "))
}
