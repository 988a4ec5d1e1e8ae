//! Query parameters of decisions and usage; see [`super::parameters`].

use utoipa::openapi::schema::Type;
use utoipa::openapi::{RefOr, Schema};

use super::parameters::{LIMIT, OFFSET, id, one_of_words, text};
use super::route::Parameter;
use super::shapes::text_up_to;
use crate::domain::input::MAX_NAME;

const USER_ID: Parameter = Parameter {
    name: "user_id",
    description: "Of this user only",
    schema: id,
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
    description: "What rows are told apart by, with commas between: day, user, access_profile, provider, model; day when left out",
    schema: || {
        let one = "(day|user|access_profile|provider|model)";
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
/// The MCP server whose tools are listed.
pub const MCP_SERVER: &[Parameter] = &[Parameter {
    name: "mcp_server",
    description: "The MCP server; required",
    schema: || text_up_to(MAX_NAME, Type::String),
}];
/// How a proxy is refused.
pub const REFUSE_WITH: &[Parameter] = &[Parameter {
    name: "refuse_with",
    description: "Answer every refusal with this status; nginx understands no other",
    schema: || one_of_words(["403"]),
}];

fn date() -> RefOr<Schema> {
    RefOr::T(
        text()
            .pattern(Some(
                "^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$",
            ))
            .into(),
    )
}
