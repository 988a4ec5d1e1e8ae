//! The pieces that schemas of request bodies are made of, with the bounds that `domain` enforces.

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};

use crate::domain::input::{MAX_DESCRIPTION, MAX_LIST, MAX_NAME};
use crate::domain::model_pattern::MAX_PATTERN;
use crate::domain::permission::Permission;

/// Something that is not white space, and no control characters.
const NAME: &str = "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\s\\u0000-\\u001F\\u007F-\\u009F][^\\u0000-\\u001F\\u007F-\\u009F]*$";
/// Everything but U+0000.
const TEXT: &str = "^[^\\u0000]*$";

fn typed(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}

fn one_of(schemas: impl IntoIterator<Item = Object>) -> RefOr<Schema> {
    let all = schemas
        .into_iter()
        .fold(OneOfBuilder::new(), OneOfBuilder::item);
    RefOr::T(all.into())
}

fn null() -> Object {
    typed(Type::Null).build()
}

fn list_or_null(item: Object) -> RefOr<Schema> {
    let list = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(item)
        .max_items(Some(MAX_LIST));
    RefOr::T(list.into())
}

fn name_object() -> Object {
    typed(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_NAME))
        .pattern(Some(NAME))
        .build()
}

/// A name; surrounding white space is removed.
pub fn name() -> RefOr<Schema> {
    name_object().into()
}

/// A list of names, such as tags.
pub fn names() -> RefOr<Schema> {
    list_or_null(name_object())
}

/// A list of patterns over model names.
pub fn model_patterns() -> RefOr<Schema> {
    let pattern = typed(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_PATTERN))
        .pattern(Some(NAME));
    list_or_null(pattern.build())
}

/// Free text.
pub fn text() -> RefOr<Schema> {
    text_up_to(
        MAX_DESCRIPTION,
        SchemaType::from_iter([Type::String, Type::Null]),
    )
}

/// Text of bounded length.
pub fn text_up_to(max: usize, schema_type: impl Into<SchemaType>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(schema_type)
        .max_length(Some(max))
        .pattern(Some(TEXT))
        .build()
        .into()
}

/// US dollars: nothing, or an amount that nanodollars can hold.
pub fn dollars() -> RefOr<Schema> {
    let amount = typed(Type::Number).minimum(Some(1e-9)).maximum(Some(1e9));
    one_of([
        typed(Type::Number).enum_values(Some([0])).build(),
        amount.build(),
    ])
}

fn timestamp_object() -> Object {
    typed(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .build()
}

/// An instant, or nothing.
pub fn timestamp_or_null() -> RefOr<Schema> {
    one_of([timestamp_object(), null()])
}

/// An instant; nothing or empty: never.
pub fn expiry() -> RefOr<Schema> {
    let never = typed(Type::String).enum_values(Some([""])).build();
    one_of([timestamp_object(), never, null()])
}

/// `"30d"`, `"12h"` or nanoseconds; empty, 0 or nothing: off.
pub fn rotation_interval() -> RefOr<Schema> {
    let hour = 3_600_000_000_000_i64;
    let span = typed(Type::String).pattern(Some("^([1-9][0-9]{0,9}[smhdw])?$"));
    let nanoseconds = typed(Type::Integer)
        .minimum(Some(hour))
        .maximum(Some(365 * 24 * hour));
    let off = typed(Type::Integer).enum_values(Some([0]));
    one_of([span.build(), nanoseconds.build(), off.build(), null()])
}

/// Names or ids of permissions, or `["*"]`.
pub fn scopes() -> RefOr<Schema> {
    let names = Permission::all().map(|permission| serde_json::Value::from(permission.to_string()));
    let ids = Permission::all().map(|permission| serde_json::Value::from(permission.id()));
    let some = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .enum_values(Some(names.chain(ids)));
    let every = typed(Type::String).enum_values(Some(["*"]));
    let some = ArrayBuilder::new()
        .items(some)
        .max_items(Some(MAX_LIST))
        .build();
    let every = ArrayBuilder::new()
        .items(every)
        .min_items(Some(1))
        .max_items(Some(1))
        .build();
    RefOr::T(OneOfBuilder::new().item(some).item(every).into())
}

/// Takes no other fields than those named here and those of `ignored`, which the server sets and does not read.
pub fn close(schema: &mut RefOr<Schema>, ignored: &[&str]) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
    {
        for name in ignored {
            let any = ObjectBuilder::new()
                .schema_type(SchemaType::AnyValue)
                .read_only(true)
                .description(Some("Set by the server; may be sent and is ignored."));
            object
                .properties
                .entry((*name).to_owned())
                .or_insert_with(|| any.build().into());
        }
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

/// Shows every field always, `null` where there is nothing.
pub fn complete(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        object.required = object.properties.keys().cloned().collect();
    }
}
