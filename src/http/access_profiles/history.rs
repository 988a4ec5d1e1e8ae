//! Handlers of what an access profile was: its versions and the audit log.

use jiff::civil::Date;
use serde_json::json;

use super::shown;
use super::views::{AuditLogView, VersionAnswer, VersionView};
use crate::domain::access_profile::versions::{VersionTexts, patch};
use crate::domain::audit::action::{stored_action, told_action};
use crate::domain::audit::{AuditEntry, kinds_out_of_reach};
use crate::domain::limits::window::begin_of_day;
use crate::domain::list::{Query, parse_id};
use crate::domain::validator::entity_tag;
use crate::error::Result;
use crate::http::audit_log::views::AuditVerdict;
use crate::http::core::answer::{Answer, ok, ok_unless_known, stored, to_json, typed_unless_known};
use crate::http::core::guard::{AccessProfiles, Caller, Update, View};
use crate::http::core::list::List;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::service::access_profiles::expressions::are_in_version;
use crate::store::access_profiles::versions;
use crate::store::access_profiles::versions::Version;
use crate::store::audit::{self, AuditFilter};

/// The media type of a JSON Patch.
pub const JSON_PATCH: &str = "application/json-patch+json";

/// Longest text that entries of the audit log are filtered by, in characters.
pub const MAX_FILTER: usize = 255;
/// The id of no user: what is no id is nobody's.
const NOBODY: i64 = 0;

/// `GET P/access-profiles/{id}/versions`
pub async fn list_versions(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let page = request.query(Query::page_or_all)?;
    let list = request
        .slow_read(move |reading| versions::list(reading, id, page))
        .await?;
    let versions: Result<_> = list.items.into_iter().map(view).collect();
    ok(&List::new(versions?, list.total_count, page))
}

/// `GET P/access-profiles/{id}/versions/{version}`
pub async fn get_version(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let (id, number) = (request.id("id")?, request.id("version")?);
    let version = request
        .read(move |reading| versions::get(reading, id, number))
        .await?;
    let body = to_json(&VersionAnswer {
        version: view(version)?,
    })?;
    Ok(ok_unless_known(&request, &entity_tag(number, &body), body))
}

/// `GET P/access-profiles/{id}/versions/{version}/diff`
pub async fn diff(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let (id, number) = (request.id("id")?, request.id("version")?);
    let against = request.query(|query| query.integer("against", 1, i64::MAX))?;
    let compare = request.slow(move |services| {
        let (from, to) = services.store.read(|reading| {
            let to = versions::get(reading, id, number)?;
            let against = against.unwrap_or((number - 1).max(1));
            Ok((versions::get(reading, id, against)?, to))
        })?;
        patch(&from.snapshot, &to.snapshot)
    });
    let text = compare.await?;
    let tag = entity_tag(number, &text);
    Ok(typed_unless_known(&request, &tag, JSON_PATCH, text))
}

/// `POST P/access-profiles/{id}/versions/{version}/restore`
///
/// # Errors
/// 400, 404, 409 when the name is taken or today's rules refuse the content, 412.
pub async fn restore(caller: Caller<Update, AccessProfiles>, request: Request) -> Answer {
    let place = (request.id("id")?, request.id("version")?);
    let if_match = request.if_match()?;
    let hash = request.no_fields().await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let once = request.once(&actor, hash)?;
    let has_expressions = request.aside(move |services| are_in_version(services, place));
    let turn = if has_expressions.await? {
        Some(request.expression_turn().await?)
    } else {
        None
    };
    let restore = move || {
        let _turn = turn;
        service::access_profiles::restore(&services, actor, place, if_match, once, shown)
    };
    stored(blocking(restore).await?)
}

/// `GET P/access-profiles/{id}/audit-logs`
///
/// # Errors
/// 400, 404 when there is no such profile and never was.
pub async fn audit_logs_of_one(caller: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    audit_logs(&caller, request, Some(id)).await
}

/// `GET P/access-profiles/audit-logs`
pub async fn audit_logs_of_all(caller: Caller<View, AccessProfiles>, request: Request) -> Answer {
    audit_logs(&caller, request, None).await
}

async fn audit_logs(
    caller: &Caller<View, AccessProfiles>,
    request: Request,
    access_profile_id: Option<i64>,
) -> Answer {
    let kinds_left_out = kinds_out_of_reach(caller.permissions());
    let services = request.services();
    let (filter, page) = request.query(|query| {
        let action = query.text("action", MAX_FILTER);
        let action = action.map(|told| stored_action(&told).to_owned());
        let user_id = query.text("user_id", MAX_FILTER);
        let user_id = user_id.map(|text| parse_id("user_id", &text).unwrap_or(NOBODY));
        let (from, to) = (query.day("from"), query.day("to"));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            query.refuse_days();
        }
        let begins = |day: Option<Date>| day.map(|day| begin_of_day(day, &services.time_zone));
        let filter = AuditFilter {
            access_profile_id,
            action,
            user_id,
            actor: query.text("actor", MAX_FILTER),
            from_ms: begins(from),
            before_ms: begins(to.map(|day| day.tomorrow().unwrap_or(day))),
            kinds_left_out,
        };
        (filter, query.page())
    })?;
    let list = request
        .slow_read(move |reading| audit::list(reading, &filter, page))
        .await?;
    ok(&List::of(list, page, audit_view))
}

/// `GET P/access-profiles/audit-logs/verify`
///
/// # Errors
/// 503 when the log or its anchor can't be read.
pub async fn verify_audit_log(_: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let verify = request.slow(|services| services.store.verify_audit_log(services.clock.now()));
    ok(&AuditVerdict::from(verify.await?))
}

fn audit_view(logged: AuditEntry) -> AuditLogView {
    let entry = logged.entry;
    let metadata = json!({ "actor_id": entry.actor.id, "request_id": entry.actor.request_id });
    AuditLogView {
        id: logged.id,
        access_profile_id: entry.access_profile_id,
        user_id: entry.user_id.map(|id| id.to_string()),
        actor: entry.actor.name,
        action: told_action(&entry.action).to_owned(),
        previous_values: entry.previous_value,
        new_values: entry.new_value,
        metadata: Some(metadata.to_string()),
        created_at: logged.at,
    }
}

fn view(version: Version) -> Result<VersionView> {
    let texts = VersionTexts::read(&version.snapshot)?;
    Ok(VersionView {
        id: version.id(),
        access_profile_id: version.access_profile_id,
        name: texts.name,
        description: texts.description,
        version: version.version,
        snapshot: version.snapshot,
        stored_bytes: version.stored_bytes,
        changed_by: version.created_by,
        created_at: version.created_at,
    })
}
