//! The call path: what reads a call and its answer in the dialect of a provider, and the proxy that carries it.

pub mod client;
pub mod meter;
pub mod no_answer;
pub mod proxy;
pub mod refusal;
pub mod trust;
pub mod upstream;
pub mod upstream_figures;
pub mod upstream_state;
