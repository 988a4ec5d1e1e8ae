//! The real binary as a process on a directory of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use super::client::{Answer, Connection, request};

/// The binary that is measured: the one that was built with this tool, or that which `LOAD_BINARY` names.
pub fn tollkeeper() -> PathBuf {
    let built = env!("CARGO_BIN_EXE_tollkeeper");
    std::env::var_os("LOAD_BINARY").map_or_else(|| built.into(), PathBuf::from)
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    /// The header that lets in whoever may do everything.
    pub operator: String,
    log_bytes: Arc<AtomicU64>,
    directory: TempDir,
}

impl Server {
    /// Starts a binary on an empty directory. `wrapper` is a command before it, such as valgrind, with its arguments.
    pub fn start(binary: &Path, wrapper: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut command = match wrapper.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .current_dir(directory.path())
            .env_remove("TOLLKEEPER_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("the server did not start").unwrap();
            if let Some((_, rest)) = line.split_once("listening on http://127.0.0.1:") {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break digits.parse().unwrap();
            }
        };
        let log_bytes = Arc::new(AtomicU64::new(0));
        let sum = Arc::clone(&log_bytes);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                sum.fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
            }
        });
        let key = std::fs::read_to_string(data.join("initial-key")).unwrap();
        Self {
            child,
            port,
            operator: format!("Authorization: Bearer {}", key.trim()),
            log_bytes,
            directory,
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.port).unwrap()
    }

    /// Asks as the operator, on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = request(method, path, &self.operator, body);
        self.connect().ask(&request).unwrap()
    }

    /// Runs a command of the same binary on the directory of this server.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(tollkeeper())
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .unwrap()
    }

    /// What was logged so far, in bytes.
    pub fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    /// The memory of the process now and at its highest since [`Server::forget_peak`], in MiB.
    pub fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) / 1024
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    pub fn forget_peak(&self) {
        // Where the system does not allow it, the peak is that of the whole run, which judges more strictly.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    /// Stops in order, so that a wrapper writes down what it has seen.
    pub fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
