//! The file: whether it is ours and sound, its schema, its connections, and what is kept in it of ourselves.

pub(super) mod connection;
pub mod examine;
pub(super) mod fault;
pub mod health;
pub mod migrate;
pub mod open;
pub mod rehearsal;
pub mod sequences;
pub mod server_settings;
pub mod settings;

/// The version of SQLite that this program holds.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
