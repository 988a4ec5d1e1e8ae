//! How large a gateway says that a call is.

/// How large a gateway says that a call is, where it leaves it to us what that may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallSize {
    /// Input tokens.
    pub prompt_tokens: Option<i64>,
    /// The most output tokens.
    pub max_tokens: Option<i64>,
}

impl CallSize {
    /// Whether anything is said.
    pub fn is_given(self) -> bool {
        self != Self::default()
    }

    /// What is said, by the name of its field.
    pub fn named(self) -> impl Iterator<Item = (&'static str, i64)> {
        let Self {
            prompt_tokens,
            max_tokens,
        } = self;
        [("prompt_tokens", prompt_tokens), ("max_tokens", max_tokens)]
            .into_iter()
            .filter_map(|(name, tokens)| Some((name, tokens?)))
    }
}
