//! Backups: what one is called, what it says of itself, and what is known of the last ones.

pub mod manifest;
pub mod name;
pub mod passphrase;
pub mod restoration;
pub mod retention;
pub mod state;
