//! Handlers of roles.

use serde_json::json;

use super::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use super::call::{Call, blocking};
use super::guard::{Caller, Create, Delete, Roles, Update, View};
use super::list::List;
use super::path_values::location;
use super::people_schemas::{RoleAnswer, RoleView};
use super::schemas::Message;
use crate::domain::idempotency::StoredAnswer;
use crate::domain::role::{NEW_ROLE, ROLE_CHANGE, RoleDetail};
use crate::service;
use crate::store::Reading;
use crate::store::roles;

pub use crate::store::roles::SORT_FIELDS;

/// `GET P/rbac/roles`, `GET P/roles`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, Roles>, call: Call) -> Answer {
    let (search, sort, page) = call.query(|query| {
        let search = query.search();
        (search, query.sort(SORT_FIELDS), query.page())
    })?;
    let searches = search.is_some();
    let list = call
        .read_page(page, searches, move |reading| {
            roles::list(reading, search.as_deref(), sort, page)
        })
        .await?;
    ok(&List::of(list, page, |one| RoleView::from(&one)))
}

/// `GET P/rbac/roles/{id}`, `GET P/roles/{id}`
///
/// # Errors
/// 400, 404.
pub async fn get(_: Caller<View, Roles>, call: Call) -> Answer {
    let id = call.id("id")?;
    let detail = call
        .read(move |reading| roles::get_detail(reading, id))
        .await?;
    Ok(ok_unless_known(
        &call,
        &detail.entity_tag(),
        to_json(&shown(&detail))?,
    ))
}

/// `POST P/rbac/roles`, `POST P/roles`
///
/// # Errors
/// 400 with every violation, 409 when the name is taken.
pub async fn create(caller: Caller<Create, Roles>, call: Call) -> Answer {
    let (input, hash) = call.json(&NEW_ROLE).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let once = call.once(&actor, hash)?;
    let place = location(&call, "");
    let create = move || {
        service::roles::create(&services, actor, input, once, move |detail| {
            Ok(StoredAnswer {
                location: Some(format!("{place}{}", detail.role.id)),
                etag: Some(detail.entity_tag()),
                ..StoredAnswer::json(&shown(detail))?
            })
        })
    };
    stored(blocking(create).await?)
}

/// `PUT P/rbac/roles/{id}`, `PUT P/roles/{id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when the name is taken, 412.
pub async fn update(caller: Caller<Update, Roles>, call: Call) -> Answer {
    let (id, if_match) = (call.id("id")?, call.if_match()?);
    let stored = move |reading: &Reading<'_>| {
        let role = roles::get(reading, id)?;
        Ok(json!([role.name, role.description]).to_string())
    };
    let input = call.json_of_change(&ROLE_CHANGE, stored).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let update = move || service::roles::update(&services, actor, id, input, if_match);
    let detail = blocking(update).await?;
    Ok(ok_tagged(&detail.entity_tag(), to_json(&shown(&detail))?))
}

/// `DELETE P/rbac/roles/{id}`, `DELETE P/roles/{id}`
///
/// # Errors
/// 400, 404, 409 while users are in it, 412.
pub async fn delete(caller: Caller<Delete, Roles>, call: Call) -> Answer {
    let (id, if_match) = (call.id("id")?, call.if_match()?);
    let (services, actor) = (call.services(), caller.actor(&call));
    let delete = move || service::roles::delete(&services, actor, id, if_match);
    let name = blocking(delete).await?;
    ok(&Message {
        message: format!("the role {name:?} is deleted"),
    })
}

fn shown(detail: &RoleDetail) -> RoleAnswer {
    RoleAnswer {
        role: RoleView::from(detail),
    }
}
