//! Every route there is, grouped by who may call it. The router, the OpenAPI document and the permission matrix are made from
//! this table.

mod assignments;
mod audit_log;
mod backups;
mod decision_parameters;
mod decisions;
mod metrics;
mod parameters;
mod people;
mod permissions;
mod proxy;
mod settings;
mod tool_groups;
mod virtual_keys;

use actix_web::http::Method;
use serde_json::json;

pub use self::metrics::of_metrics_listener;
use self::parameters::{AGAINST, AUDIT_LIST, KEY_LIST, PAGE_OR_ALL, PROFILE_LIST};
use crate::domain::access_profile::input::{ACCESS_PROFILE_CHANGE, NEW_ACCESS_PROFILE};
use crate::domain::access_profile::versions::CLONE;
use crate::domain::api_key::{API_KEY_CHANGE, NEW_API_KEY, ROTATION};
use crate::domain::values::patch::JsonPatch;
use crate::http::access_profiles;
use crate::http::access_profiles::history;
use crate::http::access_profiles::views::{
    AccessProfileAnswer, AccessProfileDetail, AccessProfileList, AuditLogView, VersionAnswer,
    VersionView,
};
use crate::http::api_keys;
use crate::http::api_keys::sign_in;
use crate::http::api_keys::views::{
    ApiKeyAnswer, ApiKeyCreated, ApiKeyView, SessionAnswer, SignInCode, SignedIn,
};
use crate::http::audit_log::views::AuditVerdict;
use crate::http::core::answer::Message;
use crate::http::core::guard::Access;
use crate::http::core::list::List;
use crate::http::core::route::Route;
use crate::http::page;
use crate::http::page::docs;
use crate::http::status;
use crate::http::status::{HealthAnswer, ReadyAnswer};

/// Every route there is.
pub fn table() -> Vec<Route> {
    [
        public(),
        access_profile_routes(),
        history_routes(),
        audit_log::routes(),
        api_key_routes(),
        permissions::routes(),
        people::routes(),
        assignments::routes(),
        virtual_keys::routes(),
        tool_groups::routes(),
        settings::routes(),
        metrics::routes(),
        backups::routes(),
        decisions::routes(),
        proxy::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Those that our own document describes: the paths of providers' own APIs are theirs.
pub fn documented() -> Vec<Route> {
    let mut all = table();
    all.retain(|route| route.access != Access::Call);
    all
}

fn public() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/health", "health", status::health)
            .says("Whether the process is alive", "It answers as long as the process can; nothing is looked at.")
            .answers::<HealthAnswer>(200),
        Route::new(Method::GET, "/ready", "ready", status::ready)
            .says(
                "Whether requests should be sent here",
                "503 with the reason when no decision can be made: the database does not answer, its file is gone or replaced, it is damaged, what \
                 writes has ended, or the disk takes no write. Else 200, and `warnings` says what should be looked after, each with a `code` \
                 and what to do.",
            )
            .answers::<ReadyAnswer>(200)
            .refuses(&[503]),
        Route::new(Method::GET, "/openapi.json", "openapi", docs::openapi)
            .says("This document", "As `tollkeeper openapi` prints it; packed with gzip for who accepts that.")
            .answers::<serde_json::Value>(200)
            .refuses(&[304]),
        Route::new(Method::GET, "/docs", "docs", docs::index)
            .says("The API reference for people", "Made from this document. It works without any network but this server, and with a key that is pasted in.")
            .serves(&[page::HTML])
            .refuses(&[304]),
        Route::new(Method::GET, "/docs/{file}", "docs_file", docs::file)
            .says("A file of the API reference", "Only what the page loads.")
            .serves(&[page::SCRIPT, page::STYLE])
            .refuses(&[304, 404]),
        Route::new(Method::GET, "/", "page", page::index)
            .says("The admin page", "It asks for a management API key, or for a virtual key, and does what that key may.")
            .serves(&[page::HTML])
            .refuses(&[304]),
        Route::new(Method::GET, "/static/{path}", "page_file", page::file)
            .says("A file of the admin page", "The path may lead through folders.")
            .serves(&[page::SCRIPT, page::STYLE, page::IMAGE, page::HTML])
            .refuses(&[304, 404]),
    ]
}

