//! Load on the real binary, with a table that judges. Builds nothing but itself and the server, works on loopback in a directory of
//! its own, and ends with 1 when an aim is missed.
//!
//! ```sh
//! cargo bench --bench load -- hostile [CASE ...]             # what stops a server, beside callers who must not notice it
//! cargo bench --bench load -- instructions [OTHER BINARY]    # instructions a decision takes (needs valgrind)
//! ```
//!
//! The directory is where temporary files are. On a disk that is shared with others, or beside cores that are all busy, a single sync may
//! take seconds, whoever asks for it: with `TMPDIR=/dev/shm` what is measured is the server alone.

mod bystander;
mod client;
mod hostile;
mod house;
mod instructions;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    // cargo names the harness that is not there.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let Some((mode, rest)) = arguments.split_first() else {
        println!(
            "modes of `cargo bench --bench load --`: hostile [CASE ...], instructions [OTHER BINARY]"
        );
        return ExitCode::SUCCESS;
    };
    let met = match mode.as_str() {
        "hostile" => hostile::run(rest),
        "instructions" => instructions::run(rest),
        // The other benchmarks are filtered by name in the same call.
        _ => true,
    };
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
