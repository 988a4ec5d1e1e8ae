//! `tollkeeper version`: what this program is.

use clap::Args;
use serde_json::json;

use super::print::print_line;
use crate::store::database::{migrate, sqlite_version};

/// How it is printed.
#[derive(Args)]
pub struct VersionArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the version, and with `--json` what it was made of.
pub fn run(arguments: &VersionArguments) {
    let version = env!("CARGO_PKG_VERSION");
    if !arguments.json {
        return print_line(&format!("tollkeeper {version}"));
    }
    let mut made_of = json!({
        "version": version,
        "schema": migrate::newest(),
        "rustc": env!("BUILT_BY_RUSTC"),
        "sqlite": sqlite_version(),
    });
    // Known where who built it said so.
    if let Some(commit) = option_env!("BUILT_FROM_COMMIT") {
        made_of["commit"] = json!(commit);
    }
    print_line(&made_of.to_string());
}
