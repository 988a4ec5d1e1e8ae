//! What must never go wrong, with crashes, full disks and foreign files (RELIABILITY.md).

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod changes;
mod crash;
mod disk;
mod first_start;
mod keys;
mod refusals;
mod stopping;