const PROFILES: &str = "P/access-profiles";
const PROFILE: &str = "P/access-profiles/{id}";

fn access_profile_routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, PROFILES, "list_access_profiles", access_profiles::list)
            .says(
                "List access profiles",
                "Without `sort`, by id. A filter that is empty or has only commas is 400, so that it does not answer everything.",
            )
            .query(PROFILE_LIST)
            .answers::<AccessProfileList>(200)
            .refuses(&[400]),
        Route::new(Method::POST, PROFILES, "create_access_profile", access_profiles::create)
            .says(
                "Create an access profile",
                "Fields that the server sets are accepted and ignored, and so is an answer as a whole (the profile under \
                 `access_profile`), so that what was read can be sent. `null` is as if the field were left out. Amounts finer than a nanodollar \
                 are rounded to the nearest. `next_rotation_at` is one interval from now when rotation is on and it is left out. A profile that lets nothing \
                 through (no provider, model lists that allow nothing, a budget of 0) is stored, and `warnings` beside it says what to do.",
            )
            .takes(&NEW_ACCESS_PROFILE, json!({
                "name": "developers",
                "description": "What developers may use",
                "tags": ["engineering"],
                "provider_configs": [{
                    "provider_name": "openai",
                    "allowed_models": ["gpt-5*"],
                    "budgets": [{ "max_limit": 20, "reset_duration": "1d" }]
                }],
                "budgets": [{ "max_limit": 100, "reset_duration": "1M" }],
                "rate_limit": { "request_max_limit": 1000, "request_reset_duration": "1h" }
            }))
            .answers::<AccessProfileAnswer>(201)
            .refuses(&[400, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, PROFILE, "get_access_profile", access_profiles::get)
            .says(
                "Read an access profile",
                "`unresolved_references` lists the MCP tool groups, servers and clients that the profile names and that are not \
                 known here.",
            )
            .answers::<AccessProfileDetail>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::PUT, PROFILE, "update_access_profile", access_profiles::update)
            .says(
                "Change an access profile",
                "A field that is left out or `null` keeps its value, but that `rate_limit: null` is none; a list replaces the list, and `[]` \
                 empties it. A whole answer can be sent back. A budget or rate limit that keeps its place (same scope, \
                 same reset duration) keeps its id. A change that changes nothing makes no version. With `If-Match`, 412 when \
                 somebody changed it in the meantime; its roles and holders, which the `ETag` covers too, do not count there. \
                 When the interval changes and `next_rotation_at` is not sent, it is one new interval from now; `null` is refused while keys \
                 rotate.",
            )
            .takes(&ACCESS_PROFILE_CHANGE, json!({ "description": "What developers may use from today on" }))
            .answers::<AccessProfileAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::DELETE, PROFILE, "delete_access_profile", access_profiles::delete)
            .says(
                "Delete an access profile",
                "It leaves its roles, and its versions are shown no more; its audit entries stay. 409 while users hold a copy, with \
                 their number and the first ten of them under `extra_fields`.",
            )
            .answers::<Message>(200)
            .refuses(&[400, 404, 409, 412]),
        Route::new(Method::PUT, "P/access-profiles/{id}/activate", "activate_access_profile", access_profiles::activate)
            .says("Activate an access profile", "Does nothing when it is active already. Keys rotate next one interval from now.")
            .answers::<AccessProfileAnswer>(200)
            .refuses(&[400, 404, 408, 412, 413, 415]),
        Route::new(Method::PUT, "P/access-profiles/{id}/deactivate", "deactivate_access_profile", access_profiles::deactivate)
            .says(
                "Deactivate an access profile",
                "It can't be assigned any more; copies and their keys keep working, and don't rotate. Does nothing when it is inactive already.",
            )
            .answers::<AccessProfileAnswer>(200)
            .refuses(&[400, 404, 408, 412, 413, 415]),
        Route::new(Method::POST, "P/access-profiles/{id}/clone", "clone_access_profile", access_profiles::clone)
            .says(
                "Clone an access profile",
                "The policy under another name: fresh ids, version 1, active if the original is. Rotation starts anew.",
            )
            .takes(&CLONE, json!({ "name": "testers" }))
            .answers::<AccessProfileAnswer>(201)
            .refuses(&[400, 404, 408, 409, 413, 415, 422]),
    ]
}

