//! Answers about upstreams.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::settings::upstream::KeySource;
use crate::gateway::upstream::Upstream;

/// The upstreams, in the order of the settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpstreamList {
    /// The upstreams.
    pub upstreams: Vec<UpstreamView>,
}

/// A provider's address, and how it was seen last. Never its key, nor the values of its headers.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpstreamView {
    /// By which paths name it.
    pub name: String,
    /// The provider as access profiles and prices call it.
    pub provider: String,
    /// Its address.
    pub base_url: String,
    /// How it is spoken to: `openai`, `anthropic`, `gemini` or `azure`.
    pub dialect: &'static str,
    /// The file that its key was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<String>,
    /// The variable that its key was read from. Without either it is called without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_variable: Option<String>,
    /// Whether its calls cost nothing.
    pub free: bool,
    /// Beginnings of paths that pass although nothing that they cost is seen.
    pub unmetered_paths: Vec<String>,
    /// The names of headers that every call of it carries.
    pub headers: Vec<String>,
    /// `unused` before its first call, `failing` while the last one got no answer or one of status 500 and above, else `answering`.
    pub state: &'static str,
    /// Calls that it answered since the start of the process, those among them that it refused.
    pub answers: u64,
    /// Of these, those of status 400 and above.
    pub errors: u64,
    /// Calls that got no answer, none that is whole, or only that the key or the address is wrong.
    pub failures: u64,
    /// Its last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<LastAnswerView>,
    /// Its last call without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailureView>,
}

/// An answer of an upstream.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastAnswerView {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Its status.
    pub status: u16,
    /// How long it took to begin, in milliseconds.
    pub latency_ms: f64,
}

/// A call that got no answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastFailureView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why: `not_connected`, `broken_off`, `timed_out`, `redirects` or `key_refused`.
    pub reason: &'static str,
    /// A sentence about it.
    pub message: &'static str,
}

impl From<&Upstream> for UpstreamView {
    fn from(upstream: &Upstream) -> Self {
        let (settings, seen) = (&upstream.settings, upstream.state.seen());
        let (file, variable) = match &settings.key_source {
            Some(KeySource::File(path)) => (Some(path.display().to_string()), None),
            Some(KeySource::Variable(name)) => (None, Some(name.clone())),
            None => (None, None),
        };
        Self {
            name: settings.name.clone(),
            provider: settings.provider.clone(),
            base_url: settings.base_url.clone(),
            dialect: settings.dialect.name(),
            api_key_file: file,
            api_key_variable: variable,
            free: settings.free,
            unmetered_paths: settings.unmetered_paths.clone(),
            headers: settings.headers.keys().cloned().collect(),
            state: seen.state(),
            answers: seen.answers,
            errors: seen.errors,
            failures: seen.failures,
            last_answer: seen.last_answer.map(|last| LastAnswerView {
                at: last.at,
                status: last.status,
                latency_ms: last.latency.as_secs_f64() * 1_000.0,
            }),
            last_failure: seen.last_failure.map(|(at, why)| {
                let (reason, message) = why.about();
                LastFailureView {
                    at,
                    reason,
                    message,
                }
            }),
        }
    }
}
