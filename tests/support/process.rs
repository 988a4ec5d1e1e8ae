//! The real binary as a process of its own, for what ends or limits a process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::TempDir;

use super::Client;

/// The binary under test.
pub fn tollkeeper() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollkeeper"));
    command.env_clear();
    command
}

/// A copy of the binary in a folder, for another user who may not go to where it lies. A process of its own writes it: what this one has
/// open to write when another thread starts a process can't be run for a moment.
pub fn copy_of_tollkeeper(folder: &Path) -> PathBuf {
    let copy = folder.join("tollkeeper");
    let mut command = Command::new("cp");
    command.arg(env!("CARGO_BIN_EXE_tollkeeper")).arg(&copy);
    assert!(command.status().unwrap().success());
    copy
}

/// Runs a command on a data directory to its end.
pub fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    tollkeeper()
        .arg("--data-dir")
        .arg(data_dir)
        .args(arguments)
        .output()
        .unwrap()
}

/// Makes a data directory as a server leaves it.
pub fn use_once(data_dir: &Path) {
    assert!(Process::start(data_dir, &[]).terminate().success());
}

/// A copy of a stopped data directory, as good as another that was written the same way.
pub fn copied(data_dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(copy.path(), data_dir);
    copy
}

/// Copies what lies in a stopped data directory, with its modes, owners and times.
pub fn copy_into(copy: &Path, data_dir: &Path) {
    let mut command = Command::new("cp");
    command.arg("-a").arg(data_dir.join(".")).arg(copy);
    assert!(command.status().unwrap().success());
}

/// What a command that fails says to people, and its exit code; it prints nothing.
#[track_caller]
pub fn refused(data_dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(data_dir, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// A running server process; killed when dropped.
pub struct Process {
    pub child: Child,
    pub client: Client,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `tollkeeper serve` on a directory and port 0, and waits until it listens.
    pub fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = tollkeeper();
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments);
        Self::start_command(command, data_dir)
    }

    /// Starts `tollkeeper serve` in a terminal; answers what it printed there, too.
    pub fn start_in_terminal(data_dir: &Path) -> (Self, String) {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let terminal = File::options().write(true).open(name.to_str().unwrap());
        let mut command = tollkeeper();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(data_dir);
        let server = Self::start_command_into(command, data_dir, terminal.unwrap().into());
        // The last of what a first start says.
        let mut lines = BufReader::new(File::from(ours))
            .lines()
            .map_while(Result::ok);
        let mut printed = String::new();
        while !printed.contains("keys create") {
            printed.push_str(&lines.next().expect("the server says what to do"));
            printed.push('\n');
        }
        (server, printed)
    }

    /// Starts a prepared command, which must make the server log that it listens.
    pub fn start_command(command: Command, data_dir: &Path) -> Self {
        Self::start_command_into(command, data_dir, Stdio::null())
    }

    /// The same, with a place for what it prints.
    pub fn start_command_into(mut command: Command, data_dir: &Path, stdout: Stdio) -> Self {
        let mut child = command
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut before = String::new();
        let port = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server did not start:\n{before}")
            };
            before.push_str(&line);
            before.push('\n');
            if let Some((_, places)) = line.split_once("listening on ") {
                break ports_of(places).first().copied().unwrap_or_default();
            }
        };
        let log = Arc::new(Mutex::new(before));
        let sink = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = sink.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let key = std::fs::read_to_string(data_dir.join("initial-key")).unwrap_or_default();
        Self {
            child,
            client: Client::new(port, key.trim()),
            log,
            reader: Some(reader),
        }
    }

    /// The ports that it listens on, in the order of its settings.
    pub fn ports(&mut self) -> Vec<u16> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("listening on "));
        ports_of(line.unwrap().split_once("listening on ").unwrap().1)
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    }

    /// Waits until so many lines of the log hold this text.
    pub fn wait_for_line(&mut self, text: &str, count: usize) {
        while self.log().matches(text).count() < count {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", self.log());
            std::thread::yield_now();
        }
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// Everything that was logged; complete once the process has ended.
    pub fn log(&mut self) -> String {
        if self.child.try_wait().unwrap().is_some()
            && let Some(reader) = self.reader.take()
        {
            reader.join().unwrap();
        }
        self.log.lock().unwrap().clone()
    }
}

fn ports_of(places: &str) -> Vec<u16> {
    let after = places.split("://127.0.0.1:").skip(1);
    let digits = after.map(|rest| rest.chars().take_while(char::is_ascii_digit));
    digits
        .map(|digits| digits.collect::<String>().parse().unwrap())
        .collect()
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
