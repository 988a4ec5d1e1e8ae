//! What is wrong, told so that somebody can put it right.

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable machine-readable name.
    pub code: &'static str,
    /// What is wrong.
    pub fault: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// A fault with its remedy.
    pub fn new(code: &'static str, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code,
            fault: fault.into(),
            remedy: remedy.into(),
        }
    }

    /// Both in one sentence.
    pub fn message(&self) -> String {
        format!("{}; {}", self.fault, self.remedy)
    }
}
