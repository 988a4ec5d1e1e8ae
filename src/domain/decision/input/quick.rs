//! Reading a body of the decision API in one pass, as long as there is nothing to say about it.
//!
//! Every function answers `None` for what it does not take at once: wrong JSON, an unknown or repeated field, a value that is out
//! of bounds or only written in an unusual way. Such a body is then read in full, which decides. What is taken here means the same
//! there; a property test compares the two.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::{CallInput, MAX_KEY_TEXT, NoKey, SettleInput, UsageInput, mcp_call, presented};
use crate::domain::body::input::MAX_NAME;
use crate::domain::credential::may_hold_token;
use crate::domain::decision::Presented;
use crate::domain::decision::call_size::CallSize;
use crate::domain::decision::particulars::Particulars;
use crate::domain::decision::report::Report;
use crate::domain::models::model_name;
use crate::domain::values::money::Money;
use crate::domain::values::number::MAX_COUNT;

/// Text that is copied only when it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'b>(#[serde(borrow)] Cow<'b, str>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallBody<'b> {
    #[serde(borrow)]
    virtual_key: Option<Text<'b>>,
    #[serde(borrow)]
    provider: Option<Text<'b>>,
    #[serde(borrow)]
    model: Text<'b>,
    #[serde(borrow)]
    mcp_server: Option<Text<'b>>,
    #[serde(borrow)]
    mcp_tool: Option<Text<'b>>,
    #[serde(borrow)]
    estimated_tokens: Option<&'b RawValue>,
    #[serde(borrow)]
    estimated_cost: Option<&'b RawValue>,
    #[serde(borrow)]
    prompt_tokens: Option<&'b RawValue>,
    #[serde(borrow)]
    max_tokens: Option<&'b RawValue>,
    #[serde(borrow)]
    max_hold: Option<&'b RawValue>,
    #[serde(borrow)]
    request_id: Option<Text<'b>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageBody<'b> {
    #[serde(borrow)]
    virtual_key: Option<Text<'b>>,
    #[serde(borrow)]
    provider: Text<'b>,
    #[serde(borrow)]
    model: Text<'b>,
    #[serde(borrow)]
    tokens: &'b RawValue,
    #[serde(borrow)]
    cost: &'b RawValue,
    #[serde(borrow)]
    requests: Option<&'b RawValue>,
    #[serde(borrow)]
    request_id: Text<'b>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpentBody<'b> {
    #[serde(borrow)]
    tokens: &'b RawValue,
    #[serde(borrow)]
    cost: &'b RawValue,
}

/// The body of a reservation.
pub(super) fn call(bytes: &[u8]) -> Option<CallInput> {
    let body: CallBody<'_> = object(bytes)?;
    if body.mcp_tool.is_some() && body.mcp_server.is_none() {
        return None;
    }
    Some(CallInput {
        key: key(body.virtual_key.as_ref())?,
        provider: maybe(body.provider, name)?,
        model: shared_name(&body.model).filter(|model| model_name::refuse(model).is_none())?,
        particulars: Particulars {
            aside: mcp_call(maybe(body.mcp_server, name)?, maybe(body.mcp_tool, name)?),
            max_hold: maybe(body.max_hold, |number| {
                money(number).filter(|most| *most > Money::ZERO)
            })?,
            ..Particulars::expecting(
                maybe(body.estimated_tokens, tokens)?,
                maybe(body.estimated_cost, money)?,
            )
        },
        size: CallSize {
            prompt_tokens: maybe(body.prompt_tokens, tokens)?,
            max_tokens: maybe(body.max_tokens, tokens)?,
        },
        request_id: maybe(body.request_id, name)?,
    })
}

/// The body of a charge without a reservation.
pub(super) fn usage(bytes: &[u8]) -> Option<UsageInput> {
    let body: UsageBody<'_> = object(bytes)?;
    let call = CallInput {
        key: key(body.virtual_key.as_ref())?,
        provider: Some(name(body.provider)?),
        model: shared_name(&body.model)?,
        particulars: Particulars::default(),
        size: CallSize::default(),
        request_id: Some(name(body.request_id)?),
    };
    let report = Report::of(tokens(body.tokens)?, money(body.cost)?);
    let requests = maybe(body.requests, |number| match number.get() {
        "0" => Some(0),
        "1" => Some(1),
        _ => None,
    })?;
    Some(UsageInput {
        call,
        report,
        requests: requests.unwrap_or(1),
    })
}

/// The body of a settlement.
pub(super) fn settlement(bytes: &[u8]) -> Option<SettleInput> {
    let body: SpentBody<'_> = object(bytes)?;
    Some(SettleInput {
        report: Report::of(tokens(body.tokens)?, money(body.cost)?),
        ..SettleInput::default()
    })
}

/// An object; a list of values in the order of the fields, which serde takes too, is none.
fn object<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if *first != b'{' {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

#[expect(
    clippy::option_option,
    reason = "the outer one is: it was read without a violation"
)]
fn maybe<V, T>(value: Option<V>, read: impl FnOnce(V) -> Option<T>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

fn key(text: Option<&Text<'_>>) -> Option<Result<Presented, NoKey>> {
    let text = text.map_or("", |text| &text.0);
    (text.len() <= MAX_KEY_TEXT && !text.contains('\0')).then(|| presented(text))
}

/// A name without anything to trim.
fn name(text: Text<'_>) -> Option<String> {
    is_plain(&text.0).then(|| text.0.into_owned())
}

/// The same of one that goes into everything that is known of its call.
fn shared_name(text: &Text<'_>) -> Option<Arc<str>> {
    is_plain(&text.0).then(|| Arc::from(&*text.0))
}

fn is_plain(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    bytes.len() <= MAX_NAME
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
        && !may_hold_token(text)
}

fn tokens(number: &RawValue) -> Option<i64> {
    let text = number.get();
    let digits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return None;
    }
    text.parse().ok().filter(|tokens| *tokens <= MAX_COUNT)
}

/// Dollars with up to nine digits before the point and nine behind it.
fn money(number: &RawValue) -> Option<Money> {
    let text = number.get();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let all = whole.bytes().chain(fraction.bytes());
    let mut nanodollars = all.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    for _ in fraction.len()..9 {
        nanodollars *= 10;
    }
    Money::from_nanodollars(nanodollars)
}
