//! Handlers of the copies that users hold.

use super::answer::{Answer, ok, ok_json, ok_unless_known, stored, to_json};
use super::call::{Call, blocking};
use super::guard::{AccessProfiles, Caller, Create, Delete, View};
use super::holding_schemas::{AssignedAnswer, CopyAnswer, HolderUser, HolderView};
use super::list::List;
use super::path_values::{held_profile_id, location, user_id};
use super::people_schemas::{KeysGone, NewKeyView};
use super::problem::Problem;
use crate::domain::holding::ASSIGNMENT;
use crate::domain::idempotency::StoredAnswer;
use crate::domain::list::Query;
use crate::domain::permission::Resource;
use crate::error::Result;
use crate::service;
use crate::service::assignments::{Assigned, Held, show};
use crate::service::copies::ReadCopies;
use crate::service::expressions::Given;
use crate::store::{access_profiles, user_access_profiles, users};

/// `GET P/users/{user_id}/access-profiles`
///
/// # Errors
/// 400 when a parameter is not valid, 404.
pub async fn list(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let user = user_id(&call, "user_id")?;
    let page = call.query(Query::page)?;
    let list = call.slow(move |services| {
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
///
/// # Errors
/// 400 when a parameter is not valid, 404.
pub async fn holders(caller: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let id = call.id("id")?;
    let named = caller.permissions().shows(Resource::Users);
    let page = call.query(Query::page)?;
    let list = call.slow(move |services| {
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
///
/// # Errors
/// 400, 404.
pub async fn get(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let (user, profile) = (user_id(&call, "user_id")?, held_profile_id(&call)?);
    let held = call
        .aside(move |services| show(services, user, profile, services.clock.now()))
        .await?;
    let (tag, body) = tagged(&held)?;
    Ok(ok_unless_known(&call, &tag, body))
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
pub async fn assign(caller: Caller<Create, AccessProfiles>, call: Call) -> Answer {
    let user = user_id(&call, "user_id")?;
    let (input, hash) = call.json(&ASSIGNMENT).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let sealed = caller.sealed_once(&call, hash)?;
    let place = location(&call, input.access_profile_id);
    let render = move |given: &Assigned| render(place, given);
    let given = Given::Profile(input.access_profile_id);
    let ready = call.ready_expressions(given).await?;
    let assign =
        move || service::assignments::assign(&services, actor, user, input, sealed, render);
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
pub async fn unassign(caller: Caller<Delete, AccessProfiles>, call: Call) -> Answer {
    let (user, profile) = (user_id(&call, "user_id")?, held_profile_id(&call)?);
    let if_match = call.if_match()?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let unassign =
        move || service::assignments::unassign(&services, actor, user, profile, if_match);
    let keys = blocking(unassign).await?;
    ok(&KeysGone {
        message: format!("the user {user} does not hold the access profile {profile} any more"),
        deleted_vk_count: keys.len(),
        deleted_vk_names: keys,
    })
}
