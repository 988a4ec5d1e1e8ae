//! The HTTP contract to the letter: what the OpenAPI document shows of it.

#[path = "../support/mod.rs"]
mod support;

mod examples;
mod recorded;
mod schema;
