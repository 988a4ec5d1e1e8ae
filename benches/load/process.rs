//! A server as a process: when it answers, and what it takes of the machine.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::{Connection, request};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// From one look whether it has started to the next.
const LOOK: Duration = Duration::from_millis(2);
/// What comes before the port in the line by which a server says where it listens.
pub const LISTENING: &str = "listening on http://127.0.0.1:";

/// A running process that listens; killed when dropped.
pub struct Process {
    child: Child,
    pub port: u16,
    began: Instant,
}

impl Process {
    /// Starts a command whose log goes into a file, as an operator would do it, and waits until it listens.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = File::create(log).unwrap();
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        loop {
            let text = std::fs::read_to_string(log).unwrap();
            if let Some(port) = port_in(&text) {
                return Self { child, port, began };
            }
            let ended = child.try_wait().unwrap().is_some();
            assert!(
                !ended && began.elapsed() < PATIENCE,
                "{command:?} does not listen:\n{text}"
            );
            std::thread::sleep(LOOK);
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a path answers 200; answers how long that took since the process was started.
    pub fn wait_for(&self, path: &str) -> Duration {
        let question = request("GET", path, "Accept: */*", "");
        loop {
            let answer = Connection::open(self.port).and_then(|mut one| one.ask(&question));
            let took = self.began.elapsed();
            match answer {
                Ok(answer) if answer.status == 200 => return took,
                answer => assert!(
                    took < PATIENCE,
                    "{path} does not answer 200: {:?}",
                    answer.map(|answer| answer.status)
                ),
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The memory of the process now and at its highest since [`Process::forget_peak`], in MiB.
    pub fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) / 1024
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    pub fn forget_peak(&self) {
        // Where the system does not allow it, the peak is that of the whole run, which judges more strictly.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5");
    }

    /// Stops in order.
    pub fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port_in(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once(LISTENING)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // The line may be half-way written.
    let ended = digits < rest.len();
    rest[..digits].parse().ok().filter(|_| ended)
}

/// The processor time that all threads of a process have had.
pub fn processor_time(id: u32) -> Duration {
    /// What the kernel counts in here, on all but two old architectures.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name before the bracket may have spaces; user and system time are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    TICK * ticks
        .map(|ticks| ticks.parse::<u32>().unwrap())
        .sum::<u32>()
}
