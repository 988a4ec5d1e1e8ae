//! A server as a process: when it answers, and what it and the processes that it starts take of the machine.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::client::{Connection, request};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// From one look whether it has started to the next.
const LOOK: Duration = Duration::from_millis(2);
/// What comes before the port in the line by which a server says where it listens.
pub const LISTENING: &str = "listening on http://127.0.0.1:";

/// A running process that listens; killed when dropped, with those that it has started.
pub struct Process {
    child: Child,
    pub port: u16,
    began: Instant,
}

impl Process {
    /// Starts a command whose log goes into a file, as an operator would do it, and waits until it says where it listens.
    pub fn start(command: Command, log: &Path) -> Self {
        Self::start_until(command, log, || {
            port_in(&std::fs::read_to_string(log).unwrap_or_default())
        })
    }

    /// Starts a command that is told where to listen, and waits until it does.
    pub fn start_on(port: u16, command: Command, log: &Path) -> Self {
        Self::start_until(command, log, || Connection::open(port).ok().map(|_| port))
    }

    fn start_until(mut command: Command, log: &Path, listens: impl Fn() -> Option<u16>) -> Self {
        let file = File::create(log).unwrap();
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        loop {
            if let Some(port) = listens() {
                return Self { child, port, began };
            }
            let ended = child.try_wait().unwrap().is_some();
            assert!(
                !ended && began.elapsed() < PATIENCE,
                "{command:?} does not listen:\n{}",
                std::fs::read_to_string(log).unwrap_or_default()
            );
            std::thread::sleep(LOOK);
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// It and all that it has started.
    pub fn ids(&self) -> Vec<u32> {
        let mut parents = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let id = entry.file_name().to_str().and_then(|id| id.parse().ok());
            let parent = id.and_then(|id| Some((id, stat(id)?.get(1)?.parse().ok()?)));
            parents.extend(parent);
        }
        let mut found = vec![self.id()];
        let mut at = 0;
        while let Some(&parent) = found.get(at) {
            let children = parents.iter().filter(|(_, of)| *of == parent);
            found.extend(children.map(|(id, _): &(u32, u32)| *id));
            at += 1;
        }
        found
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
        let [mut now, mut peak] = [0, 0];
        for id in self.ids() {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let of = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
                kib.unwrap_or(0)
            };
            now += of("VmRSS:");
            peak += of("VmHWM:");
        }
        (now / 1024, peak / 1024)
    }

    pub fn forget_peak(&self) {
        for id in self.ids() {
            // Where the system does not allow it, the peak is that of the whole run, which judges more strictly.
            let _ = std::fs::write(format!("/proc/{id}/clear_refs"), "5");
        }
    }

    /// The processor time that all its threads have had, in all its processes.
    pub fn processor_time(&self) -> Duration {
        self.ids().into_iter().map(processor_time).sum()
    }

    /// Stops in order.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may have ended by itself.
        for id in self.ids().into_iter().skip(1) {
            let id = i32::try_from(id).ok().and_then(Pid::from_raw);
            let _ = id.map(|id| kill_process(id, Signal::KILL));
        }
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
    // User and system time.
    let ticks = stat(id)
        .into_iter()
        .flat_map(|fields| fields.into_iter().skip(11).take(2));
    TICK * ticks
        .map(|ticks| ticks.parse::<u32>().unwrap())
        .sum::<u32>()
}

/// What the kernel says of a process that is there: its state, its parent and so on.
fn stat(id: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before the bracket may have spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}
