//! Access profiles for AI gateways, in one binary and one SQLite file.
//!
//! The path of one request, and with it the reading order of the modules:
//!
//! 1. [`cli`] parses the command line, [`config`] gathers the settings, [`app`] opens the store and binds.
//! 2. [`http`]: `discipline` wraps every request; the route table names its handler; the handler's first argument is the guard
//!    that authenticates the caller; the handler turns the body into a value of [`domain`], whose construction is validation.
//! 3. [`service`] does one write: one transaction with the change, its version and its audit entry. Plain reads skip it.
//! 4. [`ledger`] knows what was used and who may use what; whatever changes who holds what goes through it.
//! 5. [`store`] runs SQL: one writer thread that groups commits, a pool of readers.
//! 6. [`gateway`] carries calls to providers: it reads, quotes, sends, passes on and charges them.
//! 7. [`metrics`] is what all of them count with; [`http::metrics`] shows it.
//! 8. [`error`] names what can go wrong for what the caller should do; `http::core::problem` gives it its one shape.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

pub mod app;
pub mod backup_schedule;
pub mod certificate_watch;
pub mod cli;
pub mod config;
pub mod domain;
pub mod error;
pub mod file_limit;
pub mod gateway;
pub mod http;
pub mod ledger;
pub mod listening;
pub mod metrics;
pub mod prepared;
pub mod reload;
pub mod repeating;
pub mod retries;
pub mod service;
pub mod signals;
pub mod store;
pub mod supervisor;
pub mod upkeep;
