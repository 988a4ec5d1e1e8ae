//! Examples of answers: what the server really answered, written down by the tests in `tests/contract`, which also see to it that
//! they stay true.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Schema};

use super::refusals::RefusedCaller;
use crate::http::core::named_schema::reference;

/// The file that the test writes.
const RECORDED: &str = include_str!("examples.json");

/// What was answered.
#[derive(Default, Deserialize)]
pub struct Examples {
    /// By the name of the operation.
    answers: BTreeMap<String, Value>,
    /// By status, and for gateways and holders `<status>_call` where it is another.
    refusals: BTreeMap<String, Value>,
}

impl Examples {
    /// Those that were written down.
    pub fn recorded() -> Self {
        serde_json::from_str(RECORDED).unwrap_or_default()
    }

    /// The answer to an operation; its alias has the same.
    pub fn answer(&self, operation: &str) -> Option<&Value> {
        self.answers.get(operation.trim_end_matches("_short"))
    }

    /// The content of an answer with a schema.
    pub fn content(&self, operation: &str, schema: &str) -> Content {
        let operation = operation.trim_end_matches("_short");
        let name = self
            .answers
            .contains_key(operation)
            .then(|| operation.to_owned());
        content(schema, name)
    }

    /// The content of a refusal.
    pub fn refusal(&self, status: u16, refused: RefusedCaller) -> Content {
        let own = format!("{status}_call");
        let name = match refused {
            RefusedCaller::Management => None,
            RefusedCaller::Gateway | RefusedCaller::Holder => {
                self.refusals.contains_key(&own).then(|| refusal_name(&own))
            }
        };
        let shared = status.to_string();
        let shared = self
            .refusals
            .contains_key(&shared)
            .then(|| refusal_name(&shared));
        content("ErrorBody", name.or(shared))
    }

    /// Every example under the name by which answers refer to it.
    pub fn named(self) -> impl Iterator<Item = (String, Example)> {
        let refusals = self.refusals.into_iter();
        self.answers
            .into_iter()
            .chain(refusals.map(|(key, value)| (refusal_name(&key), value)))
            .map(|(name, value)| (name, ExampleBuilder::new().value(Some(value)).build()))
    }

    /// A refusal as any is.
    pub fn some_refusal(&self) -> Option<&Value> {
        self.refusals.get("400")
    }
}

fn refusal_name(key: &str) -> String {
    format!("refused_{key}")
}

fn content(schema: &str, example: Option<String>) -> Content {
    let example = example.map(|name| {
        let place = format!("#/components/examples/{name}");
        (name, RefOr::<Example>::Ref(Ref::new(place)))
    });
    ContentBuilder::new()
        .schema(Some(reference(schema)))
        .examples_from_iter(example)
        .build()
}

/// Puts an example on each schema that a value has an instance of: the value is one of the schema of this name.
pub fn show(schemas: &mut BTreeMap<String, RefOr<Schema>>, name: &str, value: &Value) {
    let mut found = Vec::new();
    find(schemas, &reference(name), value, &mut found);
    for (name, value) in found {
        if let Some(RefOr::T(Schema::Object(object))) = schemas.get_mut(&name)
            && object.examples.is_empty()
        {
            object.examples.push(value);
        }
    }
}

/// The named schemas that a value and its parts are instances of.
fn find(
    schemas: &BTreeMap<String, RefOr<Schema>>,
    schema: &RefOr<Schema>,
    value: &Value,
    found: &mut Vec<(String, Value)>,
) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference
                .ref_location
                .rsplit('/')
                .next()
                .unwrap_or_default();
            if let Some(schema) = schemas.get(name) {
                if value.is_object() {
                    found.push((name.to_owned(), value.clone()));
                }
                find(schemas, schema, value, found);
            }
        }
        RefOr::T(Schema::Object(object)) => {
            for (name, schema) in &object.properties {
                if let Some(value) = value.get(name) {
                    find(schemas, schema, value, found);
                }
            }
        }
        RefOr::T(Schema::Array(list)) => {
            if let (utoipa::openapi::schema::ArrayItems::RefOrSchema(schema), Some(values)) =
                (&list.items, value.as_array())
            {
                for value in values {
                    find(schemas, schema, value, found);
                }
            }
        }
        // An object, or null; and a body or the same in an envelope, of which the first is sent.
        RefOr::T(Schema::OneOf(several)) if value.is_object() => {
            if let Some(one) = several.items.iter().find(|one| is_reference(one)) {
                find(schemas, one, value, found);
            }
        }
        RefOr::T(Schema::AnyOf(several)) if value.is_object() => {
            if let Some(one) = several.items.iter().find(|one| is_reference(one)) {
                find(schemas, one, value, found);
            }
        }
        RefOr::T(_) => {}
    }
}

fn is_reference(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::Ref(_))
}
