//! Bodies of changes in the form of an answer that is sent back as it was read: `{"user": {…}}` is what `{…}` is. Access profiles read
//! theirs in `domain`, because whole answers about them have more beside them.

use utoipa::ToSchema;

use super::bodies::either;
use super::people_schemas::{RoleChangeBody, UserChangeBody};
use super::tool_group_schemas::ToolGroupChangeBody;
use super::virtual_key_schemas::VirtualKeyChangeBody;
use crate::domain::json::Json;
use crate::error::{Error, Result};

/// What a change of a user takes: the fields, or an answer with the user in it.
pub struct UserChangeRequest;

/// A change of a user in the form of an answer that is sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct UserChangeEnvelope {
    user: UserChangeBody,
}
either!(UserChangeRequest: UserChangeBody, UserChangeEnvelope);

/// What a change of a role takes: the fields, or an answer with the role in it.
pub struct RoleChangeRequest;

/// A change of a role in the form of an answer that is sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct RoleChangeEnvelope {
    role: RoleChangeBody,
}
either!(RoleChangeRequest: RoleChangeBody, RoleChangeEnvelope);

/// What a change of a virtual key takes: the fields, or an answer with the key in it.
pub struct VirtualKeyChangeRequest;

/// A change of a virtual key in the form of an answer that is sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct VirtualKeyChangeEnvelope {
    virtual_key: VirtualKeyChangeBody,
}
either!(VirtualKeyChangeRequest: VirtualKeyChangeBody, VirtualKeyChangeEnvelope);

/// What a change of an MCP tool group takes: the fields, or an answer with the group in it.
pub struct ToolGroupChangeRequest;

/// A change of an MCP tool group in the form of an answer that is sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ToolGroupChangeEnvelope {
    mcp_tool_group: ToolGroupChangeBody,
}
either!(ToolGroupChangeRequest: ToolGroupChangeBody, ToolGroupChangeEnvelope);

/// Reads the fields of a thing from a body, or from under its name in one that has nothing else in it.
///
/// # Errors
/// What `read` answers, with whole paths.
pub fn opened<T>(
    body: &Json<'_>,
    name: &'static str,
    read: impl FnOnce(&Json<'_>) -> Result<T>,
) -> Result<T> {
    let inner = match body {
        Json::Object(fields) => fields.alone(name),
        _ => None,
    };
    match inner {
        Some(inner) => read(inner).map_err(|error| beneath(error, name)),
        None => read(body),
    }
}

fn beneath(error: Error, name: &str) -> Error {
    let Error::Invalid(mut violations) = error else {
        return error;
    };
    for violation in &mut violations {
        let whole = violation.param.is_empty();
        let (dot, colon) = if whole { ("", ": ") } else { (".", ".") };
        violation.param = format!("{name}{dot}{}", violation.param);
        violation.message = format!("{name}{colon}{}", violation.message);
    }
    Error::Invalid(violations)
}
