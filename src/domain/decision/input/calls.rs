//! What the bodies of decisions say, once they are read.

use sha2::{Digest, Sha256};

use crate::domain::credential::{Kind, Token};
use crate::domain::decision::{Call, McpCall, Party, Presented, RequestId};
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
    pub model: String,
    /// The MCP tool, where one is called.
    pub mcp: Option<McpCall>,
    /// Tokens that the call will probably use.
    pub estimated_tokens: Option<i64>,
    /// What it will probably cost.
    pub estimated_cost: Option<Money>,
    /// The most that is held of each budget; above zero.
    pub max_hold: Option<Money>,
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

/// What a call has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Tokens.
    pub tokens: i64,
    /// US dollars.
    pub cost: Money,
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
    pub spent: Spent,
    /// How many requests it counts as: 1, or 0 when it was counted before.
    pub requests: i64,
}

impl CallInput {
    /// The call, once its key is known to be one.
    ///
    /// # Errors
    /// [`NoKey`] when there is nothing to look up.
    pub fn into_call(self) -> std::result::Result<Call, NoKey> {
        let request = self.request_id.as_ref().map(|id| RequestId {
            id: id.clone(),
            body_hash: self.hash(None, 1),
        });
        self.named(request)
    }

    fn named(self, request: Option<RequestId>) -> std::result::Result<Call, NoKey> {
        Ok(Call {
            key: self.key?,
            provider: self.provider,
            model: self.model,
            mcp: self.mcp,
            estimated_tokens: self.estimated_tokens,
            estimated_cost: self.estimated_cost,
            max_hold: self.max_hold,
            requests: 1,
            request,
            owner: Party::Unknown,
        })
    }

    /// SHA-256 of everything the body says but the secret: a key may be rotated between a request and its repetition.
    pub(super) fn hash(&self, spent: Option<Spent>, requests: i64) -> [u8; 32] {
        let mut hash = Sha256::new();
        // The fields differ by the kind of request: only a charge says what was spent.
        let mut text = |text: Option<&str>| match text {
            None => hash.update("-"),
            Some(text) => {
                hash.update(itoa::Buffer::new().format(text.len()));
                hash.update(":");
                hash.update(text);
            }
        };
        let key = self.key.as_ref().ok();
        text(key.and_then(|key| std::str::from_utf8(&key.public_id).ok()));
        text(self.provider.as_deref());
        text(Some(&self.model));
        text(self.mcp.as_ref().map(|mcp| mcp.server.as_str()));
        text(self.mcp.as_ref().and_then(|mcp| mcp.tool.as_deref()));
        for number in [
            self.estimated_tokens,
            self.estimated_cost.map(Money::nanodollars),
            spent.map(|spent| spent.tokens),
            spent.map(|spent| spent.cost.nanodollars()),
            self.max_hold.map(Money::nanodollars),
        ] {
            let mut digits = itoa::Buffer::new();
            text(number.map(|number| digits.format(number)));
        }
        text(Some(if requests == 0 { "counted before" } else { "" }));
        hash.finalize().into()
    }
}

impl UsageInput {
    /// The call and what it used, once its key is known to be one.
    ///
    /// # Errors
    /// [`NoKey`] when there is nothing to look up.
    pub fn into_call(self) -> std::result::Result<(Call, Spent), NoKey> {
        let request = self.call.request_id.as_ref().map(|id| RequestId {
            id: id.clone(),
            body_hash: self.call.hash(Some(self.spent), self.requests),
        });
        let call = Call {
            requests: self.requests,
            ..self.call.named(request)?
        };
        Ok((call, self.spent))
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
pub(super) fn mcp_call(server: Option<String>, tool: Option<String>) -> Option<McpCall> {
    server.map(|server| McpCall { server, tool })
}
