//! The audit log: entries are only ever appended, in the transaction of the change they tell of.
//!
//! An entry about a new version of an access profile names the version that was there and the one that is; what they say is read
//! from the versions, which are never changed or removed. The entry's hash covers it all the same.

pub(super) mod anchor;
pub(super) mod chain;
mod entries;
pub(super) mod keeper;
mod notes;
pub mod recovery;
pub(super) mod walk;

pub use self::entries::{AuditFilter, list};
