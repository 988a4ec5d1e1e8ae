//! Migrations and the page's files are embedded by macros, which cargo does not see: it builds anew when one is added or changed.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=static");
}
