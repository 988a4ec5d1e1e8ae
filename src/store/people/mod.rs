//! The tables of users, of roles, and of what users hold.

pub mod budget_overrides;
pub mod roles;
pub mod user_access_profiles;
pub mod users;
