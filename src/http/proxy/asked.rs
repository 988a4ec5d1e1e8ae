//! What a request on a path of the proxy asks for, as far as its path and headers say.

use std::cell::RefCell;
use std::sync::Arc;

use actix_web::http::header::HeaderName;

use crate::domain::credential::may_hold_token;
use crate::domain::settings::upstream::UpstreamDialect;
use crate::gateway::meter::dialect::{Dialect, Endpoint};
use crate::gateway::meter::endpoint_path::recognise;
use crate::gateway::upstream::Upstream;
use crate::http::core::request::Request;

/// What clients of Anthropic send with every request.
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Where a call goes.
pub struct ProxyPath {
    /// The path of the dialect, which begins with a slash.
    path: String,
    named: Option<Arc<Upstream>>,
}

/// What a refusal has to know of a call.
pub struct Asked {
    /// In whose dialect it is answered.
    pub dialect: Dialect,
    /// What it asks for, where that is known.
    pub endpoint: Option<Endpoint>,
    /// The model that it names, once that is known.
    pub model: RefCell<Option<String>>,
}

impl ProxyPath {
    /// A path on which the model says which upstream it is.
    pub fn of_dialect(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            named: None,
        }
    }

    /// A path below the name of an upstream.
    pub fn of_upstream(path: String, upstream: Arc<Upstream>) -> Self {
        let dialect = upstream.settings.dialect;
        // Some take the address of an upstream with its version, and some without.
        let path = if dialect == UpstreamDialect::OpenAi && !path.starts_with("/v1/") {
            format!("/v1{path}")
        } else {
            path
        };
        Self {
            path,
            named: Some(upstream),
        }
    }

    /// The upstream that the path names.
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        self.named.as_ref()
    }

    /// What it asks for, if that is known.
    pub fn endpoint(&self, method: &str) -> Option<Endpoint> {
        recognise(method, &self.path).map(|known| known.endpoint)
    }

    /// The model, or the deployment of Azure, that the path names.
    pub fn model(&self) -> Option<&str> {
        let known = recognise("POST", &self.path).or_else(|| recognise("GET", &self.path));
        known.and_then(|known| known.model)
    }

    /// The path that the upstream is asked for, which names another model where ours has the prefix of a provider.
    pub fn for_upstream(&self, model: &str) -> String {
        let is_azure = self.named_dialect() == Some(UpstreamDialect::Azure);
        match self.model() {
            Some(named) if !is_azure && named != model && !model.is_empty() => {
                // What follows is no part of a name: the path is plain.
                let at = self
                    .path
                    .find("models/")
                    .map_or(0, |at| at + "models/".len());
                let (before, after) = self.path.split_at(at);
                format!("{before}{}", after.replacen(named, model, 1))
            }
            _ => self.path.clone(),
        }
    }

    /// Whether everybody reads the path in the same way.
    pub fn is_plain(&self) -> bool {
        let odd = |byte: u8| !byte.is_ascii_graphic() || b"%\\?#;".contains(&byte);
        !self.path.bytes().any(odd)
            && self
                .path
                .split('/')
                .skip(1)
                .all(|piece| !matches!(piece, "." | ".."))
            && !self.path.contains("//")
    }

    /// Whether it is `prefix` or lies below it.
    pub fn begins_with(&self, prefix: &str) -> bool {
        let rest = self.path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
    }

    fn named_dialect(&self) -> Option<UpstreamDialect> {
        self.named
            .as_ref()
            .map(|upstream| upstream.settings.dialect)
    }

    fn dialect(&self) -> Option<Dialect> {
        match self.named_dialect()? {
            UpstreamDialect::OpenAi | UpstreamDialect::Azure => Some(Dialect::OpenAi),
            UpstreamDialect::Anthropic => Some(Dialect::Anthropic),
            UpstreamDialect::Gemini => Some(Dialect::Gemini),
        }
    }
}

impl Asked {
    /// What the path and the headers say.
    pub fn new(request: &Request, path: &ProxyPath) -> Self {
        let known = recognise(request.method(), &path.path);
        let by_header = || {
            request
                .header(&ANTHROPIC_VERSION)
                .map(|_| Dialect::Anthropic)
        };
        let is_list = known.is_none_or(|known| {
            matches!(known.endpoint, Endpoint::ListModels | Endpoint::GetModel)
        });
        let by_path = known
            .map(|known| known.dialect)
            .filter(|dialect| !is_list || *dialect != Dialect::OpenAi);
        let dialect = path
            .dialect()
            .or(by_path)
            .or_else(|| if is_list { by_header() } else { None });
        Self {
            dialect: dialect.unwrap_or(if path.path.starts_with("/v1beta/") {
                Dialect::Gemini
            } else {
                Dialect::OpenAi
            }),
            endpoint: known.map(|known| known.endpoint),
            model: RefCell::new(known.and_then(|known| known.model).map(str::to_owned)),
        }
    }

    /// Notes the model that the body names.
    pub fn note_model(&self, model: &str) {
        *self.model.borrow_mut() = (!model.is_empty()).then(|| model.to_owned());
    }
}

/// Parameters of Google's APIs by which an answer comes without its usage, or not as JSON.
const SHAPING: [&str; 5] = ["fields", "$fields", "callback", "$callback", "%24fields"];

/// The query that goes on: without Gemini's `key`, in which some clients send what stands for one, without what hides usage, and without any
/// key of ours.
pub fn query_to_send(query: &str) -> Option<String> {
    let kept = query.split('&').filter(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_shaping = SHAPING.contains(&name)
            || (matches!(name, "alt" | "$alt") && !matches!(value, "sse" | "json"));
        !pair.is_empty()
            && name != "key"
            && !is_shaping
            && !may_hold_token(value)
            && !may_hold_token(name)
    });
    let kept: Vec<&str> = kept.collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}
