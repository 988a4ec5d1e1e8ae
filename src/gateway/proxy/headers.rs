//! Which headers pass: all but those of one connection, and every credential, which stays on its own side.

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

use crate::domain::credential::may_hold_token;
use crate::gateway::upstream::Upstream;

/// Where a caller may have put a virtual key, or a key of a provider that we would not use.
const CREDENTIALS: [&str; 7] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-bf-vk",
    "proxy-authorization",
    "cookie",
];
/// What belongs to one connection (RFC 9110 §7.6.1), is worked out anew, or is not the caller's to say.
const OF_CONNECTION: [&str; 18] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
    "expect",
    "accept-encoding",
    "http2-settings",
    // Where a caller is, which account is billed, and which parts of an answer come, usage perhaps not among them.
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "openai-organization",
    "openai-project",
    "x-goog-fieldmask",
];
/// Headers of a provider's answer that are about its own clients, or about us.
const NOT_ANSWERED: [&str; 11] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "set-cookie",
    "strict-transport-security",
    "alt-svc",
    "clear-site-data",
];
/// Before headers that are ours.
const OURS: &str = "x-tollkeeper-";

/// The headers of a call on their way to its upstream, from those that its caller sent, by name in lower case and value.
pub fn to_upstream<'h>(
    sent: impl Iterator<Item = (&'h str, &'h [u8])>,
    upstream: &Upstream,
) -> HeaderMap {
    let sent: Vec<_> = sent.collect();
    let named = named_by_connection(sent.iter().copied());
    let mut headers = HeaderMap::with_capacity(sent.len() + 4);
    for (name, value) in sent {
        let is_left_out = CREDENTIALS.contains(&name)
            || OF_CONNECTION.contains(&name)
            || name.starts_with(OURS)
            || named.iter().any(|one| one == name);
        if is_left_out || holds_token(value) {
            continue;
        }
        let pair = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_bytes(value).ok());
        if let Some((name, value)) = pair {
            headers.append(name, value);
        }
    }
    // What is compressed can't be looked into piece by piece as it passes.
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    for (name, value) in upstream.headers() {
        headers.insert(name.clone(), value.clone());
    }
    if let Some((name, value)) = upstream.credential() {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// The headers of an answer on their way to the caller. Its length is left out: the body may change.
pub fn to_caller(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let connection = headers.get_all(header::CONNECTION).iter();
    let named = names(connection.map(HeaderValue::as_bytes));
    headers.iter().filter(move |(name, _)| {
        let name = name.as_str();
        !NOT_ANSWERED.contains(&name)
            && name != "content-length"
            && !name.starts_with(OURS)
            && !named.iter().any(|one| one == name)
    })
}

fn named_by_connection<'h>(sent: impl Iterator<Item = (&'h str, &'h [u8])>) -> Vec<String> {
    names(
        sent.filter(|(name, _)| *name == "connection")
            .map(|(_, value)| value),
    )
}

fn names<'h>(values: impl Iterator<Item = &'h [u8]>) -> Vec<String> {
    let texts = values.filter_map(|value| std::str::from_utf8(value).ok());
    texts
        .flat_map(|text| text.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

/// Whether a key of ours stands in a value, wherever the caller put it.
fn holds_token(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"tk_").is_some() && may_hold_token(&String::from_utf8_lossy(value))
}
