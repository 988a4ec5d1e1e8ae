//! Texts with something in them that could be taken for a credential of ours, which are kept nowhere and shown to nobody.

use super::{ID_LENGTH, PREFIX};

/// What is said of a text with something in it that looks like a token.
pub const NO_CREDENTIAL: &str = "has something in it that looks like a Tollkeeper key (tk_…), and is shown to others; leave it out, and rotate the \
     key if it is a real one";

/// Pieces of a secret from which on a text looks like a token that was cut off: what lists show ends before the first.
const PIECE: usize = 8;
/// Longest name of a kind that is looked for, so that one of a later version is kept out too.
const LONGEST_KIND: usize = 8;

/// Whether a text has a token in it, or what somebody could take for one: in any case, cut off, mistyped or with text around it.
pub fn looks_like_token(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < PREFIX.len() + 2 + ID_LENGTH + 1 + PIECE {
        return false;
    }
    let begins = |at: &usize| bytes[at + 1].eq_ignore_ascii_case(&b'k') && bytes[at + 2] == b'_';
    memchr::memchr2_iter(b't', b'T', &bytes[..bytes.len() - PREFIX.len()])
        .filter(begins)
        .any(|at| {
            let rest = &bytes[at + PREFIX.len()..];
            let run = |bytes: &[u8]| {
                bytes
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric())
                    .count()
            };
            let kind = run(rest);
            let id = &rest[rest.len().min(kind + 1)..];
            let secret = &id[id.len().min(ID_LENGTH + 1)..];
            (1..=LONGEST_KIND).contains(&kind)
                && rest.get(kind) == Some(&b'_')
                && run(id) == ID_LENGTH
                && id.get(ID_LENGTH) == Some(&b'_')
                && run(secret) >= PIECE
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::{Kind, Token};

    fn token(kind: Kind) -> Token {
        let mut random = std::array::from_fn(|at| u8::try_from(at * 7 % 248).unwrap());
        Token::from_random(kind, &mut random)
    }

    #[test]
    fn what_looks_like_a_token_is_found_wherever_it_stands() {
        for kind in [Kind::Management, Kind::Virtual] {
            let whole = token(kind).reveal().to_owned();
            for text in [
                whole.clone(),
                whole.to_uppercase(),
                whole.to_lowercase(),
                format!("the key is {whole}."),
                format!("tk_{whole}"),
                whole[..whole.len() - 1].to_owned(),
                whole[..whole.len() - 40].to_owned(),
                whole.replace("tk_vk", "tk_other"),
            ] {
                assert!(looks_like_token(&text), "{text}");
            }
            for harmless in [
                token(kind).masked(),
                format!("{} keys", kind.prefix()),
                whole[3..].to_owned(),
            ] {
                assert!(!looks_like_token(&harmless), "{harmless}");
            }
        }
        for harmless in [
            "",
            "tk_",
            "tk_vk_****",
            "stk_market_value_2026_and_something_else",
            "tttttttttttttttttttttttttttttttttttk",
        ] {
            assert!(!looks_like_token(harmless), "{harmless}");
        }
    }
}
