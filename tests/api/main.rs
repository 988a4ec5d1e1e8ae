//! The HTTP contract, by behaviour, through a real server.

#[path = "../support/mod.rs"]
mod support;

mod access_log;
mod authentication;
mod bodies;
mod discipline;
mod documents;
mod health;
mod history;
mod life;
mod limits;
mod list_model;
mod lists;
mod openapi;
mod parser;
mod permissions;
mod policies;
mod profiles;
mod rotation;
mod schemas;
mod validation;
mod values;
