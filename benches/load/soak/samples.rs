//! What the server takes, looked at again and again.

use crate::server::Server;

/// What it takes at one moment.
#[derive(Clone, Copy)]
pub struct Resources {
    memory: u64,
    files: usize,
    log: u64,
}

impl Resources {
    pub fn of(server: &Server) -> Self {
        let files = std::fs::read_dir(format!("/proc/{}/fd", server.process.id()));
        let log = std::fs::metadata(server.data_dir().join("tollkeeper.db-wal"));
        Self {
            memory: server.process.memory().0,
            files: files.map_or(0, Iterator::count),
            log: log.map_or(0, |log| log.len()),
        }
    }

    pub fn words(self) -> String {
        let log = self.log / (1024 * 1024);
        format!(
            "{} MiB, {} files, {log} MiB of log",
            self.memory, self.files
        )
    }
}

/// All that were taken.
#[derive(Default)]
pub struct Samples(Vec<Resources>);

impl Samples {
    pub fn take(&mut self, resources: Resources) {
        self.0.push(resources);
    }

    /// The greatest of the last half beside the greatest of the first.
    pub fn growth(&self) -> [(&'static str, f64); 3] {
        let (first, last) = self.0.split_at(self.0.len() / 2);
        let most = |part: &[Resources], figure: fn(&Resources) -> u64| {
            let most = part.iter().map(figure).max().unwrap_or(0);
            f64::from(u32::try_from(most).unwrap_or(u32::MAX)).max(1.0)
        };
        let growth = |figure| most(last, figure) / most(first, figure);
        [
            ("memory", growth(|one| one.memory)),
            ("open files", growth(|one| one.files as u64)),
            ("write-ahead log", growth(|one| one.log / 1024)),
        ]
    }
}
