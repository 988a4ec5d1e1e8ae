//! The handler that lists what is near its limit.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::limits;
use super::views::time;
use crate::domain::api_key::permission::Resource;
use crate::domain::list::{DEFAULT_LIMIT, Page, Query};
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::{AccessProfiles, Caller, View};
use crate::http::core::list::{List, ListItem};
use crate::http::core::request::Request;
use crate::ledger::NearLimit;
use crate::service::decisions::near_limits;
use crate::service::decisions::near_limits::{NearPage, NearQuery};

/// Furthest a page of these may start: as many are sorted in memory.
pub const MAX_NEAR_OFFSET: i64 = 10_000;

/// A limit that is almost used up, and whose it is. Dollars, tokens or requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct NearLimitView {
    /// Who holds the copy.
    pub user_id: String,
    /// Their name; left out when the user is gone; for keys that hold `Users:View`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The access profile that sets it.
    pub access_profile_id: i64,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_profile_name: Option<String>,
    /// The id of the budget or rate limit, as the copy of the profile shows it.
    pub id: String,
    /// `budget`, `tokens` or `requests`.
    #[schema(schema_with = limits::kind_schema)]
    pub kind: &'static str,
    /// `total` or `provider:<name>`.
    pub scope: String,
    /// How often it starts anew.
    pub reset_duration: String,
    /// What the profile allows.
    #[schema(value_type = f64)]
    pub max_limit: Box<RawValue>,
    /// The same with what an override adds.
    #[schema(value_type = f64)]
    pub effective_max_limit: Box<RawValue>,
    /// Used in this window.
    #[schema(value_type = f64)]
    pub used: Box<RawValue>,
    /// Held by open reservations.
    #[schema(value_type = f64)]
    pub held: Box<RawValue>,
    /// What is neither used nor held; never below 0.
    #[schema(value_type = f64)]
    pub remaining: Box<RawValue>,
    /// When the window ends; left out when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resets_at: Option<Timestamp>,
    /// What is used and held as a part of `effective_max_limit`.
    pub share: f64,
}

impl ListItem for NearLimitView {
    const MEMBER: &'static str = "limits";
    const SCHEMA: &'static str = "NearLimitList";
    const ABOUT: &'static str = "A page of what is almost used up, the fullest first.";
}

fn read_query(query: &Query) -> NearQuery {
    NearQuery {
        user_id: query.integer("user_id", 1, i64::MAX),
        access_profile_id: query.integer("access_profile_id", 1, i64::MAX),
    }
}

fn read_page(query: &Query) -> Page {
    Page {
        limit: query.limit().unwrap_or(DEFAULT_LIMIT),
        offset: query.integer("offset", 0, MAX_NEAR_OFFSET).unwrap_or(0),
        ends_early: false,
    }
}

/// `GET /api/usage/near-limits`
pub async fn list(caller: Caller<View, AccessProfiles>, request: Request) -> Answer {
    let named = caller.permissions().shows(Resource::Users);
    let (wanted, page) = request.query(|query| (read_query(query), read_page(query)))?;
    let list = request.slow(move |services| near_limits::list(services, wanted, page, named));
    let found = list.await?;
    let limits = found.limits.iter();
    let limits = limits.map(|one| view(one, &found)).collect();
    let total_count = i64::try_from(found.total).unwrap_or(i64::MAX);
    ok(&List::new(limits, total_count, page))
}

fn view(near: &NearLimit, page: &NearPage) -> NearLimitView {
    let state = &near.state;
    let amount =
        |amount| RawValue::from_string(limits::amount(state.kind, amount)).unwrap_or_default();
    NearLimitView {
        user_id: near.user_id.to_string(),
        user_name: page
            .users
            .as_ref()
            .and_then(|names| names.get(&near.user_id).cloned()),
        access_profile_id: state.access_profile_id,
        access_profile_name: page.profiles.get(&state.access_profile_id).cloned(),
        id: state.id(),
        kind: state.kind.name(),
        scope: state.scope.to_string(),
        reset_duration: state.reset_duration.to_string(),
        max_limit: amount(state.max_limit),
        effective_max_limit: amount(state.effective_max_limit),
        used: amount(state.used),
        held: amount(state.held),
        remaining: amount(state.remaining()),
        resets_at: state.resets_at.map(time),
        share: near.share(),
    }
}
