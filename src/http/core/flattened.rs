//! The schema of an object that is made of others, whose members all stand in it.

use utoipa::openapi::{Object, RefOr, Schema};

/// One object with the members of several.
pub fn flattened<const N: usize>(about: &str, parts: [RefOr<Schema>; N]) -> RefOr<Schema> {
    let mut whole = Object::new();
    whole.description = Some(about.to_owned());
    for part in parts {
        if let RefOr::T(Schema::Object(part)) = part {
            whole.properties.extend(part.properties);
            whole.required.extend(part.required);
        }
    }
    RefOr::T(Schema::Object(whole))
}

/// Describes a type as serde writes it whose fields are all flattened: what it is, and the types of its fields.
macro_rules! flattened {
    ($whole:ty, $about:literal, $($part:ty),+) => {
        impl utoipa::PartialSchema for $whole {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let parts = [$(<$part as utoipa::PartialSchema>::schema()),+];
                $crate::http::core::flattened::flattened($about, parts)
            }
        }

        impl utoipa::ToSchema for $whole {
            fn schemas(
                all: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>,
            ) {
                $(<$part as utoipa::ToSchema>::schemas(all);)+
            }
        }
    };
}

pub(in crate::http) use flattened as describe_flattened;
