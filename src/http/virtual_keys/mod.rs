//! Handlers of virtual keys.

pub mod views;

use serde_json::json;

use self::views::{VirtualKeyAnswer, VirtualKeyView, VirtualKeyWritten};
use crate::domain::api_key::ROTATION;
use crate::domain::list::Query;
use crate::domain::virtual_key::{NEW_VIRTUAL_KEY, VIRTUAL_KEY_CHANGE};
use crate::error::Result;
use crate::http::core::answer::Message;
use crate::http::core::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use crate::http::core::guard::{Caller, Create, Delete, Update, View, VirtualKeys};
use crate::http::core::list::List;
use crate::http::core::path_values::{held_profile_id, user_id, virtual_key_id};
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::service::virtual_keys::pages;
use crate::service::virtual_keys::pages::TimedKey;
use crate::service::virtual_keys::tokens::Rotation;
use crate::service::virtual_keys::{IssuedKey, Issuing};
use crate::store::Reading;
use crate::store::idempotency::StoredAnswer;
use crate::store::virtual_keys::{self, VirtualKeyFilter};

pub use crate::store::virtual_keys::SORT_FIELDS;

/// `GET P/virtual-keys`
pub async fn list(_: Caller<View, VirtualKeys>, request: Request) -> Answer {
    let filter = |query: &Query| VirtualKeyFilter {
        search: query.search(),
        user_id: query.integer("user_id", 1, i64::MAX),
    };
    list_some(request, filter, None).await
}

/// `GET P/users/{user_id}/virtual-keys`
pub async fn list_of_user(_: Caller<View, VirtualKeys>, request: Request) -> Answer {
    let id = user_id(&request, "user_id")?;
    let filter = |query: &Query| VirtualKeyFilter {
        search: query.search(),
        user_id: Some(id),
    };
    list_some(request, filter, Some(id)).await
}

/// A page of keys. `of_user` must be there; a user to filter by need not.
async fn list_some(
    request: Request,
    read_filter: impl Fn(&Query) -> VirtualKeyFilter,
    of_user: Option<i64>,
) -> Answer {
    let (filter, sort, page) = request.query(|query| {
        let page = match of_user {
            Some(_) => query.page_or_all(),
            None => query.page(),
        };
        (read_filter(query), query.sort(SORT_FIELDS), page)
    })?;
    let searches = filter.search.is_some();
    let services = request.services();
    let list = request.read_page(page, searches, move |reading| {
        pages::list(&services, reading, &filter, sort, page, of_user)
    });
    let view = |one: TimedKey| VirtualKeyView::of(&one.key, one.now);
    ok(&List::of(list.await?, page, view))
}

/// `GET P/virtual-keys/{vk_id}`
pub async fn get(_: Caller<View, VirtualKeys>, request: Request) -> Answer {
    let id = virtual_key_id(&request)?;
    let services = request.services();
    let found = request.read(move |reading| pages::get(&services, reading, &id));
    let TimedKey { key, now } = found.await?;
    let virtual_key = VirtualKeyView::of(&key, now);
    let (tag, body) = (
        key.entity_tag(now),
        to_json(&VirtualKeyAnswer { virtual_key })?,
    );
    Ok(ok_unless_known(&request, &tag, body))
}

/// `POST P/users/{user_id}/virtual-keys`
///
/// # Errors
/// 400, 404 when there is no such user or the user holds nothing.
pub async fn create(caller: Caller<Create, VirtualKeys>, request: Request) -> Answer {
    issue(caller, request, None).await
}

/// `POST P/users/{user_id}/access-profiles/{profile_id}/virtual-keys`
///
/// # Errors
/// 400, 404 when there is no such user or the user holds nothing.
pub async fn create_under(caller: Caller<Create, VirtualKeys>, request: Request) -> Answer {
    // What is no id, or that of a profile that the user does not hold, is as if it were not there.
    let profile = held_profile_id(&request).ok();
    issue(caller, request, profile).await
}

