//! Handlers of access profiles.

pub mod attachments;
pub mod bodies;
pub mod history;
pub mod propagation;
pub mod shapes;
pub mod views;

use actix_web::HttpResponse;

use crate::domain::access_profile_input::AccessProfileInput;
use crate::domain::access_profile_versions::CloneInput;
use crate::domain::access_profile_warnings::warnings;
use crate::domain::idempotency::StoredAnswer;
use crate::domain::input::MAX_NAME;
use crate::domain::list::{Listed, Page, Query};
use crate::http::assignments::views::AttachmentView;
use crate::http::core::answer::Message;
use crate::http::core::answer::{
    Answer, ok, ok_bytes, ok_tagged, ok_unless_known, stored, to_json,
};
use crate::http::core::guard::{AccessProfiles, Caller, Create, Delete, Update, View};
use crate::http::core::request::{Request, blocking};
use crate::http::shown::Shown;
use crate::service;
use crate::store::access_profile_details::{Beside, TaggedSnapshot};
use crate::store::access_profile_lists::{self, Filter, ListedProfile};
use crate::store::access_profiles::{self, Snapshot};

pub use crate::store::access_profile_lists::SORT_FIELDS;

/// Longest list of tags in a query, in characters.
pub const MAX_TAGS: usize = 10 * MAX_NAME;

/// Longest query whose answer is kept, in bytes; what a page asks for again and again is shorter.
const MAX_KEPT_QUERY: usize = 256;

/// `GET P/access-profiles`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let generation = request.state().services.store.generation();
    let kept = &request.state().shown_pages;
    if let Some(shown) = kept.find(generation, &request.query_string()) {
        return Ok(ok_bytes(shown.body));
    }
    let (filter, sort, page) =
        request.query(|query| (read_filter(query), query.sort(SORT_FIELDS), query.page()))?;
    let searches = filter.search.is_some();
    let list = request
        .read_page(page, searches, move |reading| {
            access_profile_lists::list(reading, &filter, sort, page)
        })
        .await?;
    let shown = Shown {
        etag: String::new(),
        body: list_body(list, page).into(),
    };
    let query = request.query_string();
    if query.len() <= MAX_KEPT_QUERY {
        let bytes = query.len() + shown.body.len();
        kept.keep(generation, query, bytes, &shown);
    }
    Ok(ok_bytes(shown.body))
}

/// A page as JSON, put together from the stored JSON of the profiles.
fn list_body(list: Listed<ListedProfile>, page: Page) -> String {
    let (profiles, user_counts): (Vec<String>, Vec<String>) = list
        .items
        .into_iter()
        .map(|item| (item.json, item.user_count.to_string()))
        .unzip();
    format!(
        "{{\"access_profiles\":[{}],\"user_counts\":[{}],\"count\":{},\"total_count\":{},\"limit\":{},\"offset\":{}}}",
        profiles.join(","),
        user_counts.join(","),
        profiles.len(),
        list.total_count,
        page.limit,
        page.offset
    )
}

fn read_filter(query: &Query) -> Filter {
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
    Filter {
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
    let (input, hash) = request.json_with(CloneInput::parse).await?;
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
    let id = request.id("id")?;
    let generation = request.state().services.store.generation();
    let kept = &request.state().shown_profiles;
    if let Some(shown) = kept.find(generation, &id) {
        return Ok(ok_unless_known(&request, &shown.etag, shown.body));
    }
    let (snapshot, beside) = request
        .read(move |reading| {
            let snapshot = access_profiles::get_current(reading, id)?;
            Ok((snapshot, Beside::read(reading, id)?))
        })
        .await?;
    let roles: Vec<_> = beside.roles.iter().map(AttachmentView::from).collect();
    let body = format!(
        "{{\"access_profile\":{},\"roles\":{},\"user_count\":{},\"unresolved_references\":{}{}}}",
        snapshot.json,
        to_json(&roles)?,
        beside.user_count,
        to_json(&beside.unresolved_references)?,
        shown_warnings(&snapshot)
    );
    let shown = Shown {
        etag: beside.entity_tag(&snapshot),
        body: body.into(),
    };
    kept.keep(generation, id, shown.body.len(), &shown);
    Ok(ok_unless_known(&request, &shown.etag, shown.body))
}

/// `PUT P/access-profiles/{id}`
///
/// # Errors
/// 400 with every violation, 404, 409 when the name is taken, 412.
pub async fn update(caller: Caller<Update, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let if_match = request.if_match()?;
    let body = request.json_bytes().await?;
    let turn = request.turn_for(&body).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let update = move || {
        let _turn = turn;
        service::access_profiles::update(&services, actor, id, &body, if_match)
    };
    Ok(shown(&blocking(update).await?))
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
    let set = move || service::access_profiles::set_active(&services, actor, id, active, if_match);
    Ok(shown(&blocking(set).await?))
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

/// The body that shows a profile, and what lets nothing through in it.
pub(super) fn body(snapshot: &Snapshot) -> String {
    let warnings = shown_warnings(snapshot);
    ["{\"access_profile\":", &snapshot.json, &warnings, "}"].concat()
}

/// What is said beside a profile that lets nothing through; nothing where there is nothing to say.
fn shown_warnings(snapshot: &Snapshot) -> String {
    let warnings = warnings(&snapshot.json);
    if warnings.is_empty() {
        return String::new();
    }
    let json = serde_json::to_string(&warnings).unwrap_or_else(|_| "[]".to_owned());
    format!(",\"warnings\":{json}")
}

fn shown(tagged: &TaggedSnapshot) -> HttpResponse {
    ok_tagged(&tagged.entity_tag, body(&tagged.snapshot))
}

/// 201, with the place of the new profile in the path family that was called.
fn render_created(
    request: &Request,
) -> impl FnOnce(&TaggedSnapshot) -> StoredAnswer + Send + 'static {
    let family = request.family();
    move |tagged| StoredAnswer {
        status: 201,
        location: Some(format!("{family}/access-profiles/{}", tagged.snapshot.id)),
        etag: Some(tagged.entity_tag.clone()),
        body: body(&tagged.snapshot),
    }
}
