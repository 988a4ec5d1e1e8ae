//! The ledger on a real database, without HTTP: it is compared with a plain model, and driven by many threads at once.

mod actions;
mod agree;
mod clock;
mod copy;
mod crowd;
mod departures;
mod faults;
mod holds;
mod house;
mod lines;
mod lost;
mod model;
mod names;
mod plan;
mod poison;
mod questions;
mod random;
mod tail;
mod windows;
