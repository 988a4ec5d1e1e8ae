//! The routes of users and roles.

use crate::http::route::Route;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
