//! SQLite, and nothing else: every SQL statement of the program is in this folder, and only this folder knows the libraries
//! behind it. No policy rules, no HTTP.
//!
//! [`Store::unit_of_work`] hands a closure to the one writer thread ([`writer`]); [`Store::read`] runs one on a pooled read-only
//! connection. [`directory`] owns the data directory; in [`database`], `open` decides whether a file is ours and sound, `migrate`
//! brings it to this version's schema, and `health` says whether it still is.

pub mod access_profiles;
pub mod api_keys;
pub mod audit;
pub mod backups;
pub mod database;
pub mod decision_rows;
pub mod directory;
pub mod explained_names;
pub mod followers;
mod handle;
pub mod idempotency;
pub mod journal;
pub mod lists;
pub mod people;
pub mod prices;
mod sql;
mod stored_values;
pub mod tool_groups;
mod unit_of_work;
pub mod usage;
pub mod virtual_keys;
pub mod writer;

pub use self::handle::{READERS, Reader, Store};
pub use self::sql::{Reading, Writing};
pub use self::unit_of_work::{Occasion, Seat, Work, WorkInTurn};
pub use self::writer::job::{Needs, Submitted};
