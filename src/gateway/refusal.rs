//! Refusals as a caller's own provider would write them, so that every client shows them and none waits in vain.

mod call_fault;
mod dialect_answer;
mod error_body;
mod limit_headers;
mod words;

pub use self::call_fault::{CallFault, fault_in_dialect};
pub use self::dialect_answer::{DialectAnswer, RefusedRequest, refuse_in_dialect};
