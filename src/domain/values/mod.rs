//! Small values: amounts, times and texts, with what makes two of them the same or different.

pub mod duration;
pub mod instant;
pub mod letter_case;
pub mod money;
pub mod number;
pub mod patch;
pub mod period;
pub mod repeats;
pub mod shell_word;
pub mod unseen;
