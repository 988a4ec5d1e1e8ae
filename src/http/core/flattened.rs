//! The schema of an object that is made of others, whose members all stand in it.

use utoipa::openapi::{RefOr, Schema};

/// One object with the members of several.
pub fn flattened<const N: usize>(about: &str, parts: [RefOr<Schema>; N]) -> RefOr<Schema> {
    let mut whole = utoipa::openapi::Object::new();
    whole.description = Some(about.to_owned());
    for part in parts {
        if let RefOr::T(Schema::Object(part)) = part {
            whole.properties.extend(part.properties);
            whole.required.extend(part.required);
        }
    }
    RefOr::T(Schema::Object(whole))
}
