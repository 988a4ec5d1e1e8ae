//! Values against JSON Schemas.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schemas of one document, each made into a validator once.
pub struct Schemas {
    document: Value,
    validators: HashMap<String, Validator>,
}

impl Schemas {
    /// Those of a document that has nothing else in it.
    pub fn new(document: Value) -> Self {
        Self {
            document,
            validators: HashMap::new(),
        }
    }

    /// Everything that is wrong with a value by the schema at this place of the document, each with its own place.
    pub fn wrongs(&mut self, place: &str, value: &Value) -> Vec<String> {
        let validator = self.validators.entry(place.to_owned()).or_insert_with(|| {
            let mut schema = self.document.clone();
            schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            schema["$ref"] = json!(place);
            jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap_or_else(|error| panic!("{place}: {error}"))
        });
        validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }
}
