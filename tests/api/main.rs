//! The HTTP contract, by behaviour, through a real server.

#[path = "../support/mod.rs"]
mod support;

mod documents;
mod profiles;
