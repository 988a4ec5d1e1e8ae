//! The routes of virtual keys.

use actix_web::http::Method;
use serde_json::json;

use super::parameters::{USER_VIRTUAL_KEY_LIST, VIRTUAL_KEY_LIST};
use crate::domain::api_key::ROTATION;
use crate::domain::virtual_key::{NEW_VIRTUAL_KEY, VIRTUAL_KEY_CHANGE};
use crate::http::core::answer::Message;
use crate::http::core::list::List;
use crate::http::core::route::Route;
use crate::http::virtual_keys;
use crate::http::virtual_keys::views::{VirtualKeyAnswer, VirtualKeyView, VirtualKeyWritten};

const OF_USER: &str = "P/users/{user_id}/virtual-keys";
const UNDER_PROFILE: &str = "P/users/{user_id}/access-profiles/{profile_id}/virtual-keys";
const OF_USER_ONE: &str = "P/users/{user_id}/access-profiles/virtual-keys/{vk_id}";
const ONE: &str = "P/virtual-keys/{vk_id}";

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "P/virtual-keys", "list_virtual_keys", virtual_keys::list)
            .says("List virtual keys", "Without `sort`, in the order in which they were made.")
            .query(VIRTUAL_KEY_LIST)
            .answers::<List<VirtualKeyView>>(200)
            .refuses(&[400]),
        Route::new(Method::GET, OF_USER, "list_virtual_keys_of_user", virtual_keys::list_of_user)
            .says("List the virtual keys of a user", "Without `sort`, in the order in which they were made.")
            .query(USER_VIRTUAL_KEY_LIST)
            .answers::<List<VirtualKeyView>>(200)
            .refuses(&[400, 404]),
        Route::new(Method::POST, OF_USER, "create_virtual_key", virtual_keys::create)
            .says(
                "Make a virtual key for a user",
                "It works with every access profile that the user holds, and dies when the last of them goes. `value` is shown in this \
                 answer only, and again to the same caller under the same `Idempotency-Key`. `is_active` may be true and nothing else. 404 \
                 when the user holds none, 409 when the user has a key of that name, or 1,000.",
            )
            .may_take(&NEW_VIRTUAL_KEY, json!({ "name": "laptop" }))
            .answers::<VirtualKeyWritten>(200)
            .refuses(&[400, 404, 408, 409, 413, 415, 422]),
        Route::new(Method::POST, UNDER_PROFILE, "create_virtual_key_under_profile", virtual_keys::create_under)
            .says(
                "Make a virtual key for a user under an access profile",
                "It works with every access profile that the user holds, and dies when this one goes; a user who holds others but \
                 not this one, or an id of no profile, gets a key at large. `value` is shown in this answer only. 404 when the user holds none, 409 when the user has a key of \
                 that name, or 1,000.",
            )
            .may_take(&NEW_VIRTUAL_KEY, json!({ "name": "build server", "expires_at": "2027-12-31T00:00:00Z" }))
            .answers::<VirtualKeyWritten>(200)
            .refuses(&[400, 404, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, ONE, "get_virtual_key", virtual_keys::get)
            .says(
                "Read a virtual key",
                "Never with its secret. A key has no limits of its own: `provider_configs` and `mcp_configs` are empty, and what it may do is in \
                 what its user holds.",
            )
            .answers::<VirtualKeyAnswer>(200)
            .refuses(&[304, 404]),
        Route::new(Method::PUT, ONE, "update_virtual_key", virtual_keys::update)
            .says(
                "Change a virtual key",
                "A field that is left out or `null` keeps its value; an empty `expires_at` is never. Of a managed key only name and description can \
                 be changed (409), and a name is not that of another key of the user (409). What was read may be sent back; `is_active`, `user_id`, \
                 `is_access_profile_managed`, `access_profile_id`, `provider_configs`, `mcp_configs` and `calendar_aligned` with another value are 400.",
            )
            .takes(&VIRTUAL_KEY_CHANGE, json!({ "description": "on the new laptop" }))
            .answers::<VirtualKeyWritten>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::POST, "P/virtual-keys/{vk_id}/rotate", "rotate_virtual_key", virtual_keys::rotate)
            .says(
                "Give a virtual key a new secret",
                "Managed or not. The old secret works for `grace` more, and without it not at all. Each older one works until the end of its \
                 own grace period, whatever comes after it: `previous_value_expires_at` is when the last of them ends. Three at most work beside \
                 the current one: 409 `too_many_secrets`, which says when the first ends, for a fourth with a grace period. Deleting the \
                 key ends all. The answer shows the new `value` this once.",
            )
            .may_take(&ROTATION, json!({ "grace": "24h" }))
            .answers::<VirtualKeyWritten>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415, 422]),
        Route::new(Method::DELETE, OF_USER_ONE, "delete_virtual_key", virtual_keys::delete)
            .says(
                "Delete a virtual key of a user",
                "Managed or not: it is refused from the moment this answers. 404 when the key is another user's.",
            )
            .answers::<Message>(200)
            .refuses(&[404, 412]),
    ]
}
