//! The routes of decisions, reservations, usage and quota.

use crate::http::route::Route;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
