//! Schemas of the OpenAPI document and the names under which it keeps them: of types, and of bodies as `domain` describes them.

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::body::{Body, BodySchema, FieldSchema, ObjectSchema};

type Named = (String, RefOr<Schema>);

/// A schema with the name under which the document keeps it, and those it refers to.
pub struct NamedSchema {
    /// Its name.
    pub name: String,
    /// It and all it refers to.
    pub all: Vec<Named>,
}

impl NamedSchema {
    /// The schema of a type.
    pub fn of<T: ToSchema + PartialSchema>() -> Self {
        let name = T::name().into_owned();
        let mut all = vec![(name.clone(), T::schema())];
        T::schemas(&mut all);
        Self { name, all }
    }

    /// The schema of a body. That it may stand in an envelope is not in it: generated clients make a wrapper of every choice.
    pub fn of_body<T>(body: &Body<T>) -> Self {
        let mut all = Vec::new();
        let name = keep(&body.schema(), &mut all);
        Self { name, all }
    }
}

/// What refers to the schema of this name.
pub fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

fn typed(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}

/// An object that takes the fields it is given and no others.
fn closed_object() -> ObjectBuilder {
    typed(Type::Object).additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

/// Keeps the schema of an object under its name.
fn keep(object: &ObjectSchema, all: &mut Vec<Named>) -> String {
    let name = object.name.to_owned();
    if all.iter().any(|(known, _)| *known == name) {
        return name;
    }
    let mut written = closed_object().description(Some(object.about));
    for field in &object.fields {
        written = written.property(field.name, property(field, all));
        if field.required {
            written = written.required(field.name);
        }
    }
    all.push((name.clone(), written.into()));
    name
}

fn property(field: &FieldSchema, all: &mut Vec<Named>) -> RefOr<Schema> {
    let mut schema = of_value(&field.schema, all);
    let about = (!field.about.is_empty()).then(|| field.about.to_owned());
    match &mut schema {
        RefOr::T(Schema::Object(one)) => {
            one.description = about;
            one.default.clone_from(&field.default);
            one.read_only = field.read_only.then_some(true);
        }
        RefOr::T(Schema::AnyOf(several)) => {
            several.description = about;
            several.default.clone_from(&field.default);
        }
        RefOr::T(Schema::Array(list)) => list.description = about,
        RefOr::Ref(one) => one.description = about.unwrap_or_default(),
        RefOr::T(_) => {}
    }
    schema
}

/// The same or `null`, where that can be said by its type: generated clients make a wrapper of every other choice.
fn or_null(schema: RefOr<Schema>) -> Option<RefOr<Schema>> {
    let with_null = |schema_type: &SchemaType| match schema_type {
        SchemaType::Type(one) => Some(SchemaType::from_iter([one.clone(), Type::Null])),
        _ => None,
    };
    match schema {
        RefOr::T(Schema::Object(mut one)) => {
            one.schema_type = with_null(&one.schema_type)?;
            one.enum_values
                .iter_mut()
                .for_each(|values| values.push(Value::Null));
            Some(RefOr::T(Schema::Object(one)))
        }
        RefOr::T(Schema::Array(mut list)) => {
            list.schema_type = with_null(&list.schema_type)?;
            Some(RefOr::T(Schema::Array(list)))
        }
        _ => None,
    }
}

fn of_value(schema: &BodySchema, all: &mut Vec<Named>) -> RefOr<Schema> {
    match schema {
        BodySchema::Any => ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .into(),
        BodySchema::Null => typed(Type::Null).into(),
        BodySchema::Boolean => typed(Type::Boolean).into(),
        BodySchema::Text {
            least,
            most,
            pattern,
        } => typed(Type::String)
            .min_length((*least > 0).then_some(*least))
            .max_length(*most)
            .pattern(pattern.clone())
            .into(),
        BodySchema::Timestamp => typed(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into(),
        BodySchema::Integer { least, most } => typed(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(*least))
            .maximum(*most)
            .into(),
        BodySchema::Number(range) => typed(Type::Number)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
            .minimum(Some(*range.start()))
            .maximum(Some(*range.end()))
            .into(),
        BodySchema::Values(values) => {
            let schema_type = if values.iter().all(Value::is_string) {
                Type::String.into()
            } else if values.iter().all(Value::is_i64) {
                Type::Integer.into()
            } else if values.iter().all(Value::is_number) {
                Type::Number.into()
            } else {
                SchemaType::AnyValue
            };
            ObjectBuilder::new()
                .schema_type(schema_type)
                .enum_values(Some(values.iter().cloned()))
                .into()
        }
        BodySchema::List {
            items,
            least,
            most,
            unique,
        } => ArrayBuilder::new()
            .items(of_value(items, all))
            .min_items((*least > 0).then_some(*least))
            .max_items(Some(*most))
            .unique_items(*unique)
            .into(),
        BodySchema::AnyObject => typed(Type::Object).into(),
        BodySchema::Object(object) => reference(&keep(object, all)),
        BodySchema::AnyOf(several) => {
            if let [one, BodySchema::Null] = several.as_slice()
                && let Some(schema) = or_null(of_value(one, all))
            {
                return schema;
            }
            let forms = several.iter();
            forms
                .fold(AnyOfBuilder::new(), |forms, one| {
                    forms.item(of_value(one, all))
                })
                .into()
        }
    }
}
