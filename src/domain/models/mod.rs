//! Models: their names, and the patterns that policies name them with.

pub mod expressions;
pub mod model_name;
pub mod model_pattern;
