//! Which refusals an operation has, and what the OpenAPI document says of each: when it comes.

use crate::domain::api_key::permission::Resource;
use crate::http::core::guard::Access;
use crate::http::core::route::Route;

/// The statuses of an operation beside that of its success, in order.
pub fn refusals(route: &Route) -> Vec<u16> {
    // 400, 421 and 431 before any route is looked up: the Host header, and the size of the head.
    let shared: &[u16] = match route.access {
        Access::Public => &[400, 421, 431, 500],
        Access::AnyKey | Access::VirtualKey | Access::Call => &[400, 401, 421, 429, 431, 500, 503],
        Access::Management(_) | Access::Operator => &[400, 401, 403, 421, 429, 431, 500, 503],
    };
    let mut all: Vec<u16> = shared
        .iter()
        .chain(route.description.refusals)
        .copied()
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Who is refused: the same status comes of other things for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedCaller {
    /// A caller of management, or anybody.
    Management,
    /// A gateway that asks for a decision.
    Gateway,
    /// The holder of a virtual key.
    Holder,
}

impl RefusedCaller {
    /// Who is refused by a route.
    pub fn by(route: &Route) -> Self {
        match route.access {
            Access::VirtualKey => Self::Holder,
            Access::Management(permission) if permission.resource == Resource::Decisions => {
                Self::Gateway
            }
            _ => Self::Management,
        }
    }
}

/// When a refusal comes that is not told apart by operation.
pub fn when(status: u16, refused: RefusedCaller) -> &'static str {
    match (status, refused) {
        (304, _) => "What `If-None-Match` names still holds",
        (400, _) => {
            "The request is malformed or not valid: `error` says what is wrong first, `extra_fields.errors` lists everything that is"
        }
        (401, RefusedCaller::Holder) => {
            "No virtual key came, none that is known, or two different ones"
        }
        (401, RefusedCaller::Gateway) => {
            "No management API key came, or one that is unknown, expired or revoked; or the virtual key in the body is unknown"
        }
        (401, RefusedCaller::Management) => {
            "No management API key came, or one that is unknown, expired or revoked; `WWW-Authenticate` and the message say what to send"
        }
        (402, _) => {
            "A budget has no room: `extra_fields.limit` is the one, and `Retry-After` says when it starts anew, if it does"
        }
        (403, RefusedCaller::Holder | RefusedCaller::Gateway) => {
            "The key may not do this: the message names the permission that the management API key lacks, or what of the call the access \
             profile does not allow"
        }
        (403, RefusedCaller::Management) => {
            "The key lacks the permission that the message names, or may not do it to this"
        }
        (404, _) => "Nothing has this id, or what the body names is not there",
        (405, _) => "The path has no such method; `Allow` lists those it has",
        (408, _) => "The body did not arrive in time",
        (409, _) => "It clashes with what is there; the code says how",
        (412, _) => {
            "It was changed since the answer that `If-Match` names: nothing was done, and `ETag` is the current one"
        }
        (413, _) => "The body is larger than a body may be",
        (415, _) => "The body is not `application/json`",
        (421, _) => "This server may not be called by the name in `Host`",
        (422, RefusedCaller::Gateway) => {
            "The `request_id` or the `Idempotency-Key` came with another body before"
        }
        (422, _) => "The `Idempotency-Key` came with another body before",
        (429, RefusedCaller::Management) => {
            "Too many wrong keys came from this address, or more answers would have to be kept than may be; `Retry-After` says how long \
             to wait"
        }
        (429, RefusedCaller::Holder | RefusedCaller::Gateway) => {
            "A rate limit has no room (`extra_fields.limit`), or too many wrong keys came; `Retry-After` says how long to wait"
        }
        (431, _) => "The head of the request is larger than it may be",
        (500, _) => "Something failed here; the server's log has the cause under the `event_id`",
        (503, _) => {
            "The server is overloaded, stopping, or can't write; `Retry-After` says how long to wait"
        }
        _ => "Refused; the code says why",
    }
}

/// When a refusal of one operation comes, where that differs from what [`when`] says.
pub fn when_of(operation: &str, status: u16) -> Option<&'static str> {
    // What the short paths serve is refused as under the long ones.
    let operation = operation.trim_end_matches("_short");
    let row = OF_OPERATIONS
        .iter()
        .find(|(names, of, _)| *of == status && names.contains(&operation));
    row.map(|(_, _, when)| *when)
}