async fn issue(
    caller: Caller<Create, VirtualKeys>,
    request: Request,
    access_profile_id: Option<i64>,
) -> Answer {
    let user_id = user_id(&request, "user_id")?;
    let (input, hash) = request.optional_json(&NEW_VIRTUAL_KEY).await?;
    let issuing = Issuing {
        user_id,
        access_profile_id,
        input: input.unwrap_or_default(),
    };
    let (services, actor) = (request.services(), caller.actor(&request));
    let sealed = caller.sealed_once(&request, hash)?;
    let family = request.family();
    let create = move || {
        service::virtual_keys::create(&services, actor, issuing, sealed, move |issued| {
            let place = format!("{family}/virtual-keys/{}", issued.key.public_id);
            Ok(StoredAnswer {
                location: Some(place),
                ..revealed("made", issued, issued.key.created_at)?
            })
        })
    };
    stored(blocking(create).await?)
}

/// `PUT P/virtual-keys/{vk_id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when a managed key is given another expiry, 412.
pub async fn update(caller: Caller<Update, VirtualKeys>, request: Request) -> Answer {
    let (id, if_match) = (virtual_key_id(&request)?, request.if_match()?);
    let public_id = id.clone();
    let stored = move |reading: &Reading<'_>| {
        let key = virtual_keys::get_public(reading, &public_id)?;
        Ok(json!([key.name, key.description]).to_string())
    };
    let input = request.json_of_change(&VIRTUAL_KEY_CHANGE, stored).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let update = move || service::virtual_keys::update(&services, actor, id, input, if_match);
    let (key, now) = blocking(update).await?;
    let written = VirtualKeyWritten {
        message: format!("the virtual key {:?} is as it was sent", key.name),
        virtual_key: VirtualKeyView::of(&key, now),
    };
    Ok(ok_tagged(&key.entity_tag(now), to_json(&written)?))
}

/// `POST P/virtual-keys/{vk_id}/rotate`
///
/// # Errors
/// 400, 404, 409 when three old secrets work already, 412.
pub async fn rotate(caller: Caller<Update, VirtualKeys>, request: Request) -> Answer {
    let (public_id, if_match) = (virtual_key_id(&request)?, request.if_match()?);
    let (grace_seconds, hash) = request.optional_json(&ROTATION).await?;
    let rotation = Rotation {
        key: public_id,
        grace_seconds: grace_seconds.unwrap_or(0),
        if_match,
    };
    let (services, actor) = (request.services(), caller.actor(&request));
    let sealed = caller.sealed_once(&request, hash)?;
    let render = |issued: &IssuedKey, now| revealed("rotated", issued, now);
    let rotate = move || service::virtual_keys::rotate(&services, actor, rotation, sealed, render);
    stored(blocking(rotate).await?)
}

/// `DELETE P/users/{user_id}/access-profiles/virtual-keys/{vk_id}`
pub async fn delete(caller: Caller<Delete, VirtualKeys>, request: Request) -> Answer {
    let (user, id) = (user_id(&request, "user_id")?, virtual_key_id(&request)?);
    let if_match = request.if_match()?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete = move || service::virtual_keys::delete(&services, actor, user, id, if_match);
    let key = blocking(delete).await?;
    ok(&Message {
        message: format!("the virtual key {:?} is dead", key.name),
    })
}

/// The one answer that shows a key with its secret; `how` says what became of it.
fn revealed(how: &str, issued: &IssuedKey, now: jiff::Timestamp) -> Result<StoredAnswer> {
    let written = VirtualKeyWritten {
        message: format!("the virtual key {:?} is {how}", issued.key.name),
        virtual_key: VirtualKeyView {
            value: issued.token.reveal().to_owned(),
            ..VirtualKeyView::of(&issued.key, now)
        },
    };
    Ok(StoredAnswer {
        etag: Some(issued.key.entity_tag(now)),
        ..StoredAnswer::json(&written)?
    })
}
