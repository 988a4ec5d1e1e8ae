//! Budgets and rate limits: what they are, in which windows they count, and how they stand.

pub mod budget_override;
pub mod clock_high_water;
pub mod copy_limits;
pub mod limit;
pub mod limit_state;
pub mod window;