fn history_routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "P/access-profiles/{id}/versions", "list_versions", history::list_versions)
            .says("List the versions of an access profile", "The newest first.")
            .query(PAGE_OR_ALL)
            .answers::<List<VersionView>>(200)
            .refuses(&[400, 404]),
        Route::new(Method::GET, "P/access-profiles/{id}/versions/{version}", "get_version", history::get_version)
            .says("Read a version of an access profile", "`snapshot` is the access profile as it was then, as JSON in a string.")
            .answers::<VersionAnswer>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::GET, "P/access-profiles/{id}/versions/{version}/diff", "diff_versions", history::diff)
            .says(
                "Compare two versions of an access profile",
                "The JSON Patch (RFC 6902) that turns the snapshot of version `against` into that of version `version`.",
            )
            .query(AGAINST)
            .answers::<JsonPatch>(200)
            .serves(&[history::JSON_PATCH])
            .refuses(&[304, 400, 404]),
        Route::new(Method::POST, "P/access-profiles/{id}/versions/{version}/restore", "restore_version", history::restore)
            .says(
                "Bring back the content of a version",
                "As a new version, with the ids it had; makes none when that changes nothing. A `next_rotation_at` that has passed \
                 is not brought back. 409 when the name is taken or today's rules refuse the content.",
            )
            .answers::<AccessProfileAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415, 422]),
        Route::new(Method::GET, "P/access-profiles/{id}/audit-logs", "list_audit_logs_of_profile", history::audit_logs_of_one)
            .says("List the audit log of an access profile", "The newest first; also after the profile was deleted.")
            .query(AUDIT_LIST)
            .answers::<List<AuditLogView>>(200)
            .refuses(&[400, 404]),
        Route::new(Method::GET, "P/access-profiles/audit-logs", "list_audit_logs", history::audit_logs_of_all)
            .says(
                "List the audit log",
                "The newest first: access profiles, users, roles, what they hold, and virtual keys; management API keys are left out. \
                 So are users, roles and MCP tool groups for a key that may not view them. A name may have been another's \
                 before: `actor_id` in `metadata` is the id in the key that acted (`tk_mgmt_<id>_…`), or `cli` or `server`. A filter that names \
                 nothing finds nothing.",
            )
            .query(AUDIT_LIST)
            .answers::<List<AuditLogView>>(200)
            .refuses(&[400]),
        Route::new(Method::GET, "P/access-profiles/audit-logs/verify", "verify_audit_log", history::verify_audit_log)
            .says(
                "Check that the audit log is as it was written",
                "Walks the whole chain and compares it with the anchor that lies outside the database. There is one walk at a time; \
                 `walked_at` says when it began.",
            )
            .answers::<AuditVerdict>(200),
    ]
}

