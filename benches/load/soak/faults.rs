//! What is done to the server, and whether what it leaves is sound.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::books::Finding;
use crate::process::Process;
use crate::server::tollkeeper;

/// No file that matters can grow with this limit.
const NO_ROOM: u64 = 4_000;
/// Seconds that the clock is set to beside the true time, one after the other.
const STEPS: [i64; 6] = [3_600, 0, 1, -1, -3_600, 0];

/// One of them.
pub enum Fault {
    /// `kill -9`, and the next start.
    Killed,
    /// No room on the disk for a while.
    DiskFull,
    /// The clock is so many seconds beside the true time from now on.
    ClockSet(i64),
}

impl Fault {
    pub fn name(&self) -> String {
        match self {
            Self::Killed => "killed".to_owned(),
            Self::DiskFull => "the disk is full".to_owned(),
            Self::ClockSet(seconds) => format!("the clock is set to {seconds:+} s"),
        }
    }
}

/// How they are done.
pub struct Faults {
    /// The library and the file that it reads the clock from.
    clock: Option<(PathBuf, PathBuf)>,
}

impl Faults {
    pub fn prepare(directory: &Path, library: &Path) -> Self {
        let file = directory.join("clock");
        std::fs::write(&file, "+0").unwrap();
        let is_there = library.is_file();
        if !is_there {
            println!(
                "{} is not there: the clock is left alone",
                library.display()
            );
        }
        Self {
            clock: is_there.then(|| (library.to_owned(), file)),
        }
    }

    /// The command before the server: what a file that is too large would end it with is ignored, as on a full disk a write then fails.
    pub fn wrapper(&self) -> Vec<String> {
        let mut words = vec!["/bin/sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
        let clock = self.clock.as_ref().map(|(library, file)| {
            [
                "env".to_owned(),
                format!("LD_PRELOAD={}", library.display()),
                format!("FAKETIME_TIMESTAMP_FILE={}", file.display()),
                "FAKETIME_CACHE_DURATION=1".to_owned(),
                "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
                "NO_FAKE_STAT=1".to_owned(),
            ]
        });
        let clock = clock.as_ref().into_iter().flatten();
        words.extend(clock.map(String::as_str));
        words.into_iter().map(str::to_owned).collect()
    }

    /// The fault whose turn it is: kills come between all others.
    pub fn in_turn(&self, turn: usize) -> Fault {
        match (turn % 2, turn / 2 % 4) {
            (0, _) => Fault::Killed,
            (_, 0) => Fault::DiskFull,
            (_, place) if self.clock.is_some() => {
                Fault::ClockSet(STEPS[(turn / 8 * 3 + place - 1) % STEPS.len()])
            }
            _ => Fault::Killed,
        }
    }

    #[expect(clippy::unused_self, reason = "as the other faults")]
    pub fn fill_disk(&self, server: &Process) {
        limit_files(server, Some(NO_ROOM));
    }

    #[expect(clippy::unused_self, reason = "as the other faults")]
    pub fn free_disk(&self, server: &Process) {
        limit_files(server, None);
    }

    pub fn set_clock(&self, seconds: i64) {
        if let Some((_, file)) = &self.clock {
            std::fs::write(file, format!("{seconds:+}")).unwrap();
        }
    }
}

fn limit_files(server: &Process, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: getrlimit(Resource::Fsize).maximum,
    };
    let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    prlimit(id, Resource::Fsize, limit).unwrap();
}

/// Whether the database, its counters and its audit log are sound: the checks of a backup say so.
pub fn left_sound(directory: &Path) -> Vec<Finding> {
    let data = directory.join("data");
    let run = |arguments: &[&str]| {
        let output = Command::new(tollkeeper())
            .arg("--data-dir")
            .arg(&data)
            .args(arguments)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (!output.status.success()).then_some(said)
    };
    let log = data.join("tollkeeper.db-wal");
    let left = std::fs::metadata(log).map_or(0, |log| log.len());
    let backup = directory.join("backup");
    std::fs::create_dir(&backup).unwrap();
    let backup = backup
        .to_str()
        .expect("a temporary directory has a plain name");
    vec![
        (
            "write-ahead log after the stop".to_owned(),
            (left > 0).then(|| format!("{left} bytes")),
        ),
        ("audit log".to_owned(), run(&["audit", "verify"])),
        (
            "database, counters and journal".to_owned(),
            run(&["backup", backup]),
        ),
    ]
}
