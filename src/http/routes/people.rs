//! The routes of users and roles.

use actix_web::http::Method;
use serde_json::json;

use super::parameters::{NUMBERED_USER_LIST, ROLE_LIST, USER_LIST};
use crate::domain::people::role::{NEW_ROLE, ROLE_CHANGE, ROLE_PERMISSIONS};
use crate::domain::people::user_input::{NEW_USER, USER_CHANGE, USER_ROLE};
use crate::http::core::answer::Message;
use crate::http::core::list::List;
use crate::http::core::route::Route;
use crate::http::roles;
use crate::http::roles::views::{RoleAnswer, RolePermissions, RoleView};
use crate::http::users;
use crate::http::users::views::{UserAnswer, UserCreated, UserPage, UserRoleChanged, UserView};
use crate::http::virtual_keys::views::KeysGone;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    let names = [
        "list_roles",
        "create_role",
        "get_role",
        "update_role",
        "delete_role",
    ];
    let short = [
        "list_roles_short",
        "create_role_short",
        "get_role_short",
        "update_role_short",
        "delete_role_short",
    ];
    let mut all = user_routes();
    all.extend(role_routes("P/rbac/roles", "P/rbac/roles/{id}", names));
    all.extend(role_routes("P/roles", "P/roles/{id}", short));
    all.extend(role_permission_routes(
        "P/rbac/roles/{id}/permissions",
        ["get_role_permissions", "set_role_permissions"],
    ));
    all.extend(role_permission_routes(
        "P/roles/{id}/permissions",
        ["get_role_permissions_short", "set_role_permissions_short"],
    ));
    all
}

const USERS: &str = "P/users";
const USER: &str = "P/users/{user_id}";

fn user_routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/users", "list_users", users::list_numbered)
            .says(
                "List users by the number of a page",
                "Without `sort`, by id. The older form of `/api/governance/users`, where pages are counted; every other path answers the same in \
                 both families.",
            )
            .query(NUMBERED_USER_LIST)
            .answers::<UserPage>(200)
            .refuses(&[400]),
        Route::new(Method::GET, "/api/governance/users", "list_users_governance", users::list)
            .says("List users", "Without `sort`, by id.")
            .query(USER_LIST)
            .answers::<List<UserView>>(200)
            .refuses(&[400]),
        Route::new(Method::POST, USERS, "create_user", users::create)
            .says(
                "Make a user",
                "A user who joins a role gets the access profiles that are attached to it with `is_default`, each with a managed virtual \
                 key, which `virtual_keys` shows this once, and again to the same caller under the same `Idempotency-Key`: so \
                 `Users:Create` alone is enough to get the keys that a role gives. 404 when there is no such role.",
            )
            .takes(&NEW_USER, json!({ "name": "Ada Lovelace", "email": "ada@example.com" }))
            .answers::<UserCreated>(200)
            .refuses(&[400, 404, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, USER, "get_user", users::get)
            .says("Read a user", "The user itself, in no envelope; it may be sent back so. The `ETag` covers all that is shown; `If-Match` compares the user without what is held. Everything that is no id of a user is 404.")
            .answers::<UserView>(200)
            .refuses(&[304, 404]),
        Route::new(Method::PUT, USER, "update_user", users::update)
            .says(
                "Change a user",
                "A field that is left out or `null` keeps its value. What was read may be sent back, also as a whole answer; another `role_id` or \
                 `role` is refused, because `/role` changes it, and so are `access_profiles` that the user does not hold.",
            )
            .takes(&USER_CHANGE, json!({ "name": "Ada King" }))
            .answers::<UserAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::DELETE, USER, "delete_user", users::delete)
            .says(
                "Delete a user",
                "Copies, virtual keys, overrides and counters go with it, before this answers; what was used stays in the history.",
            )
            .answers::<KeysGone>(200)
            .refuses(&[404, 412]),
        Route::new(Method::PUT, "P/users/{user_id}/role", "change_user_role", users::change_role)
            .says(
                "Put a user into a role, or into none",
                "The copies that came from the old role go, with the keys that were issued under them; the default profiles of the new \
                 role come, each with a managed virtual key that is shown this once. What was assigned directly stays. Does nothing \
                 when the user is in the role already.",
            )
            .takes(&USER_ROLE, json!({ "role_id": null }))
            .answers::<UserRoleChanged>(200)
            .refuses(&[400, 404, 408, 412, 413, 415]),
    ]
}

fn role_routes(all: &'static str, one: &'static str, names: [&'static str; 5]) -> Vec<Route> {
    let [list, create, get, update, delete] = names;
    vec![
        Route::new(Method::GET, all, list, roles::list)
            .says("List roles", "Without `sort`, by id.")
            .query(ROLE_LIST)
            .answers::<List<RoleView>>(200)
            .refuses(&[400]),
        Route::new(Method::POST, all, create, roles::create)
            .says(
                "Make a role",
                "A role groups users, to give them access profiles. It gives no management permission, whatever it is permitted, and `dac` narrows \
                 nothing here: both are kept for the gateway.",
            )
            .takes(&NEW_ROLE, json!({ "name": "developers" }))
            .answers::<RoleAnswer>(200)
            .refuses(&[400, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, one, get, roles::get)
            .says("Read a role", "The `ETag` covers all that is shown; `If-Match` compares the role without its users and profiles.")
            .answers::<RoleAnswer>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::PUT, one, update, roles::update)
            .says(
                "Change a role",
                "A field that is left out or `null` keeps its value. With a `revision` that is not today's, 412: somebody changed the role in the \
                 meantime. What was read may be sent back.",
            )
            .takes(&ROLE_CHANGE, json!({ "description": "Everybody who writes code" }))
            .answers::<RoleAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::DELETE, one, delete, roles::delete)
            .says(
                "Delete a role",
                "409 while users are in it, with their number and the first ten of them under `extra_fields`.",
            )
            .answers::<Message>(200)
            .refuses(&[400, 404, 409, 412]),
    ]
}

fn role_permission_routes(path: &'static str, names: [&'static str; 2]) -> Vec<Route> {
    let [get, set] = names;
    vec![
        Route::new(Method::GET, path, get, roles::permissions)
            .says(
                "Read what a role is permitted",
                "As it was set last, with the `ETag` of the role. It is kept for the gateway and for consoles: nobody signs in on this API as a user of \
                 a role, and what a management API key may do is in its own scopes alone.",
            )
            .answers::<RolePermissions>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::PUT, path, set, roles::set_permissions)
            .says(
                "Set what a role is permitted",
                "`permission_ids` is the whole new set, and `[]` empties it. It gives nobody anything on this API: it is stored, shown, told in the \
                 audit log and gone with the role. 412 for a `revision` that is not today's.",
            )
            .takes(&ROLE_PERMISSIONS, json!({ "permission_ids": [1, 5] }))
            .answers::<Message>(200)
            .refuses(&[400, 404, 408, 412, 413, 415]),
    ]
}
