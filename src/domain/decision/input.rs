//! The bodies of the decision API: what a gateway asks before a call and reports after it.
//!
//! A decision is asked for on every call, so a body that is as it should be is read in one pass, without an intermediate tree
//! (`quick.rs`). Anything else is read again field by field, so that the refusal names every violation.

mod bodies;
mod calls;
mod kinds;
mod quick;
#[cfg(test)]
mod tests;

pub use self::bodies::{CALL, EXPLANATION, EXTENSION, SETTLEMENT, USAGE};
pub use self::calls::{
    CallInput, ExplainInput, ExtendInput, MAX_KEY_TEXT, MAX_TTL_SECONDS, NO_CREDENTIAL, NoKey,
    SettleInput, UsageInput, presented,
};

/// Largest body of a decision, in bytes (RELIABILITY.md, R14).
pub const MAX_DECISION_BODY: usize = 64 * 1024;
