//! Handlers of the history of use.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::holder::KeyHolder;
use super::read_user;
use crate::domain::api_key::permission::Resource;
use crate::domain::decision::usage::{UsageQuery, UsageRow, date_of};
use crate::domain::list::Query;
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::{AccessProfiles, Caller, View};
use crate::http::core::request::Request;
use crate::service::decisions::usage;
use crate::service::decisions::usage::UsagePage;
use crate::store::lists::names::Names;

/// A sum over a part of the history. It has the fields that rows are told apart by.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageView {
    /// The day, in the configured time zone; with `group_by=day`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The user; with `group_by=user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's name, the last one when the user is gone; with `group_by=user`, for keys that hold `Users:View`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The access profile; with `group_by=access_profile`. Left out where a call was refused before one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_profile_id: Option<i64>,
    /// Its name, the last one when it is gone; with `group_by=access_profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_profile_name: Option<String>,
    /// The provider; with `group_by=provider`. Left out where a call was refused before one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model; with `group_by=model`. Left out where a call was refused before one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// There, and true, in the line `other` in which further models, and providers, are counted together: of names that do not stand
    /// literally in the policy, 200 of a user, profile and day have a line of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_other: Option<bool>,
    /// Calls that were made.
    pub calls: i64,
    /// Calls that were refused, by reason.
    pub refusals: BTreeMap<String, i64>,
    /// Tokens that were used.
    pub tokens: i64,
    /// Of these, input tokens, as far as it was told which kind they are.
    pub input_tokens: i64,
    /// Of the input tokens, those that were read from a cache.
    pub cached_input_tokens: i64,
    /// Output tokens, as far as it was told.
    pub output_tokens: i64,
    /// What they cost, in US dollars.
    #[schema(value_type = f64)]
    pub cost: Box<RawValue>,
}

/// The sum over everything that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageTotals {
    /// Calls that were made.
    pub calls: i64,
    /// Calls that were refused, by reason.
    pub refusals: BTreeMap<String, i64>,
    /// Tokens that were used.
    pub tokens: i64,
    /// Of these, input tokens, as far as it was told which kind they are.
    pub input_tokens: i64,
    /// Of the input tokens, those that were read from a cache.
    pub cached_input_tokens: i64,
    /// Output tokens, as far as it was told.
    pub output_tokens: i64,
    /// What they cost, in US dollars.
    #[schema(value_type = f64)]
    pub cost: Box<RawValue>,
}

/// A page of the history.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageList {
    /// The rows.
    pub usage: Vec<UsageView>,
    /// The sum over all pages.
    pub totals: UsageTotals,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// What rows are told apart by.
    pub group_by: Vec<&'static str>,
    /// Items on this page.
    pub count: usize,
    /// Items on all pages.
    pub total_count: i64,
    /// As asked.
    pub limit: i64,
    /// As asked.
    pub offset: i64,
}

/// `GET /api/usage`
pub async fn list(caller: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let query = request.query(|query| {
        let mut wanted = read(&request, query);
        wanted.user_id = read_user(query);
        wanted
    })?;
    let shows_users = caller.permissions().shows(Resource::Users);
    answer(&request, query, shows_users).await
}

/// `GET /v1/quota/usage`
///
/// # Errors
/// 400 when a parameter is not valid; 401 or 403 when the key does not work.
pub async fn list_own(holder: KeyHolder, request: Request) -> Answer {
    let mut query = request.query(|query| read(&request, query))?;
    let known = request.state().services.ledger.who(holder.key).await?;
    let known = known.map_err(|refusal| holder.refuse(refusal))?;
    query.user_id = Some(known.user_id);
    answer(&request, query, true).await
}

fn read(request: &Request, query: &Query) -> UsageQuery {
    let services = request.services();
    UsageQuery::read(query, services.clock.now(), &services.time_zone)
}

/// `shows_users` says whether the caller may see who the users are.
async fn answer(request: &Request, query: UsageQuery, shows_users: bool) -> Answer {
    let services = request.services();
    usage::write_down(&services).await;
    let wanted = query.clone();
    let list = request.slow(move |services| usage::list(services, &wanted, shows_users));
    let UsagePage {
        list,
        totals,
        users,
        profiles,
    } = list.await?;
    let rows: Vec<_> = list
        .items
        .iter()
        .map(|row| view(row, query.groups, users.as_ref(), &profiles))
        .collect();
    ok(&UsageList {
        count: rows.len(),
        usage: rows,
        totals: UsageTotals {
            calls: totals.calls,
            cost: dollars(&totals),
            tokens: totals.tokens,
            input_tokens: totals.split.input,
            cached_input_tokens: totals.split.cached_input,
            output_tokens: totals.split.output,
            refusals: totals.refusals,
        },
        from: date_of(query.from_day).to_string(),
        to: date_of(query.to_day).to_string(),
        group_by: query.group_names(),
        total_count: list.total_count,
        limit: query.page.limit,
        offset: query.page.offset,
    })
}

fn view(row: &UsageRow, groups: [bool; 5], users: Option<&Names>, profiles: &Names) -> UsageView {
    let [_, by_user, by_profile, by_provider, by_model] = groups;
    UsageView {
        day: row.day.map(|day| date_of(day).to_string()),
        user_id: row.user_id.map(|id| id.to_string()),
        user_name: users
            .filter(|_| by_user)
            .and_then(|names| names.get(&row.user_id?).cloned()),
        access_profile_id: row.access_profile_id.filter(|_| by_profile),
        access_profile_name: row
            .access_profile_id
            .filter(|_| by_profile)
            .and_then(|id| profiles.get(&id).cloned()),
        provider: row.provider.clone().filter(|_| by_provider),
        model: row.model.clone().filter(|_| by_model),
        is_other: row.is_other.then_some(true),
        calls: row.calls,
        refusals: row.refusals.clone(),
        tokens: row.tokens,
        input_tokens: row.split.input,
        cached_input_tokens: row.split.cached_input,
        output_tokens: row.split.output,
        cost: dollars(row),
    }
}

fn dollars(row: &UsageRow) -> Box<RawValue> {
    RawValue::from_string(row.cost()).unwrap_or_default()
}
