//! Query parameters as the OpenAPI document describes them; the handlers read them through [`crate::domain::list::Query`].

use utoipa::PartialSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::domain::body::patterns::TEXT;
use crate::domain::list::{DEFAULT_LIMIT, MAX_OFFSET, MAX_PAGE_NUMBER, MAX_SEARCH};
use crate::domain::price::entry::MAX_PATTERN;
use crate::http::access_profiles;
use crate::http::access_profiles::history::MAX_FILTER;
use crate::http::api_keys;
use crate::http::core::route::Parameter;
use crate::http::roles;
use crate::http::tool_groups;
use crate::http::users;
use crate::http::virtual_keys;

pub(super) const LIMIT: Parameter = Parameter {
    name: "limit",
    description: "Items of a page; above 500 it is 500. A page of more than 16 MiB is refused; when this is left out, it ends before that, and `count` \
                  says where",
    schema: || integer(1, i64::MAX, DEFAULT_LIMIT),
};
pub(super) const OFFSET: Parameter = Parameter {
    name: "offset",
    description: "Items to skip",
    schema: || integer(0, MAX_OFFSET, 0),
};
const LIMIT_OR_ALL: Parameter = Parameter {
    name: "limit",
    description: "Items of a page; above 500 it is 500; 25 with `offset` alone. Without either, all there are, up to 500. A page of more than 16 MiB is refused; when \
                  this is left out, it ends before that, and `count` says where",
    schema: || RefOr::T(whole(1, i64::MAX).into()),
};
const SEARCH: Parameter = Parameter {
    name: "search",
    description: "Substring of name or description, without regard to case",
    schema: || text_up_to(MAX_SEARCH),
};

const fn sort(schema: fn() -> RefOr<Schema>) -> Parameter {
    Parameter {
        name: "sort",
        description: "Field to sort by; - before it for descending",
        schema,
    }
}

/// A page of a list.
pub const PAGE: &[Parameter] = &[LIMIT, OFFSET];
/// A page of a list that is answered whole when no page is asked for.
pub const PAGE_OR_ALL: &[Parameter] = &[LIMIT_OR_ALL, OFFSET];
/// A page of the management API keys.
pub const KEY_LIST: &[Parameter] = &[
    LIMIT_OR_ALL,
    OFFSET,
    SEARCH,
    Parameter {
        name: "state",
        description: "Keys that work, or keys whose time is over",
        schema: || RefOr::T(text().enum_values(Some(["active", "expired"])).into()),
    },
    sort(|| sort_schema(api_keys::SORT_FIELDS)),
];
/// For whom a backup is encrypted.
pub const RECIPIENT: &[Parameter] = &[Parameter {
    name: "recipient",
    description: "A public key of age for which it is encrypted on its way, where it lies in plain; only the private key opens it then",
    schema: || {
        let key = text().pattern(Some("^age1[0-9a-z]{58}$"));
        RefOr::T(key.into())
    },
}];
/// What to compare a version with.
pub const AGAINST: &[Parameter] = &[Parameter {
    name: "against",
    description: "The version to compare with; the one before when left out",
    schema: id,
}];
/// A page of the audit log.
pub const AUDIT_LIST: &[Parameter] = &[
    LIMIT,
    OFFSET,
    Parameter {
        name: "action",
        description: "Entries of this action only, such as update or user.delete; what is none finds nothing",
        schema: filter,
    },
    Parameter {
        name: "user_id",
        description: "Entries about this user only; what is no id finds nothing",
        schema: filter,
    },
    Parameter {
        name: "actor",
        description: "Entries of whoever had this name, or has this public id, alone",
        schema: filter,
    },
    Parameter {
        name: "from",
        description: "The first day, in the server's time zone; all there are when left out",
        schema: date,
    },
    Parameter {
        name: "to",
        description: "The last day; up to now when left out",
        schema: date,
    },
];
/// A page of the access profiles.
pub const PROFILE_LIST: &[Parameter] = &[
    LIMIT,
    OFFSET,
    SEARCH,
    Parameter {
        name: "tags",
        description: "Tags with commas between; profiles that have all of them",
        schema: || {
            let tags = text().max_length(Some(access_profiles::MAX_TAGS));
            RefOr::T(
                tags.pattern(Some("^[^\\u0000]*[^\\u0000,\\s][^\\u0000]*$"))
                    .into(),
            )
        },
    },
    Parameter {
        name: "is_active",
        description: "Active or inactive profiles only",
        schema: bool::schema,
    },
    sort(|| sort_schema(access_profiles::SORT_FIELDS)),
];

