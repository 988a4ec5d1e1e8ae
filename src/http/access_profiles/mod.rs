//! Handlers of access profiles.

pub mod attachments;
pub mod history;
pub mod propagation;
pub mod views;

use self::views::{AccessProfileAnswer, AccessProfileDetail, AccessProfileList};
use crate::domain::access_profile::input::AccessProfileInput;
use crate::domain::access_profile::versions::CLONE;
use crate::domain::access_profile::warnings::{Warning, warnings};
use crate::domain::body::input::MAX_NAME;
use crate::domain::list::Query;
use crate::error::Result;
use crate::http::assignments::views::AttachmentView;
use crate::http::core::answer::{Answer, Message, kept, ok, raw, stored, to_json};
use crate::http::core::guard::{AccessProfiles, Caller, Create, Delete, Update, View};
use crate::http::core::problem::Problem;
use crate::http::core::read_answers::ReadAnswer;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::store::access_profiles::details::{Beside, TaggedSnapshot};
use crate::store::access_profiles::pages;
use crate::store::access_profiles::pages::ProfileFilter;
use crate::store::access_profiles::{self, Snapshot};
use crate::store::idempotency::StoredAnswer;

pub use crate::store::access_profiles::pages::SORT_FIELDS;

/// Longest list of tags in a query, in characters.
pub const MAX_TAGS: usize = 10 * MAX_NAME;

/// `GET P/access-profiles`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    kept(&request, async || read_list(&request).await).await
}

async fn read_list(request: &Request) -> std::result::Result<ReadAnswer, Problem> {
    let (filter, sort, page) =
        request.query(|query| (read_filter(query), query.sort(SORT_FIELDS), query.page()))?;
    let searches = filter.search.is_some();
    let list = request.read_page(page, searches, move |reading| {
        let list = pages::list(reading, &filter, sort, page)?;
        let profiles = list.items.into_iter();
        let items = profiles.map(|item| Ok((raw(item.json)?, item.user_count)));
        let (access_profiles, user_counts) = items.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok((access_profiles, user_counts, list.total_count))
    });
    let (access_profiles, user_counts, total_count): (Vec<_>, _, _) = list.await?;
    let body = to_json(&AccessProfileList {
        count: access_profiles.len(),
        access_profiles,
        user_counts,
        total_count,
        limit: page.limit,
        offset: page.offset,
    })?;
    Ok(ReadAnswer {
        etag: None,
        body: body.into(),
    })
}

fn read_filter(query: &Query) -> ProfileFilter {
    let sent = query.text("tags", MAX_TAGS);
    let tags: Vec<String> = sent
        .iter()
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    if sent.is_some() && tags.is_empty() {
        query.refuse_empty("tags");
    }
    ProfileFilter {
        search: query.search(),
        tags,
        is_active: query.boolean("is_active"),
    }
}

/// `POST P/access-profiles`
///
/// # Errors
/// 400 with every violation, 409 when the name is taken.
pub async fn create(caller: Caller<Create, AccessProfiles>, request: Request) -> Answer {
    let services = request.services();
    let now = services.clock.now();
    let (input, hash) = request
        .profile_json(move |body| AccessProfileInput::parse_new(body, now))
        .await?;
    let actor = caller.actor(&request);
    let once = request.once(&actor, hash)?;
    let render = render_created(&request);
    let create = move || service::access_profiles::create(&services, actor, input, once, render);
    stored(blocking(create).await?)
}

/// `POST P/access-profiles/{id}/clone`
///
/// # Errors
/// 400, 404, 409 when the name is taken.
pub async fn clone(caller: Caller<Create, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let (input, hash) = request.json(&CLONE).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let once = request.once(&actor, hash)?;
    let render = render_created(&request);
    let clone = move || service::access_profiles::clone(&services, actor, id, input, once, render);
    stored(blocking(clone).await?)
}

/// `GET P/access-profiles/{id}`
///
/// # Errors
/// 400, 404.
pub async fn get(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    kept(&request, async || read_one(&request).await).await
}

