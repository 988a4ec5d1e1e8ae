//! Handlers of roles.

pub mod views;

use serde_json::json;

use self::views::{RoleAnswer, RolePermissions, RoleView};
use crate::domain::people::role::{NEW_ROLE, ROLE_CHANGE, ROLE_PERMISSIONS, RoleDetail};
use crate::http::core::answer::Message;
use crate::http::core::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use crate::http::core::guard::{Caller, Create, Delete, Roles, Update, View};
use crate::http::core::list::List;
use crate::http::core::path_values::location;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::store::Reading;
use crate::store::idempotency::StoredAnswer;
use crate::store::people::roles;

pub use crate::store::people::roles::SORT_FIELDS;

/// `GET P/rbac/roles`, `GET P/roles`
pub async fn list(_: Caller<View, Roles>, request: Request) -> Answer {
    let (search, sort, page) = request.query(|query| {
        let search = query.search();
        (search, query.sort(SORT_FIELDS), query.page_or_all())
    })?;
    let searches = search.is_some();
    let list = request
        .read_page(page, searches, move |reading| {
            roles::list(reading, search.as_deref(), sort, page)
        })
        .await?;
    ok(&List::of(list, page, |one| RoleView::from(&one)))
}

/// `GET P/rbac/roles/{id}`, `GET P/roles/{id}`
pub async fn get(_: Caller<View, Roles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let detail = request
        .read(move |reading| roles::get_detail(reading, id))
        .await?;
    Ok(ok_unless_known(
        &request,
        &detail.entity_tag(),
        to_json(&shown(&detail))?,
    ))
}

/// `POST P/rbac/roles`, `POST P/roles`
///
/// # Errors
/// 400 with every violation, 409 when the name is taken.
pub async fn create(caller: Caller<Create, Roles>, request: Request) -> Answer {
    let (input, hash) = request.json(&NEW_ROLE).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let once = request.once(&actor, hash)?;
    let place = location(&request, "");
    let create = move || {
        service::people::roles::create(&services, actor, input, once, move |detail| {
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
/// 400 with every violation, 404, 409 when the name is taken, 412 also for another revision.
pub async fn update(caller: Caller<Update, Roles>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let stored = move |reading: &Reading<'_>| {
        let role = roles::get(reading, id)?;
        Ok(json!([role.name, role.description]).to_string())
    };
    let input = request.json_of_change(&ROLE_CHANGE, stored).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let update = move || service::people::roles::update(&services, actor, id, input, if_match);
    let detail = blocking(update).await?;
    Ok(ok_tagged(&detail.entity_tag(), to_json(&shown(&detail))?))
}

/// `GET P/rbac/roles/{id}/permissions`, `GET P/roles/{id}/permissions`
pub async fn permissions(_: Caller<View, Roles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let detail = request
        .read(move |reading| roles::get_detail(reading, id))
        .await?;
    let body = to_json(&RolePermissions::from(&detail.role))?;
    Ok(ok_unless_known(&request, &detail.entity_tag(), body))
}

/// `PUT P/rbac/roles/{id}/permissions`, `PUT P/roles/{id}/permissions`
///
/// # Errors
/// 400 with every violation, 404, 412.
pub async fn set_permissions(caller: Caller<Update, Roles>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let (input, _) = request.json(&ROLE_PERMISSIONS).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let update = move || service::people::roles::update(&services, actor, id, input, if_match);
    let detail = blocking(update).await?;
    let body = to_json(&Message {
        message: format!(
            "the role {:?} has the permissions that were sent",
            detail.role.name
        ),
    })?;
    Ok(ok_tagged(&detail.entity_tag(), body))
}

/// `DELETE P/rbac/roles/{id}`, `DELETE P/roles/{id}`
///
/// # Errors
/// 400, 404, 409 while users are in it, 412.
pub async fn delete(caller: Caller<Delete, Roles>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete = move || service::people::roles::delete(&services, actor, id, if_match);
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
