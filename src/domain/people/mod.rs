//! Users, their roles, and what they hold.

pub mod holding;
pub mod role;
pub mod user;
pub mod user_copy;
pub mod user_input;
