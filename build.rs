//! Migrations and the page's files are embedded by macros, which cargo does not see: it builds anew when one is added or changed. And
//! the program says by which compiler it was made; from which commit, where `BUILT_FROM_COMMIT` says it. Neither name may be one of settings.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-env-changed=BUILT_FROM_COMMIT");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc).arg("--version").output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!(
        "cargo::rustc-env=BUILT_BY_RUSTC={}",
        told.unwrap_or_default()
    );
}
