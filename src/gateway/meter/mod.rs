//! What a call asks for and what it used, read from bodies and streams in the dialects of providers. Knows no socket and no clock.
//!
//! [`endpoint_path`] tells what a path asks for, [`request`] what the body asks for and how it goes on, [`stream`] and [`answer`] what was
//! used. [`decoder`] unpacks what [`stream`] is to look at.

pub mod answer;
mod body_object;
mod called_model;
pub mod decoder;
pub mod dialect;
pub mod endpoint_path;
pub mod fault;
mod form_request;
mod json_request;
mod json_scanner;
mod media;
pub mod metered_request;
mod multipart;
mod object_members;
mod output_bound;
mod prompt_size;
pub mod request;
mod seen_document;
mod splices;
mod sse_lines;
pub mod stream;
mod unpriced;
mod usage_in_stream;
