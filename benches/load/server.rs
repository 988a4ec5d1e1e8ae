//! The real binary on a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::client::{Answer, Connection, request};
use super::process::Process;

/// The binary that is measured: the one that was built with this tool, or that which `LOAD_BINARY` names.
pub fn tollkeeper() -> PathBuf {
    let built = env!("CARGO_BIN_EXE_tollkeeper");
    std::env::var_os("LOAD_BINARY").map_or_else(|| built.into(), PathBuf::from)
}

/// How a binary is started. Settings of the server in the environment of this tool (`TOLLKEEPER_…`) reach it, too.
#[derive(Clone)]
pub struct Launch {
    binary: PathBuf,
    wrapper: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Launch {
    pub fn of(binary: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            wrapper: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// With a command before it, such as valgrind, and its arguments.
    pub fn under(mut self, wrapper: &[String]) -> Self {
        self.wrapper = wrapper.to_vec();
        self
    }

    /// With a setting of the server.
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// With a setting of the server, unless the binary is older than that setting.
    pub fn with_if_known(self, variable: &str, value: &str) -> Self {
        let nowhere = tempfile::tempdir().unwrap();
        let asked = Command::new(&self.binary)
            .args(["keys", "list", "--data-dir"])
            .arg(nowhere.path())
            .env(variable, value)
            .output();
        let said = asked.unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        if String::from_utf8_lossy(&said.stderr).contains("is no setting") {
            return self;
        }
        self.with(variable, value)
    }

    /// On an empty directory.
    pub fn fresh(&self) -> Server {
        self.on(tempfile::tempdir().unwrap())
    }

    /// On a directory that another server has left.
    pub fn on(&self, directory: TempDir) -> Server {
        let mut command = command(&self.wrapper, &self.binary);
        let data = directory.path().join("data");
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .current_dir(directory.path())
            .env_remove("TOLLKEEPER_CONFIG")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        let process = Process::start(command, &directory.path().join("log"));
        let key = std::fs::read_to_string(data.join("initial-key")).unwrap();
        Server {
            process,
            operator: format!("Authorization: Bearer {}", key.trim()),
            binary: self.binary.clone(),
            directory,
        }
    }
}

/// A program under a command with arguments, or by itself where that is empty.
pub fn command(wrapper: &[String], program: &Path) -> Command {
    match wrapper.split_first() {
        Some((first, arguments)) => {
            let mut command = Command::new(first);
            command.args(arguments).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// A running server; killed when dropped.
pub struct Server {
    pub process: Process,
    /// The header that lets in whoever may do everything.
    pub operator: String,
    binary: PathBuf,
    directory: TempDir,
}

impl Server {
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.process.port).unwrap()
    }

    /// Asks as the operator, on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = request(method, path, &self.operator, body);
        self.connect().ask(&request).unwrap()
    }

    /// Runs a command of the same binary on the directory of this server.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(&self.binary)
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .unwrap()
    }

    /// What was logged so far, in bytes.
    pub fn log_bytes(&self) -> u64 {
        let log = self.directory.path().join("log");
        std::fs::metadata(log).unwrap().len()
    }

    /// Stops in order, so that a wrapper writes down what it has seen; answers what is left.
    pub fn stop(self) -> TempDir {
        self.process.stop();
        self.directory
    }

    /// Kills the process; answers what is left.
    pub fn kill(self) -> TempDir {
        self.directory
    }
}
