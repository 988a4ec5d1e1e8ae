//! What holds for every route, every body, every list and every connection: made from the route table and the OpenAPI document where that
//! can be.

#[path = "../support/mod.rs"]
mod support;

mod absences;
mod authentication;
mod bodies;
mod callers;
mod connections;
mod discipline;
mod documents;
mod encrypted;
mod filters;
mod if_match;
mod keep_alive;
mod limits;
mod losses;
mod matrix;
mod names;
mod nulls;
mod openapi;
mod parser;
mod permissions;
mod replays;
mod schemas;
mod sent_back;
mod sight;
mod slow_reads;
mod texts;
mod throttling;
