//! The call path: what reads a call and its answer in the dialect of a provider, and what refuses in it.

pub mod meter;
pub mod refusal;
