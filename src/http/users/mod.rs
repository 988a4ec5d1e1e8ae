//! Handlers of users.

pub mod views;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::views::{UserAnswer, UserCreated, UserPage, UserRoleChanged, UserView};
use crate::domain::body::violation::{Path, Violation};
use crate::domain::list::{Listed, MAX_SEARCH, Query};
use crate::domain::people::user::UserDetail;
use crate::domain::people::user_input::{NEW_USER, USER_CHANGE, USER_ROLE};
use crate::error::Result;
use crate::http::core::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use crate::http::core::guard::{Caller, Create, Delete, Update, Users, View};
use crate::http::core::list::List;
use crate::http::core::path_values::{location, user_id};
use crate::http::core::request::{Request, blocking};
use crate::http::virtual_keys::views::KeysGone;
use crate::http::virtual_keys::views::NewKeyView;
use crate::ledger::ReadyExpressions;
use crate::service;
use crate::service::access_profiles::expressions::Given;
use crate::store::Reading;
use crate::store::idempotency::StoredAnswer;
use crate::store::people::users;
use crate::store::people::users::UserFilter;

pub use crate::store::people::users::SORT_FIELDS;

/// `GET /api/users`
pub async fn list_numbered(_: Caller<View, Users>, request: Request) -> Answer {
    let (filter, sort, page, is_of_group) = request.query(|query| {
        // Nobody is in a team or business unit: there are none.
        let groups = ["team_id", "business_unit_id"];
        let is_of_group = groups.map(|name| query.text(name, MAX_SEARCH).is_some());
        let (filter, sort) = (read_filter(query), query.sort(SORT_FIELDS));
        (
            filter,
            sort,
            query.numbered_page(),
            is_of_group.contains(&true),
        )
    })?;
    let searches = filter.search.is_some();
    let list = request
        .read_page(page, searches, move |reading| {
            if is_of_group {
                return Ok(Listed {
                    items: Vec::new(),
                    total_count: 0,
                });
            }
            users::list(reading, &filter, sort, page)
        })
        .await?;
    ok(&UserPage::of(&list, page, request.services().clock.now()))
}

/// `GET /api/governance/users`
pub async fn list(_: Caller<View, Users>, request: Request) -> Answer {
    let (filter, sort, page) =
        request.query(|query| (read_filter(query), query.sort(SORT_FIELDS), query.page()))?;
    let now = request.services().clock.now();
    let searches = filter.search.is_some();
    let list = request
        .read_page(page, searches, move |reading| {
            users::list(reading, &filter, sort, page)
        })
        .await?;
    ok(&List::of(list, page, |one| UserView::of(&one, now)))
}

fn read_filter(query: &Query) -> UserFilter {
    UserFilter {
        search: query.search(),
        role_id: query.integer("role_id", 1, i64::MAX),
        access_profile_id: query.integer("access_profile_id", 1, i64::MAX),
    }
}

/// `GET P/users/{user_id}`
pub async fn get(_: Caller<View, Users>, request: Request) -> Answer {
    let id = user_id(&request, "user_id")?;
    let now = request.services().clock.now();
    let detail = request
        .read(move |reading| users::get_detail(reading, id))
        .await?;
    let body = to_json(&UserView::of(&detail, now))?;
    Ok(ok_unless_known(&request, &detail.entity_tag(now), body))
}

/// `POST P/users`
///
/// # Errors
/// 400 with every violation, 404 when there is no such role, 409 when the address is taken.
pub async fn create(caller: Caller<Create, Users>, request: Request) -> Answer {
    let (input, hash) = request.json(&NEW_USER).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let sealed = caller.sealed_once(&request, hash)?;
    let place = location(&request, "");
    let ready = ready_for(&request, input.role_id).await?;
    let create = move || {
        service::people::users::create(
            &services,
            actor,
            input,
            sealed,
            move |detail, issued, now| {
                let created = UserCreated {
                    user: UserView::of(detail, now),
                    virtual_keys: NewKeyView::list(issued),
                };
                Ok(StoredAnswer {
                    location: Some(format!("{place}{}", detail.user.id)),
                    etag: Some(detail.entity_tag(now)),
                    ..StoredAnswer::json(&created)?
                })
            },
        )
    };
    stored(blocking(move || ready.until(create)).await?)
}

