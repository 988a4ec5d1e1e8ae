//! Handlers of virtual keys.

use serde_json::json;

use super::answer::{Answer, ok, ok_tagged, ok_unless_known, stored, to_json};
use super::call::{Call, blocking};
use super::envelopes::opened;
use super::guard::{AccessProfiles, Caller, Create, Delete, Update, View};
use super::path_values::{held_profile_id, user_id, virtual_key_id};
use super::schemas::Message;
use super::virtual_key_schemas::{VirtualKeyAnswer, VirtualKeyList, VirtualKeyView};
use crate::domain::api_key::parse_grace;
use crate::domain::idempotency::StoredAnswer;
use crate::domain::json::Json;
use crate::domain::list::Query;
use crate::domain::stored_texts::{Sent, StoredTexts};
use crate::domain::virtual_key::VirtualKeyInput;
use crate::error::Result;
use crate::service;
use crate::service::tokens::Rotation;
use crate::service::virtual_key_pages::{self, TimedKey};
use crate::service::virtual_keys::{IssuedKey, Issuing};
use crate::store::Reading;
use crate::store::virtual_keys::{self, Filter};

pub use crate::store::virtual_keys::SORT_FIELDS;

/// `GET P/virtual-keys`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let filter = |query: &Query| Filter {
        search: query.search(),
        user_id: query.integer("user_id", 1, i64::MAX),
    };
    list_some(call, filter, None).await
}

/// `GET P/users/{id}/virtual-keys`
///
/// # Errors
/// 400 when a parameter is not valid, 404.
pub async fn list_of_user(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let id = user_id(&call, "id")?;
    let filter = |query: &Query| Filter {
        search: query.search(),
        user_id: Some(id),
    };
    list_some(call, filter, Some(id)).await
}

/// A page of keys. `of_user` must be there; a user to filter by need not.
async fn list_some(
    call: Call,
    read_filter: impl Fn(&Query) -> Filter,
    of_user: Option<i64>,
) -> Answer {
    let (filter, sort, page) =
        call.query(|query| (read_filter(query), query.sort(SORT_FIELDS), query.page()))?;
    let searches = filter.search.is_some();
    let services = call.services();
    let list = call.read_page(page, searches, move |reading| {
        virtual_key_pages::list(&services, reading, &filter, sort, page, of_user)
    });
    let list = list.await?;
    let keys = list.items.iter();
    let virtual_keys: Vec<_> = keys
        .map(|one| VirtualKeyView::of(&one.key, one.now))
        .collect();
    ok(&VirtualKeyList {
        count: virtual_keys.len(),
        virtual_keys,
        total_count: list.total_count,
        limit: page.limit,
        offset: page.offset,
    })
}

/// `GET P/virtual-keys/{vk_id}`
///
/// # Errors
/// 404.
pub async fn get(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let id = virtual_key_id(&call)?;
    let services = call.services();
    let found = call.read(move |reading| virtual_key_pages::get(&services, reading, &id));
    let TimedKey { key, now } = found.await?;
    let virtual_key = VirtualKeyView::of(&key, now);
    let (tag, body) = (
        key.entity_tag(now),
        to_json(&VirtualKeyAnswer { virtual_key })?,
    );
    Ok(ok_unless_known(&call, &tag, body))
}

/// `POST P/users/{id}/virtual-keys`
///
/// # Errors
/// 400, 404 when there is no such user or the user holds nothing.
pub async fn create(caller: Caller<Create, AccessProfiles>, call: Call) -> Answer {
    issue(caller, call, None).await
}

/// `POST P/users/{id}/access-profiles/{profile_id}/virtual-keys`
///
/// # Errors
/// 400, 404 when there is no such user or the user holds nothing.
pub async fn create_under(caller: Caller<Create, AccessProfiles>, call: Call) -> Answer {
    let profile = held_profile_id(&call)?;
    issue(caller, call, Some(profile)).await
}

