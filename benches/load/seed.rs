//! A directory to measure on, and what is asked there. Each server gets a copy of its own, so that all begin with the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::script::Line;
use super::server::{Launch, Server};

/// What a server that has stopped in order left, and the lines for servers on copies of it.
pub struct Seed {
    directory: TempDir,
    pub lines: Vec<Line>,
}

impl Seed {
    /// What `fill` makes on a new server of a binary, and the lines that it answers.
    pub fn make(binary: &Path, fill: impl FnOnce(&Server) -> Vec<Line>) -> Self {
        let server = Launch::of(binary).fresh();
        let lines = fill(&server);
        Self {
            directory: server.stop(),
            lines,
        }
    }

    /// What servers get a copy of.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts a server on a copy, where temporary files are, or elsewhere.
    pub fn start(&self, launch: &Launch, place: Option<&Path>) -> Server {
        let copy = place
            .map_or_else(tempfile::tempdir, tempfile::tempdir_in)
            .unwrap();
        let data = self.data_dir();
        // With the permissions that the server wants.
        let copied = Command::new("cp")
            .arg("-a")
            .arg(data)
            .arg(copy.path())
            .status();
        assert!(copied.unwrap().success(), "a data directory can be copied");
        let server = launch.on(copy);
        server.process.wait_for("/ready");
        server
    }
}