async fn read_one(request: &Request) -> std::result::Result<ReadAnswer, Problem> {
    let id = request.id("id")?;
    let read = request.read(move |reading| {
        let snapshot = access_profiles::get_current(reading, id)?;
        let beside = Beside::read(reading, id)?;
        Ok((beside.entity_tag(&snapshot), detail(snapshot, beside)?))
    });
    let (etag, detail) = read.await?;
    Ok(ReadAnswer {
        etag: Some(etag),
        body: to_json(&detail)?.into(),
    })
}

/// `PUT P/access-profiles/{id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when the name is taken, 412.
pub async fn update(caller: Caller<Update, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let if_match = request.if_match()?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let beside = request.services();
    let input = request.profile_json(move |body| {
        AccessProfileInput::parse_change(body, || {
            service::access_profiles::stored_texts(&beside, id)
        })
    });
    let (input, _) = input.await?;
    let update = move || {
        service::access_profiles::update(&services, actor, id, input, if_match).and_then(shown)
    };
    stored(blocking(update).await?)
}

/// `PUT P/access-profiles/{id}/activate`
///
/// # Errors
/// 400, 404, 412.
pub async fn activate(caller: Caller<Update, AccessProfiles>, request: Request) -> Answer {
    set_active(caller, request, true).await
}

/// `PUT P/access-profiles/{id}/deactivate`
///
/// # Errors
/// 400, 404, 412.
pub async fn deactivate(caller: Caller<Update, AccessProfiles>, request: Request) -> Answer {
    set_active(caller, request, false).await
}

async fn set_active(
    caller: Caller<Update, AccessProfiles>,
    request: Request,
    active: bool,
) -> Answer {
    let id = request.id("id")?;
    let if_match = request.if_match()?;
    request.no_fields().await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let set = move || {
        service::access_profiles::set_active(&services, actor, id, active, if_match).and_then(shown)
    };
    stored(blocking(set).await?)
}

/// `DELETE P/access-profiles/{id}`
///
/// # Errors
/// 400, 404, 409 while users hold a copy, 412.
pub async fn delete(caller: Caller<Delete, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let if_match = request.if_match()?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete = move || service::access_profiles::delete(&services, actor, id, if_match);
    let name = blocking(delete).await?;
    ok(&Message {
        message: format!("the access profile {name:?} is deleted"),
    })
}

/// 200, with a profile and what lets nothing through in it.
pub(super) fn shown(tagged: TaggedSnapshot) -> Result<StoredAnswer> {
    let body = AccessProfileAnswer {
        warnings: warnings_of(&tagged.snapshot)?,
        access_profile: raw(tagged.snapshot.json)?,
    };
    Ok(StoredAnswer {
        etag: Some(tagged.entity_tag),
        ..StoredAnswer::json(&body)?
    })
}

/// 201, with the place of the new profile in the path family that was called.
fn render_created(
    request: &Request,
) -> impl FnOnce(TaggedSnapshot) -> Result<StoredAnswer> + Send + 'static {
    let family = request.family();
    move |tagged| {
        let location = format!("{family}/access-profiles/{}", tagged.snapshot.id);
        Ok(StoredAnswer {
            status: 201,
            location: Some(location),
            ..shown(tagged)?
        })
    }
}

fn detail(snapshot: Snapshot, beside: Beside) -> Result<AccessProfileDetail> {
    Ok(AccessProfileDetail {
        warnings: warnings_of(&snapshot)?,
        access_profile: raw(snapshot.json)?,
        roles: beside.roles.iter().map(AttachmentView::from).collect(),
        user_count: beside.user_count,
        unresolved_references: beside.unresolved_references,
    })
}

/// What is said beside a profile that lets nothing through; nothing where there is nothing to say.
fn warnings_of(snapshot: &Snapshot) -> Result<Option<Vec<Warning>>> {
    let all = warnings(&snapshot.profile()?);
    Ok((!all.is_empty()).then_some(all))
}
