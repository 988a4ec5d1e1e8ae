//! The HTTP contract, by behaviour, through a real server.

#[path = "../support/mod.rs"]
mod support;

mod access_log;
mod assignments;
mod authentication;
mod bodies;
mod decisions;
mod discipline;
mod documents;
mod explain;
mod forward_auth;
mod health;
mod history;
mod holdings;
mod holdings_model;
mod key_changes;
mod key_idempotency;
mod key_rights;
mod key_rotation;
mod key_uses;
mod keys;
mod life;
mod limits;
mod list_model;
mod lists;
mod matrix;
mod openapi;
mod overrides;
mod parser;
mod permissions;
mod policies;
mod profiles;
mod propagation;
mod roles;
mod rotation;
mod schemas;
mod session;
mod throttling;
mod tool_groups;
mod usage;
mod users;
mod validation;
mod values;
mod virtual_keys;
