//! The routes of MCP tool groups.

use crate::http::route::Route;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