/// The operations, the status, and when it comes.
pub const OF_OPERATIONS: &[(&[&str], u16, &str)] = &[
    (
        &[
            "create_access_profile",
            "update_access_profile",
            "clone_access_profile",
        ],
        409,
        "Another access profile has the name",
    ),
    (
        &["restore_version"],
        409,
        "Another access profile has the name by now, or today's rules refuse the content: `extra_fields.errors` lists every one",
    ),
    (
        &["delete_access_profile"],
        409,
        "Users hold a copy: `extra_fields` has their number and the first ten of them",
    ),
    (
        &["create_backup", "drill_backup"],
        409,
        "Another backup is made or tried out right now, or only the private key of somebody else opens this one",
    ),
    (
        &["download_backup"],
        409,
        "It lies there in plain, and nobody says for whom it is to be encrypted; or a recipient is named of one that is encrypted already",
    ),
    (&["attach_roles"], 409, "The access profile is inactive"),
    (
        &["assign_access_profile"],
        409,
        "The access profile is inactive, or the user holds it already",
    ),
    (
        &["create_role", "update_role"],
        409,
        "Another role has the name",
    ),
    (
        &["delete_role"],
        409,
        "Users are in the role: `extra_fields` has their number and the first ten of them",
    ),
    (
        &["set_price"],
        409,
        "There are prices of as many models, or from as many dates on, as there may be",
    ),
    (
        &["create_user", "update_user"],
        409,
        "Another user has the e-mail address",
    ),
    (
        &["create_mcp_tool_group", "update_mcp_tool_group"],
        409,
        "Another MCP tool group has the name",
    ),
    (
        &["create_virtual_key", "create_virtual_key_under_profile"],
        409,
        "The user has as many virtual keys as a user may have, or one of that name",
    ),
    (
        &["update_virtual_key"],
        409,
        "It is a managed key, whose expiry is that of its copy; or another virtual key of the user has the name",
    ),
    (
        &["rotate_virtual_key", "rotate_api_key"],
        409,
        "Three earlier secrets work still, and this one would be the fourth; the message says when the first ends",
    ),
    (
        &["create_api_key"],
        409,
        "Another management API key has the name, or the answer that is kept was for another secret of the caller",
    ),
    (
        &["update_api_key"],
        409,
        "Another management API key has the name, or nobody would be left who may do everything",
    ),
    (
        &["delete_api_key"],
        409,
        "It is the last key that holds every permission and never expires",
    ),
    (
        &["create_sign_in_code"],
        409,
        "The server listens on no address where the link could lead",
    ),
    (
        &["create_sign_in_code"],
        403,
        "It was asked over the network: only the control socket in the data directory makes codes",
    ),
    (
        &["accept_audit_log", "renew_audit_log"],
        403,
        "It was asked over the network: only the control socket in the data directory takes it",
    ),
    (
        &["accept_audit_log"],
        409,
        "The log fits its anchor, was tampered with, or has lost its key or anchor; the code says which",
    ),
    (
        &["renew_audit_log"],
        409,
        "Neither the key nor the anchor is lost, or entries were tampered with; the code says which",
    ),
    (
        &["sign_in"],
        401,
        "The code is unknown, used, or has expired; the message says which",
    ),
    (
        &["sign_in"],
        429,
        "Too many wrong codes came from this address; `Retry-After` says how long to wait",
    ),
    (
        &["reserve"],
        409,
        "The `request_id` is that of a reservation that is over: nothing is held for it any more",
    ),
    (
        &["settle_reservation"],
        409,
        "It was settled with other numbers",
    ),
    (
        &["extend_reservation"],
        409,
        "It is not open any more, or its user does not hold the access profile any more",
    ),
    (&["cancel_reservation"], 409, "It was settled"),
    (
        &["settle_reservation", "cancel_reservation"],
        403,
        "The key lacks the permission that the message names, or another key made the reservation",
    ),
    (
        &[
            "settle_reservation",
            "extend_reservation",
            "cancel_reservation",
        ],
        404,
        "There is no such reservation, or it was over more than a day ago",
    ),
    (
        &[
            "explain",
            "list_usage",
            "list_near_limits",
            "list_reservations",
        ],
        429,
        "Too many wrong keys came from this address, or another such read of this key is under way; `Retry-After` says how long to wait",
    ),
    (
        &["settle_reservation", "cancel_reservation", "charge"],
        429,
        "Too many wrong keys came, or more answers would have to be kept than may be; `Retry-After` says how long to wait",
    ),
    (
        &["settle_reservation", "extend_reservation"],
        422,
        "The `Idempotency-Key` came with another body before",
    ),
    (
        &["reserve"],
        200,
        "The reservation that the same `request_id` and body made before; it is open still",
    ),
    (
        &["charge"],
        200,
        "The first answer to the same `request_id` and body; nothing is charged again",
    ),
    (
        &["set_budget_override", "remove_budget_override"],
        404,
        "The user, the copy or the budget is not there; a budget's id is that of the copy, not of the access profile",
    ),
    (
        &["propagate"],
        404,
        "There is no such access profile, user who holds it, or role",
    ),
    (&["docs_file", "page_file"], 404, "There is no such file"),
    (
        &["ready"],
        503,
        "Requests should go elsewhere: the database does not answer, its file is gone, it is damaged, or the disk takes no write",
    ),
];
