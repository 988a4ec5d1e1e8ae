//! Upstreams as the proxy calls them: the address that a path becomes, the header of the key, and how each was seen last.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use hyper::Uri;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};

use crate::domain::settings::upstream::{UpstreamDialect, UpstreamSettings};
use crate::domain::values::letter_case::fold;
use crate::error::{Error, Result};

/// An upstream.
pub struct Upstream {
    /// As it was set.
    pub settings: UpstreamSettings,
    /// The provider without regard to case.
    pub provider_key: Box<str>,
    scheme: Scheme,
    authority: Authority,
    /// What stands before every path, without a slash at its end.
    base_path: String,
    credential: Option<(HeaderName, HeaderValue)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    seen: Seen,
}

/// How an upstream was seen last. Counts begin with the process.
#[derive(Default)]
struct Seen {
    answers: AtomicU64,
    refusals: AtomicU64,
    failures: AtomicU64,
    status: AtomicU64,
    latency_us: AtomicU64,
    answered_at: AtomicI64,
    failed_at: AtomicI64,
}

/// How an upstream was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamState {
    /// Answers since the start of the process, refusals among them.
    pub answers: u64,
    /// Of these, those of status 400 and above.
    pub refusals: u64,
    /// Calls that got no answer.
    pub failures: u64,
    /// The status of the last answer; none before there was one.
    pub last_status: Option<u16>,
    /// How long the last answer took to begin, in microseconds.
    pub last_latency_us: u64,
    /// When it began, in milliseconds since 1970.
    pub last_answer_at: Option<i64>,
    /// When a call last got no answer.
    pub last_failure_at: Option<i64>,
}

impl Upstream {
    /// An upstream that can be called.
    ///
    /// # Errors
    /// [`Error::Refused`] when its address or its key can't be sent.
    pub fn new(settings: UpstreamSettings) -> Result<Self> {
        let wrong = |what: &str| {
            let name = &settings.name;
            Error::refused(format!("upstream {name:?}: {what}"))
        };
        let uri: Uri = settings
            .base_url
            .parse()
            .map_err(|error| wrong(&format!("base_url: {error}")))?;
        let (Some(scheme), Some(authority)) = (uri.scheme().cloned(), uri.authority().cloned())
        else {
            return Err(wrong(
                "base_url: expected an address such as \"https://api.example.com/v1\"",
            ));
        };
        let path = uri.path().trim_end_matches('/');
        // What an SDK of that dialect takes ends with the version.
        let base_path = if path.is_empty() && settings.dialect == UpstreamDialect::OpenAi {
            "/v1"
        } else {
            path
        };
        let credential = match &settings.key {
            Some(key) => Some(
                credential(settings.dialect, key.expose())
                    .ok_or_else(|| wrong("its key can't stand in a header"))?,
            ),
            None => None,
        };
        let mut headers = Vec::new();
        for (name, value) in &settings.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .ok()
                .zip(HeaderValue::from_str(value).ok());
            headers.push(parsed.ok_or_else(|| wrong(&format!("headers: {name:?} can't be sent")))?);
        }
        Ok(Self {
            provider_key: fold(&settings.provider).into(),
            scheme,
            authority,
            base_path: base_path.to_owned(),
            credential,
            headers,
            seen: Seen::default(),
            settings,
        })
    }

    /// The address of a path of the dialect, which begins with a slash, and its query.
    pub fn uri(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        // What an SDK of OpenAI takes ends with the version, whatever it is called; what others take does not.
        let versions = ["/v1", "/v1beta"];
        let is_there = |version: &&str| self.base_path.ends_with(*version);
        let doubled = match self.settings.dialect {
            UpstreamDialect::OpenAi => Some("/v1"),
            _ => versions.into_iter().find(is_there),
        };
        let below = doubled.and_then(|version| path.strip_prefix(version));
        let below = below.filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let mut whole = format!("{}{below}", self.base_path);
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            whole.push('?');
            whole.push_str(query);
        }
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(whole.parse::<PathAndQuery>().ok()?);
        Uri::from_parts(parts).ok()
    }

    /// The header that its key is sent in, marked as secret; none where none is needed.
    pub fn credential(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.credential.as_ref()
    }

    /// Headers that every call of it carries.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Notes the beginning of an answer.
    pub fn answered(&self, status: u16, latency_us: u64, now_ms: i64) {
        self.seen.answers.fetch_add(1, Ordering::Relaxed);
        if status >= 400 {
            self.seen.refusals.fetch_add(1, Ordering::Relaxed);
        }
        self.seen.status.store(u64::from(status), Ordering::Relaxed);
        self.seen.latency_us.store(latency_us, Ordering::Relaxed);
        self.seen.answered_at.store(now_ms, Ordering::Relaxed);
    }

    /// Notes a call without an answer.
    pub fn failed(&self, now_ms: i64) {
        self.seen.failures.fetch_add(1, Ordering::Relaxed);
        self.seen.failed_at.store(now_ms, Ordering::Relaxed);
    }

    /// How it was seen last.
    pub fn state(&self) -> UpstreamState {
        let time = |at: &AtomicI64| Some(at.load(Ordering::Relaxed)).filter(|at| *at != 0);
        let status = self.seen.status.load(Ordering::Relaxed);
        UpstreamState {
            answers: self.seen.answers.load(Ordering::Relaxed),
            refusals: self.seen.refusals.load(Ordering::Relaxed),
            failures: self.seen.failures.load(Ordering::Relaxed),
            last_status: u16::try_from(status).ok().filter(|status| *status != 0),
            last_latency_us: self.seen.latency_us.load(Ordering::Relaxed),
            last_answer_at: time(&self.seen.answered_at),
            last_failure_at: time(&self.seen.failed_at),
        }
    }
}

/// The header of a key.
fn credential(dialect: UpstreamDialect, key: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) = match dialect {
        UpstreamDialect::OpenAi => (AUTHORIZATION, format!("Bearer {key}")),
        UpstreamDialect::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
        UpstreamDialect::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
        UpstreamDialect::Azure => (HeaderName::from_static("api-key"), key.to_owned()),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    // Whatever shows headers leaves it out.
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(text: &str) -> Upstream {
        Upstream::new(toml::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn a_path_is_put_behind_the_address_that_an_sdk_takes() {
        for (settings, path, expected) in [
            (
                "name = \"openai\"",
                "/v1/chat/completions",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "name = \"openai\"",
                "/chat/completions",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "name = \"groq\"",
                "/v1/chat/completions",
                "https://api.groq.com/openai/v1/chat/completions",
            ),
            (
                "name = \"anthropic\"",
                "/v1/messages",
                "https://api.anthropic.com/v1/messages",
            ),
            (
                "name = \"a\"\nbase_url = \"http://127.0.0.1:9/\"",
                "/v1/embeddings",
                "http://127.0.0.1:9/v1/embeddings",
            ),
            (
                "name = \"a\"\nbase_url = \"http://127.0.0.1:9/api/v4\"",
                "/v1/embeddings",
                "http://127.0.0.1:9/api/v4/embeddings",
            ),
            (
                "name = \"gemini\"",
                "/v1beta/models/g:generateContent",
                "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
            ),
        ] {
            let uri = upstream(settings).uri(path, None).unwrap();
            assert_eq!(uri.to_string(), expected, "{settings}");
        }
        let uri = upstream("name = \"openai\"")
            .uri("/v1/models", Some("a=b"))
            .unwrap();
        assert_eq!(uri.query(), Some("a=b"));
    }
}
