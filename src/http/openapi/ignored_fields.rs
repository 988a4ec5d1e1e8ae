//! What a client may send back though the server sets it, and what an answer does not always have, for the OpenAPI document.

use crate::domain::access_profile::input::{BESIDE_PROFILE, SET_BY_SERVER};
use crate::domain::access_profile::parts::{SET_ON_BUDGET, SET_ON_PROVIDER, SET_ON_RATE_LIMIT};
use crate::http::decisions::usage::TOLD_APART_BY;

/// Fields that each body of an access profile takes without reading them, so that an answer can be sent back.
pub const IGNORED: &[(&str, &[&str])] = &[
    ("AccessProfileBody", &SET_BY_SERVER),
    ("AccessProfileEnvelope", &BESIDE_PROFILE),
    ("AccessProfileChangeBody", &SET_BY_SERVER),
    ("AccessProfileChangeEnvelope", &BESIDE_PROFILE),
    ("ProviderConfigBody", &SET_ON_PROVIDER),
    ("BudgetBody", &SET_ON_BUDGET),
    ("RateLimitBody", &SET_ON_RATE_LIMIT),
];

/// Fields of answers that are not always there, by schema: those that rows of the history are told apart by, when they are; and the
/// value of a step of a patch, unless it removes one; what would have refused a call that was made all the same; who users are, for keys that may see it; what
/// lets nothing through in a profile, when something does; and the part of a model's name that a pattern covers, where it is not all.
pub const SOMETIMES: &[(&str, &[&str])] = &[
    ("UsageView", TOLD_APART_BY),
    ("UsageAnswer", &["outside_policy"]),
    ("PatchStep", &["value"]),
    ("HolderUser", &["name", "email"]),
    ("NearLimitView", &["user_name"]),
    ("AccessProfileAnswer", &["warnings"]),
    ("AccessProfileDetail", &["warnings"]),
    ("ProviderView", &["matched_name"]),
];
