//! The meter, through its public side, on answers and streams in the shapes that providers send.

#[path = "../support/body_tricks.rs"]
mod body_tricks;

mod answers;
mod edits;
mod figures;
mod fixtures;
mod forms;
mod fuzz;
mod refusals;
mod requests;
mod streams;
mod tricks;
