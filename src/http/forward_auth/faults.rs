//! What is wrong with a request that a gateway asks about, beside what the meter finds wrong with its body.

use std::fmt;

use crate::domain::body::violation::{Path, Violation};
use crate::error::Error;

/// A fault of one header, or of the path.
pub fn fault(param: &'static str, code: &'static str, sentence: impl fmt::Display) -> Error {
    Violation::alone(&Path::root().field(param), code, sentence)
}
