//! Values in paths that are more than a number, and the place of a new thing.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use super::request::Request;
use crate::domain::credential::ID_LENGTH;
use crate::domain::list::parse_id;
use crate::domain::price::entry::MAX_PATTERN;
use crate::domain::price::stored::PricedModel;
use crate::error::{Error, Result};

/// The id of a user in the path, which is a string on the wire.
///
/// # Errors
/// 404 for everything that is no id: then there is no such user.
pub fn user_id(request: &Request, name: &str) -> Result<i64> {
    id_of("user", &request.segment(name))
}

/// The id of an access profile in the path of what a user holds.
///
/// # Errors
/// 404 for everything that is no id: then the user does not hold it.
pub fn held_profile_id(request: &Request) -> Result<i64> {
    id_of("access profile", &request.segment("profile_id"))
}

fn id_of(what: &'static str, text: &str) -> Result<i64> {
    parse_id("", text).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Error::not_found(what, shown)
    })
}

/// Where the new thing is that was posted to the path that was called.
pub fn location(request: &Request, id: impl std::fmt::Display) -> String {
    format!("{}/{id}", request.path())
}

/// The public id of a virtual key in the path.
///
/// # Errors
/// 404 for everything that is no such id: then there is no such key. It is not repeated, because it may be a key itself.
pub fn virtual_key_id(request: &Request) -> Result<String> {
    let id = request.segment("vk_id");
    if id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(id)
    } else {
        Err(Error::absent("there is no virtual key with this id"))
    }
}

/// The model whose price a path names, either part as a name or as a pattern with `*`.
///
/// # Errors
/// 400 when one of them can't be a name.
pub fn priced_model(request: &Request) -> Result<PricedModel> {
    // What is left of the encoding after the router: a slash, a plus and a percent sign, which it takes for parts of the path.
    let decoded = |name| {
        let text = request.segment(name);
        let marks = [
            ("%2F", "/"),
            ("%2f", "/"),
            ("%2B", "+"),
            ("%2b", "+"),
            ("%25", "%"),
        ];
        let decode = |text: String, (encoded, mark)| text.replace(encoded, mark);
        marks.into_iter().fold(text, decode)
    };
    PricedModel::parse(&decoded("provider"), &decoded("model"))
}

/// A value of a path as the OpenAPI document describes it.
pub fn path_parameter(name: &str) -> Parameter {
    let schema = match name {
        "file" | "path" | "budget_id" | "reservation" => {
            ObjectBuilder::new().schema_type(Type::String)
        }
        "provider" | "model" => ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_PATTERN)),
        "name" => ObjectBuilder::new().schema_type(Type::String).pattern(Some(
            "^tollkeeper-[0-9TZ-]{20}(-[0-9]+)?(-scheduled)?(-unsound)?[.]tar[.]zst([.]age)?$",
        )),
        "user_id" => ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[1-9][0-9]{0,18}$")),
        "vk_id" => ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9A-Za-z]{12}$")),
        _ => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(i64::MAX)),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(RefOr::<Schema>::T(schema.into())))
        .build()
}
