//! What a client may send back though the server sets it, and what an answer does not always have, for the OpenAPI document.

use super::usage::TOLD_APART_BY;
use crate::domain::access_profile_input::{BESIDE_PROFILE, SET_BY_SERVER};
use crate::domain::access_profile_parts::{SET_ON_BUDGET, SET_ON_PROVIDER, SET_ON_RATE_LIMIT};
use crate::domain::{api_key, role, tool_group, user_input, virtual_key};

/// Fields that each request body takes without reading them, so that an answer can be sent back.
pub const IGNORED: &[(&str, &[&str])] = &[
    ("AccessProfileBody", &SET_BY_SERVER),
    ("AccessProfileEnvelope", &BESIDE_PROFILE),
    ("AccessProfileChangeBody", &SET_BY_SERVER),
    ("AccessProfileChangeEnvelope", &BESIDE_PROFILE),
    ("ProviderConfigBody", &SET_ON_PROVIDER),
    ("BudgetBody", &SET_ON_BUDGET),
    ("RateLimitBody", &SET_ON_RATE_LIMIT),
    ("ApiKeyBody", &api_key::SET_BY_SERVER),
    ("ApiKeyChangeBody", &api_key::SET_BY_SERVER),
    ("UserBody", &user_input::SET_BY_SERVER),
    ("UserChangeBody", &user_input::SET_BY_SERVER_ON_CHANGE),
    ("VirtualKeyBody", &virtual_key::SET_BY_SERVER),
    ("VirtualKeyChangeBody", &virtual_key::SET_BY_SERVER),
    ("ToolGroupBody", &tool_group::SET_BY_SERVER),
    ("ToolGroupChangeBody", &tool_group::SET_BY_SERVER),
    ("RoleBody", &role::SET_BY_SERVER),
    ("RoleChangeBody", &role::SET_BY_SERVER),
];

/// Fields of answers that are not always there, by schema: those that rows of the history are told apart by, when they are; and the
/// value of a step of a patch, unless it removes one; who users are, for keys that may see it; what
/// lets nothing through in a profile, when something does; and the part of a model's name that a pattern covers, where it is not all.
pub const SOMETIMES: &[(&str, &[&str])] = &[
    ("UsageView", TOLD_APART_BY),
    ("PatchStep", &["value"]),
    ("HolderUser", &["name", "email"]),
    ("NearLimitView", &["user_name"]),
    ("AccessProfileAnswer", &["warnings"]),
    ("AccessProfileDetail", &["warnings"]),
    ("ProviderView", &["matched_name"]),
];
