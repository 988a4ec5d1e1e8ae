//! Load on the real binary, with tables that judge: what is an aim stands in its line, and whether it is met. Ends with 1 when one is
//! missed. Builds nothing but itself and the server, and works on loopback in directories of its own.
//!
//! ```sh
//! cargo bench --bench load -- decisions                      # reserving, settling, charging, explaining, forward-auth
//! cargo bench --bench load -- profiles                       # reading, searching and creating profiles
//! cargo bench --bench load -- changes                        # changing and restoring large profiles
//! cargo bench --bench load -- people                         # pages of users, keys and profiles, with a change before each
//! cargo bench --bench load -- open-loop                      # decisions at a fixed rate
//! cargo bench --bench load -- backup                         # decisions while a backup of 1 GiB is made
//! cargo bench --bench load -- proxy                          # ours beside other proxies before one upstream
//! cargo bench --bench load -- compare OTHER                  # this binary and another one, in turn
//! cargo bench --bench load -- hostile [CASE ...]             # what stops a server, beside callers who must not notice it
//! cargo bench --bench load -- soak                           # all of it for twenty minutes, with kills, a full disk and clock steps
//! cargo bench --bench load -- instructions [OTHER]           # instructions a decision takes (needs valgrind)
//! ```
//!
//! Each mode has settings, which `MODE --help` lists. `LOAD_BINARY` names a binary to measure instead of the one that was built with this
//! tool. Directories are where temporary files are, and that disk is what is measured. On one that is shared with others, or beside cores
//! that are all busy, a single sync may take seconds, whoever asks for it: with `TMPDIR=/dev/shm` what is measured is the server alone.

mod backup;
mod bystander;
mod ceiling;
mod changes;
mod client;
mod compare;
mod decisions;
mod exchange;
mod framing;
mod generator;
mod hostile;
mod house;
mod instructions;
mod latencies;
mod measure;
mod open_loop;
mod people;
mod process;
mod profiles;
mod proxy;
mod script;
mod seed;
mod server;
mod settings;
mod soak;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

/// Load on the real binary, with tables that judge.
#[derive(Parser)]
#[command(name = "load", bin_name = "cargo bench --bench load --")]
struct Arguments {
    #[command(subcommand)]
    mode: Option<Mode>,
}

#[derive(Subcommand)]
enum Mode {
    /// Reserving, settling, charging, explaining and forward-auth, with few and many virtual keys
    Decisions(decisions::Arguments),
    /// Reading, searching and creating profiles
    Profiles(profiles::Arguments),
    /// Changing and restoring large profiles, on the disk and in memory
    Changes(changes::Arguments),
    /// Pages of users, holders, virtual keys and profiles, with a change before each of them
    People(people::Arguments),
    /// Decisions at a fixed rate, whether or not those before are answered
    OpenLoop(open_loop::Arguments),
    /// Decisions at a fixed rate while a backup of a large database is made
    Backup(backup::Arguments),
    /// Ours beside other proxies before one upstream
    Proxy(proxy::Arguments),
    /// This binary and another one in turn, and the ratio of their medians
    Compare(compare::Arguments),
    /// What stops a server, beside callers who must not notice it
    Hostile {
        /// Cases by name, instead of all
        cases: Vec<String>,
    },
    /// Everything beside each other for long, with kills, a full disk and a clock that is set; then whether anything was lost or grew
    Soak(soak::Arguments),
    /// Instructions a decision takes, beside another binary's
    Instructions { other: Option<PathBuf> },
    /// A server that decides nothing, for other modes
    #[command(hide = true)]
    Ceiling {
        reading: ceiling::Reading,
        bytes: usize,
    },
    /// An upstream of streams, for the proxies
    #[command(hide = true)]
    Streams,
}

fn main() -> ExitCode {
    // cargo names the harness that is not there.
    let arguments = std::env::args().filter(|argument| argument != "--bench");
    let mode = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.mode,
        // `cargo bench NAME` asks the other benchmarks, which are filtered by name, in the same call.
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => None,
        Err(error) => error.exit(),
    };
    let met = match mode {
        None => {
            println!("{}", Arguments::command().render_help());
            true
        }
        Some(Mode::Decisions(arguments)) => decisions::run(&arguments),
        Some(Mode::Profiles(arguments)) => profiles::run(&arguments),
        Some(Mode::Changes(arguments)) => changes::run(&arguments),
        Some(Mode::People(arguments)) => people::run(&arguments),
        Some(Mode::OpenLoop(arguments)) => open_loop::run(&arguments),
        Some(Mode::Backup(arguments)) => backup::run(&arguments),
        Some(Mode::Proxy(arguments)) => proxy::run(&arguments),
        Some(Mode::Compare(arguments)) => compare::run(&arguments),
        Some(Mode::Hostile { cases }) => hostile::run(&cases),
        Some(Mode::Soak(arguments)) => soak::run(&arguments),
        Some(Mode::Instructions { other }) => instructions::run(other.as_deref()),
        Some(Mode::Ceiling { reading, bytes }) => {
            ceiling::serve(reading, bytes);
            true
        }
        Some(Mode::Streams) => {
            proxy::serve_streams();
            true
        }
    };
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
