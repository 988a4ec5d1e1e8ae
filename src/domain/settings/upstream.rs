//! Upstreams: the addresses of providers, how each is spoken to, and where its key comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::values::span;

/// What the paths of our own begin with, so that no upstream can have such a name.
pub const RESERVED: [&str; 16] = [
    "api",
    "v1",
    "v1beta",
    "docs",
    "static",
    "health",
    "ready",
    "metrics",
    "beta",
    "claim",
    "connect",
    "assets",
    "favicon.ico",
    "openapi.json",
    "robots.txt",
    "tollkeeper",
];
/// Longest name of an upstream, in characters.
const MAX_NAME: usize = 63;
/// Most upstreams.
pub const MAX_UPSTREAMS: usize = 100;
/// Headers that are ours to set, or belong to one connection.
const OUR_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
];

/// How a provider is spoken to: its paths, the header of its key, and its bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamDialect {
    /// As `OpenAI`: `Authorization: Bearer`, paths after `/v1`.
    OpenAi,
    /// As Anthropic: `x-api-key`, `/v1/messages`.
    Anthropic,
    /// As Gemini: `x-goog-api-key`, `/v1beta/models/…`.
    Gemini,
    /// As `OpenAI` on Azure: `api-key`, `/openai/deployments/…`.
    Azure,
}

impl UpstreamDialect {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Azure => "azure",
        }
    }
}

/// A provider's address with its key, `[[upstreams]]` in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// By which paths name it: 1 to 63 of `a-z 0-9 . _ -`, none of our own paths' first pieces.
    pub name: String,
    /// The provider as access profiles and prices call it.
    pub provider: String,
    /// What an SDK of its dialect takes as the address, without the last slash.
    pub base_url: String,
    /// How it is spoken to.
    pub dialect: UpstreamDialect,
    /// Where its key comes from; none for those that need none.
    pub key_source: Option<KeySource>,
    /// The key, once it was read.
    pub key: Option<UpstreamKey>,
    /// Calls of it cost nothing.
    pub free: bool,
    /// Beginnings of paths that pass although nothing that they cost is seen.
    pub unmetered_paths: Vec<String>,
    /// Headers that every call of it carries, instead of those of the caller.
    pub headers: BTreeMap<String, String>,
    /// A file with certificates that it is trusted by, beside those that the program brings.
    pub ca_file: Option<PathBuf>,
    /// Until it must be connected.
    pub connect_timeout: Duration,
    /// Until its answer must begin.
    pub answer_timeout: Duration,
    /// Until more of its answer must come.
    pub idle_timeout: Duration,
}

/// Where the key of an upstream comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The first line of a file.
    File(PathBuf),
    /// A variable.
    Variable(String),
}

/// The key of a provider. It is shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamKey(Zeroizing<String>);

impl UpstreamKey {
    /// A key from the text of a file or a variable: one line that can stand in a header.
    ///
    /// # Errors
    /// What is wrong with it, without the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty");
        }
        if !text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
            return Err("has more than one word or line, or characters that no key has");
        }
        if crate::domain::credential::may_hold_token(text) {
            return Err("holds a Tollkeeper key; the key of the provider belongs there");
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for the header of a call to the upstream and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    provider: Option<String>,
    base_url: Option<String>,
    dialect: Option<UpstreamDialect>,
    api_key_file: Option<PathBuf>,
    api_key_variable: Option<String>,
    #[serde(default)]
    free: bool,
    #[serde(default)]
    unmetered_paths: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    ca_file: Option<PathBuf>,
    #[serde(default = "connect_timeout", deserialize_with = "span::<1, 300, _>")]
    connect_timeout: Duration,
    #[serde(default = "answer_timeout", deserialize_with = "span::<1, 86_400, _>")]
    answer_timeout: Duration,
    #[serde(default = "idle_timeout", deserialize_with = "span::<1, 86_400, _>")]
    idle_timeout: Duration,
}

fn connect_timeout() -> Duration {
    Duration::from_secs(10)
}

fn answer_timeout() -> Duration {
    Duration::from_mins(10)
}

fn idle_timeout() -> Duration {
    Duration::from_mins(5)
}

