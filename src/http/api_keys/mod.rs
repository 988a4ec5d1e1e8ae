//! Handlers of management API keys.

pub mod sign_in;
pub mod views;

use serde_json::json;

use self::views::{ApiKeyAnswer, ApiKeyCreated, ApiKeyView, SessionAnswer, SessionKey};
use crate::domain::api_key::{API_KEY_CHANGE, ApiKey, KeyState, NEW_API_KEY, ROTATION};
use crate::domain::credential::Token;
use crate::domain::list::{Page, Query};
use crate::error::Result;
use crate::http::core::answer::Message;
use crate::http::core::answer::{Answer, ok, ok_json, ok_tagged, ok_unless_known, to_json};
use crate::http::core::guard::{AnyKey, ApiKeys, Caller, Create, Delete, Update, View};
use crate::http::core::list::List;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::service::Services;
use crate::service::virtual_keys::tokens::Rotation;
use crate::store::Reading;
use crate::store::api_keys::{self, ApiKeyFilter};

pub use crate::store::api_keys::SORT_FIELDS;

/// `GET /api/api-keys`
pub async fn list(_: Caller<View, ApiKeys>, request: Request) -> Answer {
    let (filter, sort, page) = request.query(|query| {
        (
            read_filter(query),
            query.sort(SORT_FIELDS),
            query.page_or_all(),
        )
    })?;
    let list = request.slow(move |services| {
        let now = services.clock.now();
        // What is stored of the last uses lags behind what is shown, so that order is made here.
        let by_use = sort.field == "last_used_at";
        let read = if by_use { Page::ALL } else { page };
        let list = services
            .store
            .read(|reading| api_keys::list(reading, &filter, sort, read, now))?;
        let uses = services.keyring.last_uses();
        let mut keys: Vec<ApiKey> = list
            .items
            .iter()
            .map(|key| key.used(uses.get(&key.public_id).copied()))
            .collect();
        if by_use {
            keys = in_order_of_use(keys, sort.descending, page);
        }
        let views = keys.iter().map(|key| ApiKeyView::of(key, now)).collect();
        Ok(List::new(views, list.total_count, page))
    });
    ok(&list.await?)
}

fn in_order_of_use(mut keys: Vec<ApiKey>, descending: bool, page: Page) -> Vec<ApiKey> {
    keys.sort_by_key(|key| (key.last_used_at, key.id));
    if descending {
        keys.reverse();
    }
    let whole = |number: i64| usize::try_from(number).unwrap_or_default();
    keys.into_iter()
        .skip(whole(page.offset))
        .take(whole(page.limit))
        .collect()
}

fn read_filter(query: &Query) -> ApiKeyFilter {
    let state = query.one_of("state", &["active", "expired"]);
    ApiKeyFilter {
        search: query.search(),
        state: state.map(|name| {
            if name == "active" {
                KeyState::Active
            } else {
                KeyState::Expired
            }
        }),
    }
}

/// `GET /api/api-keys/{id}`
pub async fn get(_: Caller<View, ApiKeys>, request: Request) -> Answer {
    let id = request.id("id")?;
    let services = request.services();
    let (tag, view) = blocking(move || {
        let key = services.store.read(|reading| api_keys::get(reading, id))?;
        Ok((key.entity_tag(), view(&services, &key)))
    })
    .await?;
    Ok(ok_unless_known(
        &request,
        &tag,
        to_json(&ApiKeyAnswer { api_key: view })?,
    ))
}

/// `POST /api/api-keys`
///
/// # Errors
/// 400 with every violation, 403 when more is granted than held or for longer, 409 when the name is taken.
pub async fn create(caller: Caller<Create, ApiKeys>, request: Request) -> Answer {
    let services = request.services();
    let (input, hash) = request.json(&NEW_API_KEY).await?;
    let (actor, rights) = (caller.actor(&request), caller.rights());
    let sealed = caller.sealed_once(&request, hash)?;
    let create = move || service::api_keys::create(&services, actor, rights, input, sealed, render);
    Ok(ok_json(blocking(create).await?))
}

/// `PUT /api/api-keys/{id}`
///
/// # Errors
/// 400 with every violation, 403 when the key holds more than the caller or would then, or would outlive it, 404, 409, 412.
pub async fn update(caller: Caller<Update, ApiKeys>, request: Request) -> Answer {
    let id = request.id("id")?;
    let if_match = request.if_match()?;
    let stored = move |reading: &Reading<'_>| {
        let key = api_keys::get(reading, id)?;
        Ok(json!([key.name, key.description]).to_string())
    };
    let input = request.json_of_change(&API_KEY_CHANGE, stored).await?;
    let (services, actor, rights) = (request.services(), caller.actor(&request), caller.rights());
    let (tag, view) = blocking(move || {
        let key = service::api_keys::update(&services, actor, rights, id, input, if_match)?;
        Ok((key.entity_tag(), view(&services, &key)))
    })
    .await?;
    Ok(ok_tagged(&tag, to_json(&ApiKeyAnswer { api_key: view })?))
}

/// `POST /api/api-keys/{id}/rotate`
///
/// # Errors
/// 400, 403 when the key holds more than the caller or works longer, 404, 412.
pub async fn rotate(caller: Caller<Update, ApiKeys>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let (grace_seconds, hash) = request.optional_json(&ROTATION).await?;
    let (services, actor, rights) = (request.services(), caller.actor(&request), caller.rights());
    let sealed = caller.sealed_once(&request, hash)?;
    let rotation = Rotation {
        key: id,
        grace_seconds: grace_seconds.unwrap_or(0),
        if_match,
    };
    let rotate =
        move || service::api_keys::rotate(&services, actor, rights, rotation, sealed, render);
    Ok(ok_json(blocking(rotate).await?))
}

/// `DELETE /api/api-keys/{id}`
///
/// # Errors
/// 400, 403 when the key holds more than the caller, 404, 409 when nobody would be left who may do everything, 412.
pub async fn delete(caller: Caller<Delete, ApiKeys>, request: Request) -> Answer {
    let (id, if_match) = (request.id("id")?, request.if_match()?);
    let (services, actor, rights) = (request.services(), caller.actor(&request), caller.rights());
    let revoke =
        move || service::api_keys::revocation::revoke(&services, actor, rights, id, if_match);
    let key = blocking(revoke).await?;
    ok(&Message {
        message: format!("the API key {:?} is revoked", key.name),
    })
}

/// `GET /api/session`
pub async fn session(caller: AnyKey, _: Request) -> Answer {
    ok(&SessionAnswer {
        api_key: SessionKey::of(caller.key()),
    })
}

/// A key with the last use that this process knows of, which is written down later.
fn view(services: &Services, key: &ApiKey) -> ApiKeyView {
    let used = services.keyring.last_used(&key.public_id);
    ApiKeyView::of(&key.used(used), services.clock.now())
}

fn render(key: &ApiKey, token: &Token) -> Result<String> {
    let created = ApiKeyCreated {
        api_key: ApiKeyView::of(key, key.updated_at),
        key: token.reveal().to_owned(),
    };
    serde_json::to_string(&created)
        .map_err(|error| crate::error::Error::internal("writing an answer", error))
}
