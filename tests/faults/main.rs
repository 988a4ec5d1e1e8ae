//! What must never go wrong, with crashes, full disks and foreign files (RELIABILITY.md).

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod backups;
mod broken_restores;
mod canary;
mod carried_calls;
mod changed_settings;
mod changes;
mod charges;
mod cli;
mod cli_limits;
mod cli_migrate;
mod cli_people;
mod cli_prices;
mod cli_ways;
mod connections;
mod crash;
mod decisions;
mod disk;
mod doctor;
mod first_start;
mod flood;
mod full_disk;
mod key_changes;
mod keys;
mod private;
mod propagation;
mod recovery;
mod refusals;
mod reload;
mod reloaded;
mod runaway;
mod stopping;
mod storing_revocations;
mod supervisor;
mod walk;
