//! Query parameters of decisions and usage; see [`super::parameters`].

use utoipa::openapi::{RefOr, Schema};

use super::parameters::{LIMIT, OFFSET, date, id, integer, one_of_words, text, user_id};
use crate::domain::body::input::MAX_NAME;
use crate::http::core::route::Parameter;
use crate::http::decisions::near_limits::MAX_NEAR_OFFSET;

const USER_ID: Parameter = Parameter {
    name: "user_id",
    description: "Of this user only",
    schema: user_id,
};
const FROM: Parameter = Parameter {
    name: "from",
    description: "The first day; 30 days up to the last when left out",
    schema: date,
};
const TO: Parameter = Parameter {
    name: "to",
    description: "The last day; today when left out",
    schema: date,
};
const GROUP_BY: Parameter = Parameter {
    name: "group_by",
    description: "What rows are told apart by, with commas between: day, user, access_profile, provider, model; day when \
                  left out. `user_id` and `access_profile_id`, as the fields are called, are the same",
    schema: || {
        let one = "(day|user|user_id|access_profile|access_profile_id|provider|model)";
        RefOr::T(
            text()
                .pattern(Some(format!("^({one}(,{one}){{0,4}})?$")))
                .into(),
        )
    },
};
const PROFILE_ID: Parameter = Parameter {
    name: "access_profile_id",
    description: "Of this access profile only",
    schema: id,
};
/// A page of open reservations.
pub const OPEN_LIST: &[Parameter] = &[LIMIT, OFFSET, USER_ID];
/// A page of the history of use.
pub const USAGE: &[Parameter] = &[FROM, TO, GROUP_BY, USER_ID, PROFILE_ID, LIMIT, OFFSET];
/// A page of one's own history of use.
pub const OWN_USAGE: &[Parameter] = &[FROM, TO, GROUP_BY, PROFILE_ID, LIMIT, OFFSET];
/// A page of the limits that are almost used up.
pub const NEAR_LIMITS: &[Parameter] = &[
    LIMIT,
    Parameter {
        name: "offset",
        description: "Items to skip",
        schema: || integer(0, MAX_NEAR_OFFSET, 0),
    },
    Parameter {
        name: "user_id",
        description: "Limits of this user only",
        schema: user_id,
    },
    Parameter {
        name: "access_profile_id",
        description: "Limits of copies of this access profile only",
        schema: id,
    },
];
/// The MCP server whose tools are listed.
pub const MCP_SERVER: &[Parameter] = &[Parameter {
    name: "mcp_server",
    description: "The MCP server",
    schema: || {
        let name = text().min_length(Some(1)).max_length(Some(MAX_NAME));
        RefOr::T(name.pattern(Some("^[^\\u0000]+$")).into())
    },
}];
const MODEL_HEADER: Parameter = Parameter {
    name: "x-model",
    description: "The model, perhaps with `<provider>/` before it; a comma is refused",
    schema: || header_text("^([!-+\\--~]([ -+\\--~]*[!-+\\--~])?)?$"),
};
const PROVIDER_HEADER: Parameter = Parameter {
    name: "x-provider",
    description: "The provider; when left out, the first that grants the model and has room",
    schema: || header_text("^([!-~]([ -~]*[!-~])?)?$"),
};
/// What a proxy's headers say about the call.
pub const CALL_HEADERS: &[Parameter] = &[MODEL_HEADER, PROVIDER_HEADER];
/// The same where the proxy appends the path and query of the call.
pub const BELOW_HEADERS: &[Parameter] = &[
    MODEL_HEADER,
    PROVIDER_HEADER,
    Parameter {
        name: "x-tollkeeper-hold",
        description: "Hold what the call may cost",
        schema: || word("1"),
    },
    Parameter {
        name: "x-tollkeeper-require",
        description: "Refuse each path whose cost is not known here, whatever the body says",
        schema: || word("path"),
    },
];
/// What a proxy says in the address at which it asks.
pub const INSTRUCTIONS: &[Parameter] = &[
    Parameter {
        name: "refuse_with",
        description: "Answer every refusal with this status; nginx understands no other. `require=model` goes with it",
        schema: || one_of_words(["403"]),
    },
    Parameter {
        name: "require",
        description: "`model`: refuse what names no model, because the proxy shows no bodies, so that it may be any call. `path`: refuse each path whose cost is \
                      not known here, whatever the body says, because who serves it may go by the path",
        schema: || RefOr::T(text().enum_values(Some(["model", "path"])).into()),
    },
    Parameter {
        name: "hold",
        description: "Hold what the call may cost, in the place of counting it",
        schema: || word("1"),
    },
    Parameter {
        name: "trust",
        description: "The proxy sets these headers for every request: `x-forwarded-uri` with `x-forwarded-method`",
        schema: || word("x-forwarded-uri"),
    },
];

/// One word and nothing else: an empty one would be taken for more or less than is meant.
fn word(word: &'static str) -> RefOr<Schema> {
    RefOr::T(text().enum_values(Some([word])).into())
}

/// What a proxy can send in a header, without spaces around it.
fn header_text(pattern: &str) -> RefOr<Schema> {
    let name = text().max_length(Some(MAX_NAME));
    RefOr::T(name.pattern(Some(pattern)).into())
}