/// The address and dialect of providers that everybody knows.
fn known(name: &str) -> Option<(&'static str, UpstreamDialect)> {
    Some(match name {
        "openai" => ("https://api.openai.com/v1", UpstreamDialect::OpenAi),
        "anthropic" => ("https://api.anthropic.com", UpstreamDialect::Anthropic),
        "gemini" | "google" => (
            "https://generativelanguage.googleapis.com",
            UpstreamDialect::Gemini,
        ),
        "groq" => ("https://api.groq.com/openai/v1", UpstreamDialect::OpenAi),
        "mistral" => ("https://api.mistral.ai/v1", UpstreamDialect::OpenAi),
        "openrouter" => ("https://openrouter.ai/api/v1", UpstreamDialect::OpenAi),
        "deepseek" => ("https://api.deepseek.com/v1", UpstreamDialect::OpenAi),
        "ollama" => ("http://127.0.0.1:11434/v1", UpstreamDialect::OpenAi),
        _ => return None,
    })
}

impl<'de> Deserialize<'de> for UpstreamSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let name = written.name.clone();
        written
            .read()
            .map_err(|what| D::Error::custom(format_args!("upstream {name:?}: {what}")))
    }
}

impl Written {
    fn read(self) -> Result<UpstreamSettings, String> {
        check_name(&self.name)?;
        let known = known(&self.name);
        let base_url = self.base_url.as_deref().or(known.map(|known| known.0));
        let base_url = base_url
            .ok_or("base_url is required: the address that an SDK of the provider takes")?;
        let dialect = self
            .dialect
            .or(known.map(|known| known.1))
            .unwrap_or(UpstreamDialect::OpenAi);
        let key_source = match (self.api_key_file, self.api_key_variable) {
            (Some(_), Some(_)) => {
                return Err(
                    "has both api_key_file and api_key_variable; one says where the key is"
                        .to_owned(),
                );
            }
            (Some(file), None) => Some(KeySource::File(file)),
            (None, variable) => variable.map(KeySource::Variable),
        };
        if let Some(path) = self.unmetered_paths.iter().find(|path| !is_path(path)) {
            return Err(format!(
                "unmetered_paths: expected the beginning of a path such as \"/v1/files\", found {path:?}"
            ));
        }
        for (header, value) in &self.headers {
            check_header(header, value)?;
        }
        Ok(UpstreamSettings {
            base_url: checked_url(base_url)?,
            provider: self.provider.unwrap_or_else(|| self.name.clone()),
            name: self.name,
            dialect,
            key_source,
            key: None,
            free: self.free,
            unmetered_paths: self.unmetered_paths,
            headers: self.headers,
            ca_file: self.ca_file,
            connect_timeout: self.connect_timeout,
            answer_timeout: self.answer_timeout,
            idle_timeout: self.idle_timeout,
        })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let begins = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !begins || name.len() > MAX_NAME || !name.bytes().all(fits) {
        return Err(format!(
            "a name has 1 to {MAX_NAME} of the characters a-z, 0-9, '.', '_' and '-', because it stands in paths"
        ));
    }
    if RESERVED.contains(&name) {
        return Err("the name is the beginning of paths of our own; choose another".to_owned());
    }
    Ok(())
}

fn is_path(path: &str) -> bool {
    path.len() > 1
        && path.starts_with('/')
        && !path.contains("//")
        && !path.contains("..")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#%\\".contains(&byte))
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let is_token = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let is_value = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if !is_token || !is_value {
        return Err(format!(
            "headers: {name:?} is no header, or its value can't stand in one"
        ));
    }
    if OUR_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!(
            "headers: {name} is set by the program; the key comes from api_key_file or api_key_variable"
        ));
    }
    Ok(())
}

/// The address without its last slash.
fn checked_url(url: &str) -> Result<String, String> {
    let expected = || {
        format!(
            "base_url: expected an address such as \"https://api.example.com/v1\", found {url:?}"
        )
    };
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or_else(expected)?;
    let host = rest.split('/').next().unwrap_or_default();
    let is_plain = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"?#\\%".contains(&byte));
    if host.is_empty() || !is_plain || host.contains('@') || rest.contains("..") {
        return Err(expected());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// A list of upstreams, each with a name of its own.
pub fn upstreams<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<UpstreamSettings>, D::Error> {
    let all = Vec::<UpstreamSettings>::deserialize(deserializer)?;
    if all.len() > MAX_UPSTREAMS {
        return Err(D::Error::custom(format_args!(
            "there may be at most {MAX_UPSTREAMS}"
        )));
    }
    for (at, one) in all.iter().enumerate() {
        if all[..at].iter().any(|other| other.name == one.name) {
            return Err(D::Error::custom(format_args!(
                "two upstreams are called {:?}",
                one.name
            )));
        }
    }
    Ok(all)
}