fn api_key_routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, API_KEYS, "list_api_keys", api_keys::list)
            .says("List management API keys", "Without `sort`, by id. Revoked keys are not shown.")
            .query(KEY_LIST)
            .answers::<List<ApiKeyView>>(200)
            .refuses(&[400]),
        Route::new(Method::POST, API_KEYS, "create_api_key", api_keys::create)
            .says(
                "Make a management API key",
                "`key` is shown in this answer only, and again to the same caller under the same `Idempotency-Key`. A key can't \
                 grant what it does not hold, nor make one that works longer than itself: a key that expires sends an `expires_at` that is \
                 not after its own, else 403 with the last instant allowed. `scopes` is `[\"*\"]` for every permission, those of later versions included.",
            )
            .takes(&NEW_API_KEY, json!({ "name": "reporting", "scopes": ["AccessProfiles:View"] }))
            .answers::<ApiKeyCreated>(200)
            .refuses(&[400, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, API_KEY, "get_api_key", api_keys::get)
            .says("Read a management API key", "The `ETag` is of its settings; being used does not change it.")
            .answers::<ApiKeyAnswer>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::PUT, API_KEY, "update_api_key", api_keys::update)
            .says(
                "Change a management API key",
                "A field that is left out or `null`, and an empty `name`, keeps its value; an empty `expires_at` is never. It takes effect before this answers. 403 when the \
                 caller does not hold both the scopes before and after, whatever is changed, or when the caller expires and the key is \
                 prolonged beyond that, or works longer and is given more. The last key that holds every permission and never expires can't be narrowed or given an expiry (409).",
            )
            .takes(&API_KEY_CHANGE, json!({ "scopes": ["AccessProfiles:View", "Users:View"] }))
            .answers::<ApiKeyAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::DELETE, API_KEY, "delete_api_key", api_keys::delete)
            .says(
                "Revoke a management API key",
                "It is refused from the moment this answers. 403 when it holds more than the caller. The last key that holds every permission and never expires is kept \
                 (409). Where the disk takes no write, this and whatever else takes access away is answered 503 with the code \
                 `revoked_not_stored`: access is denied all the same, over a restart too, and the change is stored with its audit entry \
                 before anything else once there is room.",
            )
            .answers::<Message>(200)
            .refuses(&[400, 404, 409, 412]),
        Route::new(Method::POST, "/api/api-keys/{id}/rotate", "rotate_api_key", api_keys::rotate)
            .says(
                "Give a management API key a new secret",
                "Same id, same permissions. The old secret works for `grace` more, and without it not at all. Each older one works until \
                 the end of its own grace period, whatever comes after it: `previous_key_expires_at` is when the last of them ends. Three \
                 at most work beside the current one: 409 `too_many_secrets`, which says when the first ends, for a fourth with a grace \
                 period. Revoking the key ends all. 403 when the key holds more than the caller, who would get hold of it, or works longer.",
            )
            .may_take(&ROTATION, json!({ "grace": "24h" }))
            .answers::<ApiKeyCreated>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415, 422]),
        Route::new(Method::GET, "/api/session", "get_session", api_keys::session)
            .says(
                "Read the key of this call",
                "Its name and what it may do; every key may ask. For clients that show only what their key can do.",
            )
            .answers::<SessionAnswer>(200),
        Route::new(Method::POST, "/api/session", "sign_in", sign_in::sign_in)
            .says(
                "Exchange a sign-in code for a key",
                "What the page does with a sign-in link; no key is needed. A code works once, for half an hour, and until the \
                 server stops. That of the first start is exchanged for the first key; nothing new is made. That of `tollkeeper \
                 sign-in` is exchanged for a new key that may do everything for 12 hours; keys of such links whose time is over are \
                 revoked meanwhile. 401 says whether the code is unknown, used, or has expired; wrong codes are slowed down like \
                 wrong keys. `Idempotency-Key` has no effect.",
            )
            .takes(&sign_in::SIGN_IN, json!({
                "code": "tk_code_Xq3vVb7Yp0Ls_9WmR2kTzJ4cHnE8uQ5aGdF1xP6yB0oViS7tLrCwKjUh2g7Aso"
            }))
            .answers::<SignedIn>(200)
            .refuses(&[401, 408, 413, 415, 429, 503]),
        Route::new(Method::POST, "/api/sign-in-codes", "create_sign_in_code", sign_in::make_code)
            .says(
                "Make a sign-in code for the operator",
                "Over the control socket in the data directory only, which is what `tollkeeper sign-in` speaks over: 403 for every \
                 key. 409 when the server listens on no address where the link could lead. The code is in the memory of the server \
                 alone. `Idempotency-Key` has no effect.",
            )
            .answers::<SignInCode>(201)
            .without_place()
            .refuses(&[408, 409, 413, 415]),
    ]
}

const API_KEYS: &str = "/api/api-keys";
const API_KEY: &str = "/api/api-keys/{id}";
