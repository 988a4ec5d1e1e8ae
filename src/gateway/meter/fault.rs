//! What is wrong with a request that can't be metered, so that it is not passed on.

use std::fmt;

/// What kind of refusal a fault is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 400: it is not written as it should be, or could be read in two ways.
    Invalid,
    /// 413: it is larger than what is read.
    TooLarge,
    /// 415: it is of a kind that is not read.
    MediaType,
}

/// Why a request can't be metered: a value, not an error of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFault {
    /// What it is answered with.
    pub kind: FaultKind,
    /// The member, field or header that is wrong; none where it is all of the body.
    pub param: Option<String>,
    /// A sentence for people: what is wrong, where, and what was expected. Repeats no value of the request but a name.
    pub message: String,
}

/// What is said of a file that the provider keeps.
pub const KEPT_FILE: &str = "names a file that the provider keeps, maybe of somebody else; send the file itself, or its address";

impl RequestFault {
    /// A fault of one member or field; the sentence is put behind its name.
    pub fn at(param: impl Into<String>, sentence: impl fmt::Display) -> Self {
        let param = param.into();
        Self {
            kind: FaultKind::Invalid,
            message: format!("{param}: {sentence}"),
            param: Some(param),
        }
    }

    /// A fault of the body as a whole.
    pub fn of_body(sentence: impl fmt::Display) -> Self {
        Self {
            kind: FaultKind::Invalid,
            param: None,
            message: format!("the body {sentence}"),
        }
    }

    /// The same fault as one of another kind.
    pub fn with_kind(mut self, kind: FaultKind) -> Self {
        self.kind = kind;
        self
    }
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