async fn issue(
    caller: Caller<Create, AccessProfiles>,
    call: Call,
    access_profile_id: Option<i64>,
) -> Answer {
    let user_id = user_id(&call, "id")?;
    let input = call
        .optional_json(|body| VirtualKeyInput::parse(body, Sent::New))
        .await?;
    let issuing = Issuing {
        user_id,
        access_profile_id,
        input: input.unwrap_or_default(),
    };
    let (services, actor) = (call.services(), caller.actor(&call));
    let sealed = caller.sealed_once(&call)?;
    let family = call.family();
    let create = move || {
        service::virtual_keys::create(&services, actor, issuing, sealed, move |issued| {
            let place = format!("{family}/virtual-keys/{}", issued.key.public_id);
            Ok(StoredAnswer {
                location: Some(place),
                ..revealed(issued, issued.key.created_at)?
            })
        })
    };
    stored(blocking(create).await?)
}

/// `PUT P/virtual-keys/{vk_id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when a managed key is given another expiry, 412.
pub async fn update(caller: Caller<Update, AccessProfiles>, call: Call) -> Answer {
    let (id, if_match) = (virtual_key_id(&call)?, call.if_match()?);
    let parse = |body: &Json<'_>, stored: &StoredTexts| {
        opened(body, "virtual_key", |fields| {
            VirtualKeyInput::parse(fields, Sent::Change(stored))
        })
    };
    let public_id = id.clone();
    let stored = move |reading: &Reading<'_>| {
        let key = virtual_keys::get_public(reading, &public_id)?;
        Ok(json!([key.name, key.description]).to_string())
    };
    let input = call.json_of_change(parse, stored).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let update = move || service::virtual_keys::update(&services, actor, id, input, if_match);
    let (key, now) = blocking(update).await?;
    let virtual_key = VirtualKeyView::of(&key, now);
    Ok(ok_tagged(
        &key.entity_tag(now),
        to_json(&VirtualKeyAnswer { virtual_key })?,
    ))
}

/// `POST P/virtual-keys/{vk_id}/rotate`
///
/// # Errors
/// 400, 404, 409 when three old secrets work already, 412.
pub async fn rotate(caller: Caller<Update, AccessProfiles>, call: Call) -> Answer {
    let (public_id, if_match) = (virtual_key_id(&call)?, call.if_match()?);
    let grace_seconds = call.optional_json(parse_grace).await?.unwrap_or(0);
    let rotation = Rotation {
        key: public_id,
        grace_seconds,
        if_match,
    };
    let (services, actor) = (call.services(), caller.actor(&call));
    let sealed = caller.sealed_once(&call)?;
    let rotate =
        move || service::virtual_keys::rotate(&services, actor, rotation, sealed, revealed);
    stored(blocking(rotate).await?)
}

/// `DELETE P/users/{id}/access-profiles/virtual-keys/{vk_id}`
///
/// # Errors
/// 404, 412.
pub async fn delete(caller: Caller<Delete, AccessProfiles>, call: Call) -> Answer {
    let (user, id) = (user_id(&call, "id")?, virtual_key_id(&call)?);
    let if_match = call.if_match()?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let delete = move || service::virtual_keys::delete(&services, actor, user, id, if_match);
    let key = blocking(delete).await?;
    ok(&Message {
        message: format!("the virtual key {:?} is dead", key.name),
    })
}

/// The one answer that shows a key with its secret.
fn revealed(issued: &IssuedKey, now: jiff::Timestamp) -> Result<StoredAnswer> {
    let virtual_key = VirtualKeyView {
        value: issued.token.reveal().to_owned(),
        ..VirtualKeyView::of(&issued.key, now)
    };
    Ok(StoredAnswer {
        etag: Some(issued.key.entity_tag(now)),
        ..StoredAnswer::json(&VirtualKeyAnswer { virtual_key })?
    })
}
