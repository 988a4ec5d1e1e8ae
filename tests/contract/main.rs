//! The HTTP contract to the letter: what a client of it sends, every answer it gets, and what the OpenAPI document shows of both.
//!
//! `operations.json` lists the operations of the contract, `answers.json` what they answer; both are in our own words.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod compatibility;
mod examples;
mod habits;
mod operations;
mod recorded;
mod schema;
mod story;
mod walk;
