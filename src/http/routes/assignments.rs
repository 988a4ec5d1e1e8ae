//! The routes of what users hold: roles of profiles, copies, propagation, overrides.

use actix_web::http::Method;
use serde_json::json;

use super::parameters::{PAGE, PAGE_OR_ALL};
use crate::domain::access_profile::propagation::{PROPAGATION, Propagated};
use crate::domain::limits::budget_override::OVERRIDE as OVERRIDE_BODY;
use crate::domain::people::holding::{ASSIGNMENT, ATTACHMENT};
use crate::domain::people::user_copy::UserCopy;
use crate::http::access_profiles::attachments;
use crate::http::access_profiles::propagation;
use crate::http::assignments;
use crate::http::assignments::budget_overrides;
use crate::http::assignments::views::{
    AssignedAnswer, Attached, CopyAnswer, HolderView, OverrideAnswer,
};
use crate::http::core::answer::Message;
use crate::http::core::list::List;
use crate::http::core::route::Route;
use crate::http::virtual_keys::views::KeysGone;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    let mut all = profile_routes();
    all.extend(copy_routes());
    all.extend(override_routes());
    all
}

fn profile_routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "P/access-profiles/{id}/roles", "attach_roles", attachments::attach)
            .says(
                "Attach an access profile to roles",
                "With `is_default`, users who join a role later get a copy; with `apply_to_existing`, every user who is in a role now and \
                 holds no copy, or one whose time is over, gets one, all in one transaction. Each copy comes with a managed virtual key; rotate it to hand it out, \
                 its value is not shown here. Attaching again says anew whether it is a default, where `is_default` is sent. 409 when the profile is inactive.",
            )
            .takes(&ATTACHMENT, json!({ "role_ids": [1], "is_default": true, "apply_to_existing": true }))
            .answers::<Attached>(200)
            .refuses(&[400, 404, 408, 409, 413, 415, 422]),
        Route::new(Method::DELETE, "P/access-profiles/{id}/roles/{role_id}", "detach_role", attachments::detach)
            .says(
                "Detach an access profile from a role",
                "Users who join the role get no copy any more. Copies that were given stay until their users leave the role. \
                 `If-Match` is about the access profile, without its roles and holders.",
            )
            .answers::<Message>(200)
            .refuses(&[400, 404, 412]),
        Route::new(Method::GET, "P/access-profiles/{id}/users", "list_holders", assignments::holders)
            .says("List who holds an access profile", "Each user with the copy and what binds it now, in the order of assignment; names and e-mail addresses for keys that hold \
                 `Users:View`.")
            .query(PAGE)
            .answers::<List<HolderView>>(200)
            .refuses(&[400, 404]),
        Route::new(Method::POST, "P/access-profiles/{id}/propagate", "propagate", propagation::propagate)
            .says(
                "Push parts of an access profile to its copies",
                "All chosen copies change or none; those that are like the profile already are skipped. `calendar_aligned` goes with \
                 `budgets`. Usage survives where scope and reset duration stay, and so do overrides; `reset_usage` forgets everything that \
                 the chosen copies used in the windows that are open; what calls under way hold there stays held. Without `user_ids` and `group_ids`, or with both empty, every copy is chosen; a group is a role, by its id as a number or in a string. \
                 A dry run writes nothing, and says what would change for whom (`changes`) and whose use, with what calls under way hold, \
                 would be above a limit (`would_exceed`). 404 names the user who holds no copy, or the role that does not exist.",
            )
            .takes(&PROPAGATION, json!({ "fields": ["budgets"], "dry_run": true }))
            .answers::<Propagated>(200)
            .refuses(&[400, 404, 408, 413, 415, 422]),
    ]
}

const COPIES: &str = "P/users/{user_id}/access-profiles";
const COPY: &str = "P/users/{user_id}/access-profiles/{profile_id}";

fn copy_routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, COPIES, "list_user_access_profiles", assignments::list)
            .says(
                "List what a user holds",
                "The copies in the order of assignment, which is the order in which they serve the user's calls, with what binds them now.",
            )
            .query(PAGE_OR_ALL)
            .answers::<List<UserCopy>>(200)
            .refuses(&[400, 404]),
        Route::new(Method::POST, COPIES, "assign_access_profile", assignments::assign)
            .says(
                "Give a user a copy of an access profile",
                "With a managed virtual key, whose value is shown in this answer only, and again to the same caller under the same \
                 `Idempotency-Key`. 409 when the profile is inactive (`inactive_profile`) or the user holds it (`already_assigned`); a copy whose time is \
                 over is replaced, and the keys that were issued under it go.",
            )
            .takes(&ASSIGNMENT, json!({ "access_profile_id": 1 }))
            .answers::<AssignedAnswer>(201)
            .refuses(&[400, 404, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, COPY, "get_user_access_profile", assignments::get)
            .says("Read a copy that a user holds", "`{profile_id}` is the access profile's id. The `ETag` covers what is used too.")
            .answers::<CopyAnswer>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::DELETE, COPY, "unassign_access_profile", assignments::unassign)
            .says(
                "Take an access profile away from a user",
                "The virtual keys that were issued under the copy are dead when this answers, and the keys of the user at large too when \
                 nothing is held any more. `If-Match` is about the copy itself: use in between does not count.",
            )
            .answers::<KeysGone>(200)
            .refuses(&[400, 404, 412]),
    ]
}

const OVERRIDE: &str =
    "P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override";

fn override_routes() -> Vec<Route> {
    vec![
        Route::new(Method::PUT, OVERRIDE, "set_budget_override", budget_overrides::put)
            .says(
                "Let a user spend more than a budget says",
                "`amount` is added to the limit for `cycles` windows, of which the open one is the first, or for good (`forever`). It \
                 replaces the override before. `{budget_id}` is that of the copy; 404 with a hint when it is one of the access profile. An \
                 override is a part of the copy: the `ETag` is that of the copy, and `If-Match` takes it.",
            )
            .takes(&OVERRIDE_BODY, json!({ "amount": 100, "mode": "cycles", "cycles": 2 }))
            .answers::<OverrideAnswer>(200)
            .refuses(&[400, 404, 408, 412, 413, 415]),
        Route::new(Method::DELETE, OVERRIDE, "remove_budget_override", budget_overrides::delete)
            .says("Take an override of a budget away", "Without one it changes nothing. `If-Match` and `ETag` are about the copy.")
            .answers::<OverrideAnswer>(200)
            .refuses(&[400, 404, 412]),
    ]
}
