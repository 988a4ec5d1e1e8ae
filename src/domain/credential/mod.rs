//! Credentials: `tk_<kind>_<id>_<secret><crc>` (DESIGN.md, Credentials).
//!
//! The id (12 base62 characters) is public. The secret (43 base62 characters, 256 random bits) is shown once. The checksum (6
//! base62 characters, CRC-32/ISO-HDLC over all before it) tells a mistyped token from a wrong one before any costly work.

pub mod revocation;
pub mod seal;
pub mod throttle;
pub mod token_like;

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Length of the public id, in characters.
pub const ID_LENGTH: usize = 12;
/// Length of the secret, in characters.
pub const SECRET_LENGTH: usize = 43;
/// How many secrets of a key may work beside the current one, each until the end of its own grace period.
pub const MAX_EARLIER: usize = 3;
const CRC_LENGTH: usize = 6;
/// What the tokens of every kind begin with.
pub(super) const PREFIX: &str = "tk_";
/// More characters than any token has.
const MAX_TOKEN: usize = 128;

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `tk_mgmt_…`: authenticates management and decision calls.
    Management,
    /// `tk_vk_…`: a virtual key, what an end user's call carries.
    Virtual,
    /// `tk_code_…`: what a sign-in link carries; opens the page once and authenticates nothing.
    SignIn,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Management, Self::Virtual, Self::SignIn];

    /// How the kind stands in a token.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Management => "tk_mgmt_",
            Self::Virtual => "tk_vk_",
            Self::SignIn => "tk_code_",
        }
    }

    /// How people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Management => "management API key",
            Self::Virtual => "virtual key",
            Self::SignIn => "sign-in code",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// A whole token in plain text. It can be shown only through [`Token::reveal`], and is wiped when dropped.
#[derive(Clone)]
pub struct Token {
    kind: Kind,
    text: Zeroizing<String>,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAToken {
    /// It has another shape.
    Shape,
    /// It has the shape, but a character is wrong or missing.
    Checksum,
}

impl Token {
    /// A token from 12 + 43 characters' worth of randomness; every byte of `random` is reduced to the alphabet.
    ///
    /// Bytes of 248 and more must not occur: they would make some characters likelier. [`Token::usable`] filters them.
    pub fn from_random(kind: Kind, random: &mut [u8; ID_LENGTH + SECRET_LENGTH]) -> Self {
        let letters = letters(random);
        let (id, secret) = letters.split_at(ID_LENGTH);
        Self::assemble(kind, id, secret)
    }

    /// A token with a new secret for an id that exists; the first characters of `random` are not used.
    pub fn with_id(kind: Kind, id: &str, random: &mut [u8; ID_LENGTH + SECRET_LENGTH]) -> Self {
        let letters = letters(random);
        Self::assemble(kind, id, &letters[ID_LENGTH..])
    }

    fn assemble(kind: Kind, id: &str, secret: &str) -> Self {
        let mut text = Zeroizing::new(format!("{}{id}_{secret}", kind.prefix()));
        let crc = checksum(text.as_bytes());
        text.extend(crc.map(char::from));
        Self { kind, text }
    }

    /// Whether a random byte may become a character: 248 is the largest multiple of 62 in a byte.
    pub fn usable(byte: u8) -> bool {
        byte < 248
    }

    /// Reads a token: shape and checksum, nothing else.
    ///
    /// # Errors
    /// [`NotAToken`] says what is wrong, without repeating the text.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))
            .ok_or(NotAToken::Shape)?;
        let rest = &text[kind.prefix().len()..];
        let well_formed = rest.len() == ID_LENGTH + 1 + SECRET_LENGTH + CRC_LENGTH
            && rest.bytes().enumerate().all(|(at, byte)| match at {
                ID_LENGTH => byte == b'_',
                _ => byte.is_ascii_alphanumeric(),
            });
        if !well_formed {
            return Err(NotAToken::Shape);
        }
        let (body, crc) = text.split_at(text.len() - CRC_LENGTH);
        if checksum(body.as_bytes()) != *crc.as_bytes() {
            return Err(NotAToken::Checksum);
        }
        Ok(Self {
            kind,
            text: Zeroizing::new(text.to_owned()),
        })
    }

    /// What the token is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The public id.
    pub fn id(&self) -> &str {
        let start = self.kind.prefix().len();
        &self.text[start..start + ID_LENGTH]
    }

