//! The program that sent a request, as a log line names it.

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, USER_AGENT};

use crate::domain::credential::redacted;

/// Most characters of a name that are told.
const MOST: usize = 100;
/// What stands for a program that says no name.
const UNNAMED: &str = "-";

/// What a request says that its program is called: one line of letters that anybody sees, without any key of ours, and cut where it is long.
pub fn user_agent(headers: &HeaderMap) -> Cow<'_, str> {
    let Some(given) = headers.get(USER_AGENT) else {
        return Cow::Borrowed(UNNAMED);
    };
    let given = String::from_utf8_lossy(given.as_bytes());
    // What is cut might be half a key, which nobody would know for one any more.
    let shown = match redacted(&given) {
        Cow::Borrowed(_) => given,
        Cow::Owned(masked) => Cow::Owned(masked),
    };
    if shown.is_empty() {
        return Cow::Borrowed(UNNAMED);
    }
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if shown.len() <= MOST && shown.bytes().all(is_plain) {
        return shown;
    }
    let mut cut = String::with_capacity(MOST);
    for letter in shown.chars().take(MOST) {
        match letter {
            ' '..='~' => cut.push(letter),
            other => cut.extend(other.escape_unicode()),
        }
    }
    if shown.chars().nth(MOST).is_some() {
        cut.push('…');
    }
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn shown(given: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_bytes(given).unwrap());
        user_agent(&headers).into_owned()
    }

    #[test]
    fn programs_are_named_in_letters_that_anybody_sees_and_not_at_any_length() {
        assert_eq!(user_agent(&HeaderMap::new()), "-");
        assert_eq!(shown(b""), "-");
        assert_eq!(shown(b"OpenAI/Python 3.57.0"), "OpenAI/Python 3.57.0");
        assert_eq!(shown("a\u{202e}b\t".as_bytes()), "a\\u{202e}b\\u{9}");
        assert_eq!(shown(b"\xff"), "\\u{fffd}");
        let long = shown("x".repeat(5_000).as_bytes());
        assert_eq!(
            (long.chars().count(), long.ends_with('…')),
            (MOST + 1, true)
        );
        let key = format!("{}tk_mgmt_0123456789ab_secretsecretsecret", " ".repeat(75));
        let masked = shown(key.as_bytes());
        assert!(
            masked.contains("tk_mgmt_0123456789ab") && !masked.contains("sec"),
            "{masked}"
        );
    }
}
