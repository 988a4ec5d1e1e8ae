//! Reading the bodies of decisions in full, with every violation and its place; what the quick reading does not take.

use super::{
    CallInput, ExplainInput, ExtendInput, MAX_KEY_TEXT, MAX_TTL_SECONDS, NO_CREDENTIAL, NoKey,
    Spent, UsageInput, mcp_call, presented,
};
use crate::domain::access_profile_input::MAX_COUNT;
use crate::domain::credential::{ID_LENGTH, may_hold_token};
use crate::domain::decision::Presented;
use crate::domain::duration::{ResetDuration, Unit};
use crate::domain::input::{Fields, MAX_NAME, Node};
use crate::domain::json::{self, Json};
use crate::domain::model_name;
use crate::domain::money::{Money, read_money, read_spent};
use crate::domain::number::{Whole, read_whole};
use crate::domain::token_like::looks_like_token;
use crate::domain::unseen::find_unseen;
use crate::domain::violation::Violations;
use crate::error::Result;

/// What stands for a character that can't be seen.
const SHOWN: &str = "\u{FFFD}";

/// Reads a body field by field, noting everything that is wrong with it.
pub fn in_full<T>(bytes: &[u8], read: fn(&mut Fields<'_>) -> Option<T>) -> Result<T> {
    let value = json::parse(bytes)?;
    let violations = Violations::default();
    let body = || {
        let mut fields = Node::root(&value, &violations).object()?;
        let body = read(&mut fields);
        fields.finish();
        body
    };
    let body = body();
    violations.finish(body)
}

pub fn read_call(fields: &mut Fields<'_>) -> Option<CallInput> {
    let key = read_key(fields);
    let provider = optional(fields, "provider", read_name);
    let model = fields.required("model").and_then(|node| read_model(&node));
    let server = optional(fields, "mcp_server", read_name);
    let tool = optional(fields, "mcp_tool", read_name);
    let estimated_tokens = optional(fields, "estimated_tokens", read_tokens);
    let estimated_cost = optional(fields, "estimated_cost", read_money);
    let max_hold = optional(fields, "max_hold", read_max_hold);
    let request_id = optional(fields, "request_id", read_request_id);
    if matches!((&server, &tool), (Some(None), Some(Some(_)))) {
        fields.refuse(
            "mcp_server",
            "mcp_server_missing",
            "is required with mcp_tool: the server that offers the tool",
        );
    }
    Some(CallInput {
        key: key?,
        provider: provider?,
        model: model?,
        mcp: mcp_call(server?, tool?),
        estimated_tokens: estimated_tokens?,
        estimated_cost: estimated_cost?,
        max_hold: max_hold?,
        request_id: request_id?,
    })
}

pub fn read_explanation(fields: &mut Fields<'_>) -> Option<ExplainInput> {
    let id = optional(fields, "virtual_key_id", read_key_id);
    let named = matches!(id, Some(Some(_)));
    if named && fields.given("virtual_key").is_some() {
        fields.refuse(
            "virtual_key_id",
            "two_virtual_keys",
            "can't stand beside virtual_key: name the key or present it",
        );
    }
    let mut call = read_call(fields)?;
    if let Some(public_id) = id? {
        call.key = Ok(Presented {
            public_id,
            secret_hash: [0; 32],
        });
    }
    Some(ExplainInput { call, by_id: named })
}

/// The public id of a virtual key.
fn read_key_id(node: &Node<'_>) -> Option<[u8; ID_LENGTH]> {
    let text = node.string(MAX_NAME)?;
    let id = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    id.then(|| text.as_bytes().try_into().ok())
        .flatten()
        .or_else(|| {
            node.refuse(
                "invalid_id",
                "expected the 12 letters and digits of the id of a virtual key",
            )
        })
}

pub fn read_usage(fields: &mut Fields<'_>) -> Option<UsageInput> {
    let key = read_key(fields);
    let provider = fields
        .required("provider")
        .and_then(|node| read_used_name(&node));
    let model = fields
        .required("model")
        .and_then(|node| read_used_name(&node));
    let spent = read_settlement(fields);
    let requests = optional(fields, "requests", |node| node.integer(0..=1));
    let request_id = fields
        .required("request_id")
        .and_then(|node| read_request_id(&node));
    let call = CallInput {
        key: key?,
        provider: Some(provider?),
        model: model?,
        mcp: None,
        estimated_tokens: None,
        estimated_cost: None,
        max_hold: None,
        request_id: Some(request_id?),
    };
    Some(UsageInput {
        call,
        spent: spent?,
        requests: requests?.unwrap_or(1),
    })
}

pub fn read_settlement(fields: &mut Fields<'_>) -> Option<Spent> {
    let tokens = fields
        .required("tokens")
        .and_then(|node| read_used_tokens(&node));
    let cost = fields.required("cost").and_then(|node| read_spent(&node));
    Some(Spent {
        tokens: tokens?,
        cost: cost?,
    })
}

pub fn read_extension(fields: &mut Fields<'_>) -> Option<ExtendInput> {
    let estimated_tokens = optional(fields, "estimated_tokens", read_tokens);
    let estimated_cost = optional(fields, "estimated_cost", read_money);
    let ttl_seconds = optional(fields, "ttl", read_ttl);
    Some(ExtendInput {
        estimated_tokens: estimated_tokens?,
        estimated_cost: estimated_cost?,
        ttl_seconds: ttl_seconds?,
    })
}

/// A key that is no text is a violation; one that is missing or none of ours is refused as a decision.
fn read_key(fields: &mut Fields<'_>) -> Option<std::result::Result<Presented, NoKey>> {
    match fields.given("virtual_key") {
        None => Some(Err(NoKey::Missing)),
        Some(node) => node.string(MAX_KEY_TEXT).map(presented),
    }
}

/// What a field says; inside, whether it says anything.
#[expect(
    clippy::option_option,
    reason = "the outer one is: it was read without a violation"
)]
fn optional<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    read: impl FnOnce(&Node<'_>) -> Option<T>,
) -> Option<Option<T>> {
    match fields.given(name) {
        None => Some(None),
        Some(node) => read(&node).map(Some),
    }
}

