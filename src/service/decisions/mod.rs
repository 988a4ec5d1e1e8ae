//! What joins the ledger with the store for who asks about calls.

pub mod explain;
pub mod near_limits;
pub mod pricing;
pub mod quota;
pub mod usage;
