//! Strict JSON: one value, no duplicate keys, bounded depth, numbers kept digit by digit.
//!
//! `serde_json` does the parsing; [`parse`] refuses what it lets pass (RFC 8259 §4 leaves duplicate names open; taking the last one
//! silently would lose what the sender wrote).

mod reading;
mod value;

pub use self::reading::parse;
pub use self::value::{Json, Members};