    /// The secret part, for hashing.
    pub fn secret(&self) -> &[u8] {
        let start = self.kind.prefix().len() + ID_LENGTH + 1;
        &self.text.as_bytes()[start..start + SECRET_LENGTH]
    }

    /// SHA-256 of the secret, which is random enough for that: what is kept of tokens that are not hashed slowly.
    pub fn secret_hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret()).into()
    }

    /// What lists show in place of the token: kind, id and an ellipsis.
    pub fn masked(&self) -> String {
        masked(self.kind, self.id())
    }

    /// The whole token in plain text: for the answer that creates it, and for hashing it.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

/// What lists show in place of a token with this id.
pub fn masked(kind: Kind, id: &str) -> String {
    format!("{}{id}_…", kind.prefix())
}

/// Whether a text has the beginning of a token in it, so that it should be kept nowhere.
pub fn may_hold_token(text: &str) -> bool {
    text.contains(PREFIX) && Kind::ALL.iter().any(|kind| text.contains(kind.prefix()))
}

/// Whether a whole token of ours stands somewhere in these bytes.
pub fn bytes_hold_token(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, PREFIX).any(|start| {
        let rest = &bytes[start..];
        let is_of_token = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let length = rest.iter().take(MAX_TOKEN).take_while(is_of_token).count();
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        Token::parse(text).is_ok()
    })
}

/// A text with every token in it masked, whole or not: somebody may have put one where none belongs.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let next = |text: &str| {
        let found = Kind::ALL
            .into_iter()
            .filter_map(|kind| Some(text.find(kind.prefix())? + kind.prefix().len()));
        found.min()
    };
    // What both begin with: most texts hold neither, and are looked through once.
    if !text.contains(PREFIX) {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = next(rest) {
        let (before, after) = rest.split_at(start);
        let length = after
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let (run, left) = after.split_at(length);
        shown.push_str(before);
        if length > ID_LENGTH + 1 {
            shown.push_str(&run[..ID_LENGTH]);
            shown.push_str("_…");
        } else {
            shown.push_str(run);
        }
        rest = left;
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn letters(random: &mut [u8]) -> Zeroizing<String> {
    let letters = random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % 62]))
        .collect();
    random.zeroize();
    Zeroizing::new(letters)
}

fn checksum(bytes: &[u8]) -> [u8; CRC_LENGTH] {
    let mut rest = crc32fast::hash(bytes);
    let mut letters = [b'0'; CRC_LENGTH];
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(kind: Kind) -> Token {
        let mut random = std::array::from_fn(|at| u8::try_from(at * 7 % 248).unwrap());
        Token::from_random(kind, &mut random)
    }

    #[test]
    fn a_token_reads_back_as_itself() {
        for kind in Kind::ALL {
            let made = token(kind);
            let read = Token::parse(made.reveal()).unwrap_or_else(|why| panic!("{why:?}"));
            assert_eq!(
                (read.kind(), read.id(), read.secret()),
                (kind, made.id(), made.secret())
            );
            assert!(
                !made
                    .masked()
                    .contains(std::str::from_utf8(made.secret()).unwrap())
            );
        }
    }

    #[test]
    fn tokens_in_a_text_are_masked_whole_or_cut_off() {
        let (one, other) = (token(Kind::Management), token(Kind::Virtual));
        let text = format!("a/{}?b={} é", one.reveal(), other.reveal());
        let masked = format!("a/{}?b={} é", one.masked(), other.masked());
        assert_eq!(redacted(&text), masked);
        assert_eq!(redacted(&masked), masked);
        assert_eq!(
            redacted(&one.reveal()[..30]),
            format!("{}…", &one.reveal()[..21])
        );
        for harmless in ["", "tk_mgmt", "tk_mgmt_", "tk_vk_ab", "no token"] {
            assert_eq!(redacted(harmless), harmless);
        }
    }

    #[test]
    fn every_single_wrong_character_is_noticed() {
        let text = token(Kind::Management).reveal().to_owned();
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'z' { b'y' } else { b'z' };
            assert!(
                Token::parse(std::str::from_utf8(&wrong).unwrap()).is_err(),
                "position {at}"
            );
        }
        for wrong in [
            "",
            "tk_mgmt_",
            "tk_mgmt_é",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}0"),
        ] {
            assert!(Token::parse(wrong).is_err(), "{wrong}");
        }
    }
}
