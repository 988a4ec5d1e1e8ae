//! The routes of virtual keys.

use crate::http::route::Route;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
