//! Upstreams as the proxy calls them: the address that a path becomes, the header of the key, and how each was seen last.

use std::sync::Arc;

use hyper::Uri;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

use super::trust::{authorities, trust};
use super::upstream_state::UpstreamState;
use crate::domain::settings::upstream::{UpstreamDialect, UpstreamSettings};
use crate::domain::values::letter_case::fold;
use crate::error::{Error, Result};

/// An upstream.
pub struct Upstream {
    /// As it was set.
    pub settings: UpstreamSettings,
    /// How it was seen last, whatever was changed of it since.
    pub state: Arc<UpstreamState>,
    /// The provider without regard to case.
    pub provider_key: Box<str>,
    /// How its certificates are judged.
    pub trust: Arc<ClientConfig>,
    authorities: Vec<CertificateDer<'static>>,
    scheme: Scheme,
    authority: Authority,
    /// What stands before every path, without a slash at its end.
    base_path: String,
    credential: Option<(HeaderName, HeaderValue)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Upstream {
    /// An upstream that can be called.
    ///
    /// # Errors
    /// [`Error::Refused`] when its address or its key can't be sent, or its file of certificates not be used.
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
        let authorities = authorities(&settings)?;
        Ok(Self {
            state: Arc::default(),
            trust: trust(&settings, &authorities)?,
            authorities,
            provider_key: fold(&settings.provider).into(),
            scheme,
            authority,
            base_path: base_path.to_owned(),
            credential,
            headers,
            settings,
        })
    }

    /// Whether it is the same in all that calls of it depend on.
    pub fn is_as(&self, other: &Self) -> bool {
        self.settings == other.settings && self.authorities == other.authorities
    }

    /// The address of a path of the dialect, which begins with a slash, and its query.
    pub fn uri(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        // What an SDK of OpenAI takes ends with the version, whatever it is called; what others take does not.
        let versions = ["/v1", "/v1beta"];
        let is_there = |version: &&str| self.base_path.ends_with(*version);
        let is_versioned = versions.iter().any(is_there);
        let mut doubled = versions
            .into_iter()
            .filter(|version| match self.settings.dialect {
                UpstreamDialect::OpenAi => *version == "/v1",
                _ => is_versioned,
            });
        let below = doubled.find_map(|version| {
            let rest = path.strip_prefix(version);
            rest.filter(|rest| rest.starts_with('/'))
        });
        let below = below.unwrap_or(path);
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
