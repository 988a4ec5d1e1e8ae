//! What the bodies of decisions say, once they are read.

use std::sync::Arc;

use crate::domain::credential::{Kind, Token};
use crate::domain::decision::call_size::CallSize;
use crate::domain::decision::particulars::{Aside, CallOutline, McpCall, Particulars};
use crate::domain::decision::report::Report;
use crate::domain::decision::{Call, Party, Presented, RequestId};
use crate::domain::values::money::Money;

/// Longest time that a reservation can be prolonged by, in seconds.
pub const MAX_TTL_SECONDS: i64 = 86_400;
/// What is said of a credential in the place of a name.
pub const NO_CREDENTIAL: &str =
    "must not hold a credential; a virtual key belongs into virtual_key";
/// Longest text in the place of a virtual key that is looked at, in characters.
pub const MAX_KEY_TEXT: usize = 1_000;

/// Why a text names no virtual key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// There is none.
    Missing,
    /// It is none of ours.
    Malformed,
    /// It is a management API key.
    Management,
    /// There are several, in these places; which one is meant can't be told.
    Several(&'static str, &'static str),
}

/// A call that is to be decided, as a body names it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallInput {
    /// The virtual key; what is no key is refused as a decision, not as a violation.
    pub key: std::result::Result<Presented, NoKey>,
    /// The provider, where the gateway has chosen one.
    pub provider: Option<String>,
    /// The model.
    pub model: Arc<str>,
    /// What else it says of the call.
    pub particulars: Particulars,
    /// How large it is said to be.
    pub size: CallSize,
    /// What the gateway calls the request; the same one is decided once.
    pub request_id: Option<String>,
}

/// A call that is to be explained.
#[derive(Clone, PartialEq, Eq)]
pub struct ExplainInput {
    /// The call. Where the key is known by its id alone, its secret means nothing.
    pub call: CallInput,
    /// Whether the key was named by its id, so that its secret is not asked for.
    pub by_id: bool,
}

/// What the call of a reservation used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettleInput {
    /// What it used.
    pub report: Report,
    /// The provider that answered, where it was another.
    pub provider: Option<String>,
    /// The model that answered, where it was another.
    pub model: Option<String>,
}

/// How a reservation is to be prolonged or raised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtendInput {
    /// Tokens to hold in all.
    pub estimated_tokens: Option<i64>,
    /// US dollars to hold in all.
    pub estimated_cost: Option<Money>,
    /// Seconds from now on that it is held; the configured time when left out.
    pub ttl_seconds: Option<i64>,
}

/// A call that was made without a reservation.
#[derive(Clone, PartialEq, Eq)]
pub struct UsageInput {
    /// The call.
    pub call: CallInput,
    /// What it used.
    pub report: Report,
    /// How many requests it counts as: 1, or 0 when it was counted before.
    pub requests: i64,
}

impl CallInput {
    /// The call, once its key is known to be one.
    ///
    /// # Errors
    /// [`NoKey`] when there is nothing to look up.
    pub fn into_call(mut self) -> std::result::Result<Call, NoKey> {
        let request = self.take_request(None, 1);
        self.named(request)
    }

    fn named(self, request: Option<RequestId>) -> std::result::Result<Call, NoKey> {
        Ok(Call {
            key: self.key?,
            provider: self.provider,
            model: self.model,
            particulars: self.particulars,
            offers: None,
            requests: 1,
            request,
            owner: Party::Unknown,
        })
    }

    fn take_request(&mut self, report: Option<&Report>, requests: i64) -> Option<RequestId> {
        let id = self.request_id.take()?;
        let body_hash = self.hash(report, requests);
        Some(RequestId { id, body_hash })
    }

    /// SHA-256 of everything the body says but the secret: a key may be rotated between a request and its repetition.
    pub(super) fn hash(&self, report: Option<&Report>, requests: i64) -> [u8; 32] {
        let key = self.key.as_ref().ok();
        self.particulars.hash(CallOutline {
            key: key.and_then(|key| std::str::from_utf8(&key.public_id).ok()),
            provider: self.provider.as_deref(),
            model: &self.model,
            size: self.size,
            report,
            requests,
        })
    }
}

impl UsageInput {
    /// The call and what it used, once its key is known to be one.
    ///
    /// # Errors
    /// [`NoKey`] when there is nothing to look up.
    pub fn into_call(mut self) -> std::result::Result<(Call, Report), NoKey> {
        let request = self.call.take_request(Some(&self.report), self.requests);
        let call = Call {
            offers: None,
            requests: self.requests,
            ..self.call.named(request)?
        };
        Ok((call, self.report))
    }
}

/// The key that a text is.
///
/// # Errors
/// [`NoKey`], without repeating the text.
pub fn presented(text: &str) -> std::result::Result<Presented, NoKey> {
    if text.is_empty() {
        return Err(NoKey::Missing);
    }
    match Token::parse(text) {
        Ok(token) if token.kind() == Kind::Virtual => Presented::of(&token).ok_or(NoKey::Malformed),
        Ok(_) => Err(NoKey::Management),
        Err(_) => Err(NoKey::Malformed),
    }
}

/// The MCP tool that two fields name together.
pub(super) fn mcp_call(server: Option<String>, tool: Option<String>) -> Option<Box<Aside>> {
    Aside::if_any(server.map(|server| McpCall { server, tool }), None)
}
