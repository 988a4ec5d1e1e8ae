//! What stops a server, played one after the other against a fresh one each, while somebody else uses it.

mod floods;
mod held;

use std::time::Duration;

use super::bystander::{Seen, beside};
use super::house::{Person, make_people};
use super::server::{Launch, Server, tollkeeper};

/// The 99th percentile of the other caller, in milliseconds (R18).
const MOST_P99: f64 = 50.0;

/// A case: what is played, and by how many MiB the process may grow meanwhile.
struct Case {
    name: &'static str,
    growth: u64,
    play: fn(&Server, &[Person]) -> Outcome,
}

/// What is wrong beyond latencies and memory, and what else is worth showing.
struct Outcome {
    note: String,
    faults: Vec<String>,
}

impl Outcome {
    fn of(note: String) -> Self {
        Self {
            note,
            faults: Vec::new(),
        }
    }

    fn fault_if(mut self, wrong: bool, what: &str) -> Self {
        if wrong {
            self.faults.push(what.to_owned());
        }
        self
    }
}

const CASES: [Case; 11] = [
    Case {
        name: "half-heads",
        growth: 32,
        play: held::half_heads,
    },
    Case {
        name: "unread-bodies",
        growth: 32,
        play: held::unread_bodies,
    },
    Case {
        name: "unread-answers",
        growth: 96,
        play: held::unread_answers,
    },
    Case {
        name: "expressions",
        growth: 96,
        play: floods::expressions,
    },
    Case {
        name: "invented-models",
        growth: 64,
        play: floods::invented_models,
    },
    Case {
        name: "open-reservations",
        growth: 96,
        play: floods::open_reservations,
    },
    Case {
        name: "idempotency-keys",
        growth: 96,
        play: floods::idempotency_keys,
    },
    Case {
        name: "slow-reads",
        growth: 64,
        play: floods::slow_reads,
    },
    Case {
        name: "audit-walks",
        growth: 64,
        play: floods::audit_walks,
    },
    Case {
        name: "dead-keys",
        growth: 64,
        play: floods::dead_keys,
    },
    Case {
        name: "wrong-keys",
        growth: 96,
        play: floods::wrong_keys,
    },
];

/// Plays the cases that are named, or all; whether all went as they should.
pub fn run(names: &[String]) -> bool {
    println!(
        "{:<18} {:>7} {:>8} {:>8} {:>9} {:>9}  {:<7} what was done",
        "case", "others", "p50 ms", "p99 ms", "failures", "MiB more", ""
    );
    let mut met = true;
    for case in CASES {
        if names.is_empty() || names.iter().any(|name| case.name == name) {
            met &= judge(&case);
        }
    }
    met
}

fn judge(case: &Case) -> bool {
    let server = Launch::of(&tollkeeper()).fresh();
    let people = make_people(&server, 3);
    // What the server needs for the other caller at all is not the hostile one's doing.
    let ((), quiet) = beside(&server, &people[0].key, || {
        std::thread::sleep(Duration::from_secs(1));
    });
    let (before, _) = server.process.memory();
    server.process.forget_peak();
    let (outcome, others) = beside(&server, &people[0].key, || (case.play)(&server, &people));
    let (_, peak) = server.process.memory();
    let growth = peak.saturating_sub(before);
    let mut faults = outcome.faults;
    judge_others(&others, &mut faults);
    if growth > case.growth {
        faults.push(format!("{growth} MiB more, aim {}", case.growth));
    }
    println!(
        "{:<18} {:>7} {:>8.2} {:>8.2} {:>9} {:>9}  {:<7} {} (p99 before {:.2})",
        case.name,
        others.latencies.count(),
        others.latencies.at(0.5),
        others.latencies.at(0.99),
        others.failures,
        growth,
        if faults.is_empty() { "ok" } else { "MISSED" },
        outcome.note,
        quiet.latencies.at(0.99),
    );
    for fault in &faults {
        println!("    {fault}");
    }
    faults.is_empty()
}

fn judge_others(others: &Seen, faults: &mut Vec<String>) {
    let p99 = others.latencies.at(0.99);
    if p99 > MOST_P99 {
        faults.push(format!(
            "p99 of the other caller {p99:.1} ms, aim {MOST_P99}"
        ));
    }
    if others.failures > 0 {
        faults.push(format!("{} answers did not come", others.failures));
    }
}
