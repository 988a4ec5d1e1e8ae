//! What is looked for in names and descriptions: by the trigram index where a text is long enough for it.

use crate::domain::letter_case::fold;

/// Shortest text that the trigram index serves, in characters.
const TRIGRAM: usize = 3;

/// A text that is looked for, without regard to case.
#[derive(Debug, Clone)]
pub struct Search {
    /// The text, folded.
    pub text: String,
    /// The same as a phrase for the trigram index; none when it is too short for that.
    pub phrase: Option<String>,
}

impl Search {
    /// Looks for this.
    pub fn of(text: &str) -> Self {
        let text = fold(text);
        // One phrase in quotes: nothing in it is an operator.
        let phrase =
            (text.chars().count() >= TRIGRAM).then(|| format!("\"{}\"", text.replace('"', "\"\"")));
        Self { text, phrase }
    }
}
