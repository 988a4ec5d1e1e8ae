//! The pieces that schemas of decisions are made of; see [`super::shapes`].

use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

use super::patterns::{NOT_BLANK, REQUEST_ID};
use super::shapes::{name_object, null, one_of, text_up_to, typed};
use crate::domain::access_profile_input::MAX_COUNT;
use crate::domain::decision_input::{MAX_KEY_TEXT, MAX_TTL_SECONDS};
use crate::domain::input::MAX_NAME;

/// What a limit counts.
pub fn limit_kind() -> RefOr<Schema> {
    typed(Type::String)
        .enum_values(Some(["budget", "tokens", "requests"]))
        .build()
        .into()
}

fn tokens_object() -> Object {
    typed(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(MAX_COUNT))
        .build()
}

/// Tokens that were used, however many.
pub fn used_tokens() -> RefOr<Schema> {
    typed(Type::Integer).minimum(Some(0)).build().into()
}

/// A name of what was used, whatever is in it.
pub fn used_name() -> RefOr<Schema> {
    let name = typed(Type::String).pattern(Some(NOT_BLANK));
    name.build().into()
}

/// A number of tokens, or nothing.
pub fn tokens_or_null() -> RefOr<Schema> {
    one_of([tokens_object(), null()])
}

/// US dollars that were spent, however few.
pub fn spent() -> RefOr<Schema> {
    let amount = typed(Type::Number).minimum(Some(0)).maximum(Some(1e9));
    amount.build().into()
}

/// US dollars, or nothing.
pub fn dollars_or_null() -> RefOr<Schema> {
    let amount = typed(Type::Number).minimum(Some(1e-9)).maximum(Some(1e9));
    let zero = typed(Type::Number).enum_values(Some([0]));
    one_of([zero.build(), amount.build(), null()])
}

/// The most dollars that are held of a budget, or nothing.
pub fn max_hold() -> RefOr<Schema> {
    let amount = typed(Type::Number).minimum(Some(1e-9)).maximum(Some(1e9));
    one_of([amount.build(), null()])
}

/// Whether a call counts as a request, or nothing.
pub fn requests() -> RefOr<Schema> {
    let number = typed(Type::Integer).minimum(Some(0)).maximum(Some(1));
    one_of([number.build(), null()])
}

/// A name, or nothing.
pub fn name_or_null() -> RefOr<Schema> {
    one_of([name_object(), null()])
}

/// What is sent in the place of a virtual key.
pub fn key_text() -> RefOr<Schema> {
    text_up_to(
        MAX_KEY_TEXT,
        SchemaType::from_iter([Type::String, Type::Null]),
    )
}

/// The public id of a virtual key, or nothing.
pub fn key_id_or_null() -> RefOr<Schema> {
    let id = typed(Type::String).pattern(Some("^[0-9A-Za-z]{12}$"));
    one_of([id.build(), null()])
}

fn request_id_object() -> Object {
    typed(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_NAME))
        .pattern(Some(REQUEST_ID))
        .build()
}

/// What a gateway calls a request.
pub fn request_id() -> RefOr<Schema> {
    request_id_object().into()
}

/// What a gateway calls a request, or nothing.
pub fn request_id_or_null() -> RefOr<Schema> {
    one_of([request_id_object(), null()])
}

/// How long a reservation is held.
pub fn ttl() -> RefOr<Schema> {
    let span = typed(Type::String).pattern(Some("^[1-9][0-9]{0,4}[smhd]$"));
    let seconds = typed(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_TTL_SECONDS));
    one_of([span.build(), seconds.build(), null()])
}
