//! SQLite, and nothing else: every SQL statement of the program is in this folder, and only this folder knows the libraries
//! behind it. No policy rules, no HTTP.
//!
//! [`Store::unit_of_work`] hands a closure to the one writer thread ([`writer`]); [`Store::read`] runs one on a pooled read-only
//! connection. [`directory`] owns the data directory, [`open`] decides whether a file is ours and sound, [`migrate`] brings it
//! to this version's schema, [`health`] says whether it still is.

pub mod access_profile_details;
pub mod access_profile_lists;
pub mod access_profile_roles;
pub mod access_profile_versions;
pub mod access_profiles;
pub mod api_key_hints;
pub mod api_key_secrets;
pub mod api_keys;
pub mod audit;
pub mod budget_overrides;
mod connection;
pub mod decision_rows;
pub mod directory;
pub mod explained_names;
mod fault;
pub mod followers;
pub mod former_secrets;
mod handle;
pub mod health;
pub mod idempotency;
pub mod journal;
mod lists;
pub mod managed_keys;
pub mod migrate;
mod name_keys;
pub mod names;
pub mod open;
pub mod packed_versions;
pub mod policies;
pub mod propagation;
pub mod read_cache;
mod remembered;
pub mod roles;
pub mod rotations;
pub mod sequences;
pub mod settings;
mod sql;
mod stored_values;
mod taken;
pub mod tool_groups;
mod unit_of_work;
pub mod usage;
pub mod user_access_profiles;
pub mod users;
pub mod virtual_keys;
pub mod writer;

pub use self::handle::{READERS, Reader, Store};
pub use self::sql::{Reading, Writing};
pub use self::unit_of_work::{Occasion, Seat, Work, WorkInTurn};
pub use self::writer::job::{Needs, Submitted};