/// `PUT P/users/{user_id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when the address is taken, 412.
pub async fn update(caller: Caller<Update, Users>, request: Request) -> Answer {
    let (id, if_match) = (user_id(&request, "user_id")?, request.if_match()?);
    let stored = move |reading: &Reading<'_>| {
        let user = users::get(reading, id)?;
        Ok(json!([user.name, user.email]).to_string())
    };
    let input = request.json_of_change(&USER_CHANGE, stored).await?;
    let held = input.access_profiles.clone();
    let (services, actor) = (request.services(), caller.actor(&request));
    let check = move |before: &UserDetail, now| refuse_other_copies(held.as_ref(), before, now);
    let update =
        move || service::people::users::update(&services, actor, id, input, if_match, check);
    let (detail, now) = blocking(update).await?;
    let user = UserView::of(&detail, now);
    Ok(ok_tagged(
        &detail.entity_tag(now),
        to_json(&UserAnswer { user })?,
    ))
}

/// The expressions of what a role gives to who joins it.
async fn ready_for(request: &Request, role: Option<i64>) -> Result<ReadyExpressions> {
    match role {
        Some(role) => request.ready_expressions(Given::DefaultsOf(role)).await,
        None => Ok(ReadyExpressions::default()),
    }
}

/// The copies that a user holds may be sent back as they were read, and are changed elsewhere. Time alone may have ended one since.
fn refuse_other_copies(sent: Option<&Value>, before: &UserDetail, now: Timestamp) -> Result<()> {
    let Some(sent) = sent.and_then(Value::as_array) else {
        return Ok(());
    };
    let shown = json!(UserView::of(before, now).access_profiles);
    let lasting = |copies: &[Value]| -> Vec<Value> {
        let mut copies = copies.to_vec();
        for copy in copies.iter_mut().filter_map(Value::as_object_mut) {
            copy.remove("is_active");
        }
        copies
    };
    if lasting(sent) == lasting(shown.as_array().map_or(&[], Vec::as_slice)) {
        return Ok(());
    }
    Err(Violation::alone(
        &Path::root().field("access_profiles"),
        "not_settable",
        "is not what the user holds, and can't be changed here; POST …/users/{user_id}/access-profiles gives a user a copy, \
         DELETE …/users/{user_id}/access-profiles/{profile_id} takes it away",
    ))
}

/// `PUT P/users/{user_id}/role`
///
/// # Errors
/// 400, 404 when there is no such user or role, 412.
pub async fn change_role(caller: Caller<Update, Users>, request: Request) -> Answer {
    let (id, if_match) = (user_id(&request, "user_id")?, request.if_match()?);
    let (role, _) = request.json(&USER_ROLE).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let ready = ready_for(&request, role).await?;
    let change = move || service::people::users::change_role(&services, actor, id, role, if_match);
    let change = blocking(move || ready.until(change)).await?;
    let user = &change.detail;
    let changed = UserRoleChanged {
        message: match &user.role {
            Some((role, _)) => format!("the user {:?} is in the role {role:?}", user.user.name),
            None => format!("the user {:?} is in no role", user.user.name),
        },
        user: UserView::of(&change.detail, change.at),
        virtual_keys: NewKeyView::list(&change.issued),
        deleted_vk_count: change.deleted.len(),
        deleted_vk_names: change.deleted,
    };
    let tag = change.detail.entity_tag(change.at);
    Ok(ok_tagged(&tag, to_json(&changed)?))
}

/// `DELETE P/users/{user_id}`
pub async fn delete(caller: Caller<Delete, Users>, request: Request) -> Answer {
    let (id, if_match) = (user_id(&request, "user_id")?, request.if_match()?);
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete = move || service::people::users::delete(&services, actor, id, if_match);
    let (name, keys) = blocking(delete).await?;
    ok(&KeysGone {
        message: format!("the user {name:?} is deleted, and every virtual key of theirs is dead"),
        deleted_vk_count: keys.len(),
        deleted_vk_names: keys,
    })
}
