//! The routes of what users hold: roles of profiles, copies, propagation, overrides.

use crate::http::route::Route;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
