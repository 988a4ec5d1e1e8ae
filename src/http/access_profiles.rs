//! Handlers of access profiles.

use super::answer::{Answer, created, ok_json, ok_unless_known, to_json};
use super::call::{Call, blocking};
use super::guard::{AccessProfiles, Caller, Create, View};
use super::shown::Shown;
use crate::domain::access_profile::McpReference;
use crate::domain::access_profile_input::{AccessProfileInput, MAX_NAME};
use crate::domain::list::{MAX_SEARCH, Query};
use crate::service;
use crate::store::access_profile_lists::{self, Filter};
use crate::store::access_profiles::{self, Snapshot};

pub use crate::store::access_profile_lists::SORT_FIELDS;

/// `GET P/access-profiles`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let (filter, sort, page) =
        call.query(|query| (read_filter(query), query.sort(SORT_FIELDS), query.page()))?;
    let list = call
        .read(move |reading| access_profile_lists::list(reading, &filter, sort, page))
        .await?;
    Ok(ok_json(format!(
        "{{\"access_profiles\":[{}],\"count\":{},\"total_count\":{},\"limit\":{},\"offset\":{}}}",
        list.items.join(","),
        list.items.len(),
        list.total_count,
        page.limit,
        page.offset
    )))
}

fn read_filter(query: &Query) -> Filter {
    let tags = query.text("tags", 10 * MAX_NAME).unwrap_or_default();
    Filter {
        search: query.text("search", MAX_SEARCH),
        tags: tags
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect(),
        is_active: query.boolean("is_active"),
    }
}

/// `POST P/access-profiles`
///
/// # Errors
/// 400 with every violation, 409 when the name is taken.
pub async fn create(caller: Caller<Create, AccessProfiles>, call: Call) -> Answer {
    let services = call.services();
    let now = services.clock.now();
    let input = call
        .json(|body| AccessProfileInput::parse_new(body, now))
        .await?;
    let actor = caller.actor(&call);
    let (id, snapshot) =
        blocking(move || service::access_profiles::create(&services, actor, input)).await?;
    // A new profile has no roles and no holders; what it names may be known.
    let etag = etag(&snapshot);
    let location = format!("{}/{id}", call.path());
    Ok(created(
        &location,
        &etag,
        format!("{{\"access_profile\":{}}}", snapshot.json),
    ))
}

/// `GET P/access-profiles/{id}`
///
/// # Errors
/// 400, 404.
pub async fn get(_: Caller<View, AccessProfiles>, call: Call) -> Answer {
    let id = call.id("id")?;
    let generation = call.state().services.store.generation();
    let kept = &call.state().shown_profiles;
    if let Some(shown) = kept.find(generation, id) {
        return Ok(ok_unless_known(&call, &shown.etag, shown.body));
    }
    let (snapshot, unresolved) = call
        .read(move |reading| {
            Ok((
                access_profiles::get_current(reading, id)?,
                access_profiles::list_unresolved_references(reading, id)?,
            ))
        })
        .await?;
    let shown = Shown {
        etag: etag(&snapshot),
        body: detail(&snapshot, &unresolved)?.into(),
    };
    kept.keep(generation, id, &shown);
    Ok(ok_unless_known(&call, &shown.etag, shown.body))
}

fn detail(
    snapshot: &Snapshot,
    unresolved: &[McpReference],
) -> Result<String, super::problem::Problem> {
    Ok(format!(
        "{{\"access_profile\":{},\"roles\":[],\"user_count\":0,\"unresolved_references\":{}}}",
        snapshot.json,
        to_json(&unresolved)?
    ))
}

/// The validator of a profile: its version and a checksum of its content, so that a database that was restored or made anew
/// does not answer with the validator of another content.
fn etag(snapshot: &Snapshot) -> String {
    format!(
        "\"{}-{:08x}\"",
        snapshot.version,
        crc32fast::hash(snapshot.json.as_bytes())
    )
}
