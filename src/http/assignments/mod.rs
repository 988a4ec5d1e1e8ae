//! Handlers of the copies that users hold.

pub mod budget_overrides;
pub mod views;

use self::views::{AssignedAnswer, CopyAnswer, HolderUser, HolderView};
use crate::domain::api_key::permission::Resource;
use crate::domain::list::Query;
use crate::domain::people::holding::ASSIGNMENT;
use crate::error::Result;
use crate::http::core::answer::{Answer, ok, ok_json, ok_unless_known, stored, to_json};
use crate::http::core::guard::{AccessProfiles, Caller, Create, Delete, View};
use crate::http::core::list::List;
use crate::http::core::path_values::{held_profile_id, location, user_id};
use crate::http::core::problem::Problem;
use crate::http::core::request::{Request, blocking};
use crate::http::virtual_keys::views::KeysGone;
use crate::http::virtual_keys::views::NewKeyView;
use crate::service;
use crate::service::access_profiles::expressions::Given;
use crate::service::people::assignments::{Assigned, Held, show};
use crate::service::people::copies::ReadCopies;
use crate::store::access_profiles;
use crate::store::idempotency::StoredAnswer;
use crate::store::people::{user_access_profiles, users};

/// `GET P/users/{user_id}/access-profiles`
pub async fn list(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let user = user_id(&request, "user_id")?;
    let page = request.query(Query::page_or_all)?;
    let list = request.slow(move |services| {
        let (total, read) = services.store.read(|reading| {
            users::get(reading, user)?;
            let list = user_access_profiles::list_of_user(reading, user, page)?;
            Ok((list.total_count, ReadCopies::read(reading, list.items)?))
        })?;
        Ok((read.with_counters(services, services.clock.now())?, total))
    });
    let (copies, total_count) = list.await?;
    let list = List::new(copies, total_count, page);
    Ok(ok_json(list.into_bounded_json()?))
}

/// `GET P/access-profiles/{id}/users`
pub async fn holders(caller: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let named = caller.permissions().shows(Resource::Users);
    let page = request.query(Query::page)?;
    let list = request.slow(move |services| {
        let (total, holders, read) = services.store.read(|reading| {
            access_profiles::get_current(reading, id)?;
            let list = user_access_profiles::list_of_profile(reading, id, page)?;
            let user = |user_id: i64| users::get(reading, user_id);
            let holders: Result<Vec<_>> = list.items.iter().map(|one| user(one.user_id)).collect();
            let read = ReadCopies::read(reading, list.items)?;
            Ok((list.total_count, holders?, read))
        })?;
        let copies = read.with_counters(services, services.clock.now())?;
        let both = holders.into_iter().zip(copies);
        let view = both.map(|(user, access_profile)| HolderView {
            user: HolderUser::of(user, named),
            access_profile,
        });
        Ok((view.collect::<Vec<_>>(), total))
    });
    let (holders, total_count) = list.await?;
    let list = List::new(holders, total_count, page);
    Ok(ok_json(list.into_bounded_json()?))
}

/// `GET P/users/{user_id}/access-profiles/{profile_id}`
pub async fn get(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let (user, profile) = (user_id(&request, "user_id")?, held_profile_id(&request)?);
    let held = request
        .aside(move |services| show(services, user, profile, services.clock.now()))
        .await?;
    let (tag, body) = tagged(&held)?;
    Ok(ok_unless_known(&request, &tag, body))
}

/// A copy as JSON, with its validator.
pub(super) fn tagged(held: &Held) -> std::result::Result<(String, String), Problem> {
    let access_profile = held.copy.clone();
    let body = to_json(&CopyAnswer { access_profile })?;
    Ok((held.entity_tag(&body), body))
}

/// `POST P/users/{user_id}/access-profiles`
///
/// # Errors
/// 400 with every violation, 404 when there is no such user or profile, 409 when the profile is inactive or the user holds it.
pub async fn assign(caller: Caller<Create, AccessProfiles>, request: Request) -> Answer {
    let user = user_id(&request, "user_id")?;
    let (input, hash) = request.json(&ASSIGNMENT).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let sealed = caller.sealed_once(&request, hash)?;
    let place = location(&request, input.access_profile_id);
    let render = move |given: &Assigned| render(place, given);
    let given = Given::Profile(input.access_profile_id);
    let ready = request.ready_expressions(given).await?;
    let assign =
        move || service::people::assignments::assign(&services, actor, user, input, sealed, render);
    stored(blocking(move || ready.until(assign)).await?)
}

fn render(place: String, given: &Assigned) -> Result<StoredAnswer> {
    let shown = StoredAnswer::json(&CopyAnswer {
        access_profile: given.copy.clone(),
    })?;
    let mut keys = NewKeyView::list(std::slice::from_ref(&given.issued));
    let answer = AssignedAnswer {
        access_profile: given.copy.clone(),
        virtual_key: keys.remove(0),
    };
    Ok(StoredAnswer {
        status: 201,
        location: Some(place),
        etag: Some(given.row.entity_tag(&[], &shown.body)),
        ..StoredAnswer::json(&answer)?
    })
}

/// `DELETE P/users/{user_id}/access-profiles/{profile_id}`
///
/// # Errors
/// 400, 404 when the user does not hold it, 412.
pub async fn unassign(caller: Caller<Delete, AccessProfiles>, request: Request) -> Answer {
    let (user, profile) = (user_id(&request, "user_id")?, held_profile_id(&request)?);
    let if_match = request.if_match()?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let unassign =
        move || service::people::assignments::unassign(&services, actor, user, profile, if_match);
    let keys = blocking(unassign).await?;
    ok(&KeysGone {
        message: format!("the user {user} does not hold the access profile {profile} any more"),
        deleted_vk_count: keys.len(),
        deleted_vk_names: keys,
    })
}
