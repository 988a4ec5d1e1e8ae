//! What every mode that measures a load can be told.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::generator::{Load, Pace};
use super::server::Launch;

#[derive(clap::Args)]
pub struct Settings {
    /// How long each line is measured
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    seconds: f64,
    /// Give the server all processors but the last, which only this tool has (needs taskset)
    #[arg(long)]
    pinned: bool,
}

impl Settings {
    /// How a binary is started to be measured: what counts is how quickly reservations are made, not how many one caller may leave open.
    pub fn launch(&self, binary: &Path) -> Launch {
        Launch::of(binary)
            .under(&self.wrapper())
            .with_if_known("TOLLKEEPER_DECISIONS__MAX_OPEN_PER_VIRTUAL_KEY", "1000000")
            .with_if_known(
                "TOLLKEEPER_DECISIONS__MAX_OPEN_PER_MANAGEMENT_KEY",
                "1000000",
            )
    }

    /// The command before a server that gives it its processors.
    pub fn wrapper(&self) -> Vec<String> {
        let words = ["taskset".to_owned(), "-c".to_owned()];
        let its = self.pinned.then(|| format!("0-{}", last_processor() - 1));
        its.map_or_else(Vec::new, |its| words.into_iter().chain([its]).collect())
    }

    /// Gives this process its own processor, if it was asked to.
    pub fn pin(&self) {
        if self.pinned {
            let [own, process] = [last_processor().to_string(), std::process::id().to_string()];
            let set = Command::new("taskset")
                .args(["-a", "-c", "-p", &own, &process])
                .output();
            assert!(set.unwrap().status.success(), "taskset pins this tool");
        }
    }

    /// A closed loop.
    pub fn load(&self, connections: usize) -> Load {
        Load {
            connections,
            pace: Pace::AsAnswered,
            duration: Duration::from_secs_f64(self.seconds),
        }
    }
}

fn last_processor() -> usize {
    // Not those that this process may use: it may be pinned already.
    let list = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let processors = list
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    assert!(processors > 1, "with one processor nothing can be pinned");
    processors - 1
}