/// A name is counted and shown, so it must not be a credential that was put in the wrong place.
fn read_name(node: &Node<'_>) -> Option<String> {
    let name = node.name(MAX_NAME)?;
    if may_hold_token(&name) {
        return node.refuse("credential_here", NO_CREDENTIAL);
    }
    Some(name)
}

/// A name of what was used: the money is gone, so what can't be kept as it is is cut off, and what can't be seen is shown.
fn read_used_name(node: &Node<'_>) -> Option<String> {
    let Some(text) = node.value.as_str().map(str::trim) else {
        return read_name(node);
    };
    if looks_like_token(text) || may_hold_token(text) {
        return node.refuse("credential_here", NO_CREDENTIAL);
    }
    if text.is_empty() {
        return read_name(node);
    }
    let cut: String = text.chars().take(MAX_NAME).collect();
    let mut name = cut.trim_end().to_owned();
    while let Some(unseen) = find_unseen(&name) {
        name = name.replace(unseen, SHOWN);
    }
    Some(name)
}

/// The model of a call that is decided on.
fn read_model(node: &Node<'_>) -> Option<String> {
    let name = read_name(node)?;
    match model_name::refuse(&name) {
        Some(sentence) => node.refuse("invalid_character", sentence),
        None => Some(name),
    }
}

/// Nothing held would be no reservation.
fn read_max_hold(node: &Node<'_>) -> Option<Money> {
    let most = read_money(node)?;
    if most == Money::ZERO {
        return node.refuse(
            "too_small",
            "must be above 0: the most dollars that are held of a budget",
        );
    }
    Some(most)
}

/// Tokens that were used; more than one amount can be are as many as it can be.
fn read_used_tokens(node: &Node<'_>) -> Option<i64> {
    if let Json::Number(number) = node.value
        && !number.as_str().starts_with('-')
        && matches!(read_whole(number), Whole::TooLarge | Whole::Of(MAX_COUNT..))
    {
        return Some(MAX_COUNT);
    }
    read_tokens(node)
}

fn read_tokens(node: &Node<'_>) -> Option<i64> {
    node.integer(0..=MAX_COUNT)
}

/// A request id is taken as it is: 1 to 255 characters, none of them a control character.
fn read_request_id(node: &Node<'_>) -> Option<String> {
    let name = read_name(node)?;
    match node.value.as_str() {
        Some(text) if text.len() == name.len() => Some(name),
        _ => node.refuse(
            "invalid_character",
            "must not begin or end with white space",
        ),
    }
}

fn read_ttl(node: &Node<'_>) -> Option<i64> {
    let seconds = match node.value {
        Json::Number(_) => return node.integer(1..=MAX_TTL_SECONDS),
        Json::String(text) => text
            .parse::<ResetDuration>()
            .ok()
            .filter(|span| span.unit() <= Unit::Day)
            .map(|span| span.count().saturating_mul(span.unit().rolling_seconds())),
        _ => None,
    };
    let sentence =
        "expected a span such as \"10m\" (units s, m, h, d) or whole seconds, at most a day";
    seconds
        .filter(|seconds| *seconds <= MAX_TTL_SECONDS)
        .or_else(|| node.refuse("invalid_ttl", sentence))
}
