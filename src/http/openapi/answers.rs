//! What answers always have: every list, every scalar, and the few members that are `null` where there is nothing (API.md §1). Every other
//! optional member is left out then.

use utoipa::openapi::schema::{Object, OneOf, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

/// Members that are there in every answer, `null` where there is nothing.
const NULLABLE: [&str; 11] = [
    "token_max_limit",
    "request_max_limit",
    "next_rotation_at",
    "last_rotation_at",
    "expires_at",
    "role_id",
    "config_hash",
    "created_by_user_id",
    "previous_values",
    "new_values",
    "metadata",
];
/// The same of single schemas.
const NULLABLE_OF: [(&str, &[&str]); 4] = [
    ("AuditLogView", &["access_profile_id", "user_id"]),
    ("UserView", &["access_profile"]),
    ("KeyQuota", &["rate_limit"]),
    ("QuotaProvider", &["weight", "keys"]),
];
/// Members that any value may be the value of, and that are not always there.
const ANY_OF: [(&str, &str); 2] = [("PatchStep", "value"), ("SettingView", "value")];

/// Makes the schema of an answer say which members are always there, and which are never `null`.
pub fn complete(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else {
        return;
    };
    let mut required = Vec::new();
    for (member, value) in &mut object.properties {
        say_how_large(value);
        let may_be_null = is_nullable(name, member);
        let is_optional = accepts_null(value) || ANY_OF.contains(&(name, member));
        if is_optional && !may_be_null {
            refuse_null(value);
        } else {
            required.push(member.clone());
        }
    }
    object.required = required;
}

/// A whole number without a format is 32 bits long to some generators.
fn say_how_large(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && object.schema_type == SchemaType::Type(Type::Integer)
        && object.format.is_none()
    {
        object.format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    }
}

fn is_nullable(name: &str, member: &str) -> bool {
    let of_this = NULLABLE_OF.iter().filter(|it| it.0 == name);
    NULLABLE.contains(&member) || of_this.into_iter().any(|it| it.1.contains(&member))
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(Object { schema_type, .. })) = schema else {
        return false;
    };
    *schema_type == SchemaType::Type(Type::Null)
}

fn types(schema: &mut RefOr<Schema>) -> Option<&mut SchemaType> {
    match schema {
        RefOr::T(Schema::Object(object)) => Some(&mut object.schema_type),
        RefOr::T(Schema::Array(list)) => Some(&mut list.schema_type),
        _ => None,
    }
}

fn accepts_null(schema: &mut RefOr<Schema>) -> bool {
    if let RefOr::T(Schema::OneOf(several)) = schema {
        return several.items.iter().any(is_null);
    }
    match types(schema) {
        Some(SchemaType::Array(several)) => several.contains(&Type::Null),
        _ => false,
    }
}

fn refuse_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(OneOf {
        items, description, ..
    })) = schema
    {
        items.retain(|one| !is_null(one));
        if let [one] = items.as_mut_slice() {
            if let (RefOr::Ref(reference), Some(about)) = (&mut *one, description.take()) {
                reference.description = about;
            }
            *schema = one.clone();
        }
        return;
    }
    if let Some(schema_type) = types(schema)
        && let SchemaType::Array(several) = schema_type
    {
        several.retain(|one| *one != Type::Null);
        if let [one] = several.as_slice() {
            *schema_type = SchemaType::Type(one.clone());
        }
    }
}
