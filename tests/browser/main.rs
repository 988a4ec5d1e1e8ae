//! The admin page in real Chromium, driven like a person would, against the real binary on a fresh directory.
//!
//! `cargo test --features browser --test browser` needs chromium, chromedriver, and the tools of `package.json` (see `.ci/run`).
//! Every view is written to `target/screenshots/`; look at them.

mod driver;
mod hands;
mod page;
mod views;

mod accessibility;
mod appearance;
mod base_path;
mod clashes;
mod connect;
mod failures;
mod hostile;
mod keyboard;
mod leaving;
mod overview;
mod people;
mod permissions;
mod pictures;
mod prices;
mod profiles;
mod propagation;
mod reference;
mod secrets;
mod session;
mod speed;
mod tools;
mod traffic;
mod upstreams;
mod usage;

#[path = "../support/mod.rs"]
mod support;