const USER_SEARCH: Parameter = Parameter {
    name: "search",
    description: "Substring of name or e-mail address, without regard to case",
    schema: || text_up_to(MAX_SEARCH),
};
const IN_ROLE: Parameter = Parameter {
    name: "role_id",
    description: "Users in this role only",
    schema: id,
};
const HOLDING: Parameter = Parameter {
    name: "access_profile_id",
    description: "Users who hold a copy of this profile only",
    schema: id,
};
const USER_SORT: Parameter = sort(|| sort_schema(users::SORT_FIELDS));
/// A page of the users.
pub const USER_LIST: &[Parameter] = &[LIMIT, OFFSET, USER_SEARCH, IN_ROLE, HOLDING, USER_SORT];
/// A page of the users, as the contract's older path counts pages.
pub const NUMBERED_USER_LIST: &[Parameter] = &[
    Parameter {
        name: "page",
        description: "The page, counted from 1",
        schema: || integer(1, MAX_PAGE_NUMBER, 1),
    },
    Parameter {
        name: "limit",
        description: "Items of a page; above 500 it is 500",
        schema: || integer(1, i64::MAX, DEFAULT_LIMIT),
    },
    USER_SEARCH,
    IN_ROLE,
    HOLDING,
    Parameter {
        name: "team_id",
        description: "Users in this team only; there are no teams here, so that it finds nobody",
        schema: filter,
    },
    Parameter {
        name: "business_unit_id",
        description: "Users in this business unit only; there are none here, so that it finds nobody",
        schema: filter,
    },
    USER_SORT,
];
const KEY_SORT: Parameter = sort(|| sort_schema(virtual_keys::SORT_FIELDS));
/// A page of the virtual keys of a user.
pub const USER_VIRTUAL_KEY_LIST: &[Parameter] = &[LIMIT_OR_ALL, OFFSET, SEARCH, KEY_SORT];
/// A page of all virtual keys.
pub const VIRTUAL_KEY_LIST: &[Parameter] = &[
    LIMIT,
    OFFSET,
    SEARCH,
    Parameter {
        name: "user_id",
        description: "Keys of this user only",
        schema: user_id,
    },
    KEY_SORT,
];
/// A page of the MCP tool groups.
pub const TOOL_GROUP_LIST: &[Parameter] = &[
    LIMIT_OR_ALL,
    OFFSET,
    SEARCH,
    sort(|| sort_schema(tool_groups::SORT_FIELDS)),
];
/// A page of the roles.
pub const ROLE_LIST: &[Parameter] = &[
    LIMIT_OR_ALL,
    OFFSET,
    SEARCH,
    sort(|| sort_schema(roles::SORT_FIELDS)),
];

/// A page of the prices.
pub const PRICE_LIST: &[Parameter] = &[
    LIMIT,
    OFFSET,
    Parameter {
        name: "provider",
        description: "Prices of this provider only, by any name that is known of it",
        schema: price_filter,
    },
    Parameter {
        name: "model",
        description: "Prices of this model only, by any name that is known of it; patterns that cover it are among them",
        schema: price_filter,
    },
    Parameter {
        name: "at",
        description: "The time; now when left out",
        schema: || {
            RefOr::T(
                text()
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                    .into(),
            )
        },
    },
    Parameter {
        name: "search",
        description: "Substring of provider/model, without regard to case",
        schema: || text_up_to(MAX_SEARCH),
    },
];

fn price_filter() -> RefOr<Schema> {
    let schema = text().min_length(Some(1)).max_length(Some(MAX_PATTERN));
    RefOr::T(schema.pattern(Some(NOT_BLANK)).into())
}

fn sort_schema(fields: &[&str]) -> RefOr<Schema> {
    let words = fields
        .iter()
        .flat_map(|field| [(*field).to_owned(), format!("-{field}")]);
    one_of_words(words)
}

/// One of some words, or nothing, which is as if the parameter were left out.
pub(super) fn one_of_words(words: impl IntoIterator<Item = impl Into<String>>) -> RefOr<Schema> {
    let words = words.into_iter().map(Into::into).chain([String::new()]);
    RefOr::T(text().enum_values(Some(words)).into())
}

/// The id of a user, a number in a string.
pub(super) fn user_id() -> RefOr<Schema> {
    RefOr::T(text().pattern(Some("^[1-9][0-9]{0,18}$")).into())
}

pub(super) fn id() -> RefOr<Schema> {
    RefOr::T(whole(1, i64::MAX).into())
}

/// Something that is not white space (Unicode's `White_Space`), and no U+0000.
const NOT_BLANK: &str = "^[^\\u0000]*[^\\u0000\\u0009-\\u000d \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$";

/// A text that a filter looks for; one of blanks alone would say nothing.
fn filter() -> RefOr<Schema> {
    let schema = text()
        .min_length(Some(1))
        .max_length(Some(MAX_FILTER))
        .pattern(Some(NOT_BLANK));
    RefOr::T(schema.into())
}

pub(super) fn date() -> RefOr<Schema> {
    RefOr::T(
        text()
            .pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))
            .into(),
    )
}

fn text_up_to(most: usize) -> RefOr<Schema> {
    let schema = text().max_length(Some(most)).pattern(Some(TEXT));
    RefOr::T(schema.into())
}

pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn integer(minimum: i64, maximum: i64, default: i64) -> RefOr<Schema> {
    RefOr::T(whole(minimum, maximum).default(Some(default.into())).into())
}

fn whole(minimum: i64, maximum: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(minimum))
        .maximum(Some(maximum))
}
