//! The kinds of values in the bodies of decisions.

use super::calls::{MAX_KEY_TEXT, MAX_TTL_SECONDS, NO_CREDENTIAL, NoKey, presented};
use crate::domain::body::input::{MAX_NAME, Node};
use crate::domain::body::json::Json;
use crate::domain::body::patterns::{NAME, NOT_BLANK, REQUEST_ID, TEXT};
use crate::domain::body::{BodySchema, ValueKind};
use crate::domain::credential::token_like::looks_like_token;
use crate::domain::credential::{ID_LENGTH, may_hold_token};
use crate::domain::decision::Presented;
use crate::domain::models::model_name;
use crate::domain::price::usage::Usage;
use crate::domain::price::usage_object::{UsageFault, read_usage_object};
use crate::domain::values::money::{Money, read_money, read_spent};
use crate::domain::values::number::MAX_COUNT;
use crate::domain::values::number::{Whole, read_whole};
use crate::domain::values::period::{Period, Unit};
use crate::domain::values::unseen::find_unseen;

/// What stands for a character that can't be seen.
const SHOWN: &str = "\u{FFFD}";

/// What is sent in the place of a virtual key.
pub(super) fn key() -> ValueKind<'static, std::result::Result<Presented, NoKey>> {
    ValueKind::new(
        || BodySchema::text(0..=MAX_KEY_TEXT, TEXT),
        |node| node.string(MAX_KEY_TEXT).map(presented),
    )
}

/// US dollars that were spent, however few.
pub(super) fn spent_dollars() -> ValueKind<'static, Money> {
    ValueKind::new(|| BodySchema::Number(0.0..=1e9), read_spent)
}

/// What a provider told that a call used, in any of the forms that there are.
pub(super) fn usage() -> ValueKind<'static, Box<Usage>> {
    ValueKind::new(
        || BodySchema::AnyObject,
        |node| {
            if !matches!(node.value, Json::Object(_)) {
                return node.wrong_type("an object");
            }
            match read_usage_object(&node.value.to_value()) {
                Ok(usage) => Some(Box::new(usage)),
                Err(UsageFault { param, message }) if param.is_empty() => {
                    let sentence = message.strip_prefix("the usage ").unwrap_or(&message);
                    node.refuse("unknown_usage", sentence)
                }
                Err(UsageFault { param, message }) => {
                    let sentence = message.strip_prefix(&format!("{param}: "));
                    let sentence = sentence.unwrap_or(&message).to_owned();
                    let place = node.path.field(param);
                    node.violations.add(&place, "invalid_count", sentence);
                    None
                }
            }
        },
    )
}

/// Tokens that were used, however many.
pub(super) fn used_tokens() -> ValueKind<'static, i64> {
    let schema = || BodySchema::Integer {
        least: 0,
        most: None,
    };
    ValueKind::new(schema, read_used_tokens)
}

pub(super) fn name() -> ValueKind<'static, String> {
    ValueKind::new(|| BodySchema::text(1..=MAX_NAME, NAME), read_name)
}

/// The model of a call that is decided on: one, not a list of them.
pub(super) fn model() -> ValueKind<'static, String> {
    let schema = || BodySchema::text(1..=MAX_NAME, NAME.replace("[^", "[^,"));
    ValueKind::new(schema, |node| {
        let name = read_name(node)?;
        match model_name::refuse(&name) {
            Some(sentence) => node.refuse("invalid_character", sentence),
            None => Some(name),
        }
    })
}

pub(super) fn used_name() -> ValueKind<'static, String> {
    ValueKind::new(|| BodySchema::pattern(NOT_BLANK), read_used_name)
}

/// The public id of a virtual key.
pub(super) fn key_id() -> ValueKind<'static, [u8; ID_LENGTH]> {
    let schema = || BodySchema::pattern("^[0-9A-Za-z]{12}$");
    ValueKind::new(schema, |node| {
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
    })
}

/// Nothing held would be no reservation.
pub(super) fn max_hold() -> ValueKind<'static, Money> {
    let schema = || BodySchema::Number(1e-9..=1e9);
    ValueKind::new(schema, |node| match read_money(node)? {
        Money::ZERO => node.refuse(
            "too_small",
            "must be above 0: the most dollars that are held of a budget",
        ),
        most => Some(most),
    })
}

/// A request id is taken as it is: 1 to 255 characters, none of them a control character.
pub(super) fn request_id() -> ValueKind<'static, String> {
    let schema = || BodySchema::text(1..=MAX_NAME, REQUEST_ID);
    ValueKind::new(schema, |node| {
        let name = read_name(node)?;
        match node.value.as_str() {
            Some(text) if text.len() == name.len() => Some(name),
            _ => node.refuse(
                "invalid_character",
                "must not begin or end with white space",
            ),
        }
    })
}

/// How long a reservation is held, in seconds.
pub(super) fn ttl() -> ValueKind<'static, i64> {
    let schema = || {
        BodySchema::pattern("^[1-9][0-9]{0,4}[smhd]$").or(BodySchema::integer(1..=MAX_TTL_SECONDS))
    };
    ValueKind::new(schema, read_ttl)
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

/// Tokens that were used; more than one amount can be are as many as it can be.
fn read_used_tokens(node: &Node<'_>) -> Option<i64> {
    if let Json::Number(number) = node.value
        && !number.as_str().starts_with('-')
        && matches!(read_whole(number), Whole::TooLarge | Whole::Of(MAX_COUNT..))
    {
        return Some(MAX_COUNT);
    }
    node.integer(0..=MAX_COUNT)
}

fn read_ttl(node: &Node<'_>) -> Option<i64> {
    let seconds = match node.value {
        Json::Number(_) => return node.integer(1..=MAX_TTL_SECONDS),
        Json::String(text) => text
            .parse::<Period>()
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
