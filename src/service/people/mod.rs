//! Users and roles, and who holds what.

pub mod assignments;
pub mod budget_overrides;
pub mod copies;
pub mod holdings;
pub mod roles;
pub mod users;
