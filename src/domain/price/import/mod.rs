//! Prices that others publish in a form of their own, as entries of the operator.

pub mod imported;
pub mod litellm;
pub mod models_dev;
