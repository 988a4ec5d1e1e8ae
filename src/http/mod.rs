//! HTTP: one route table, extractors, handlers, the error body and the admin page. The only folder that knows actix.
//!
//! Reading order: [`routes`] (what there is), [`guard`] (who may call), [`call`] (what a request holds), a handler such as
//! [`access_profiles`], [`answer`] and [`problem`] (what goes out), [`discipline`] (what holds for all).

mod about;
pub mod access_profile_history;
pub mod access_profiles;
pub mod answer;
pub mod api_key_schemas;
pub mod api_keys;
pub mod assignments;
pub mod attachments;
pub mod attempts;
pub mod authenticate;
pub mod bodies;
pub mod budget_overrides;
pub mod call;
pub mod client_address;
pub mod connection;
pub mod context;
pub mod decision_parameters;
pub mod decision_schemas;
pub mod decision_shapes;
pub mod decisions;
pub mod discipline;
pub mod docs;
pub mod envelopes;
pub mod error_body;
pub mod explain;
pub mod explain_schemas;
pub mod forward_auth;
pub mod guard;
pub mod holder;
pub mod holding_schemas;
pub mod ignored_fields;
pub mod keyed_lock;
pub mod limits;
pub mod log_lines;
pub mod mount;
pub mod near_limits;
pub mod openapi;
pub mod page;
pub mod parameters;
pub mod path_values;
mod patterns;
pub mod people_schemas;
pub mod pieces;
pub mod problem;
pub mod propagation;
pub mod quota;
pub mod read_answers;
pub mod refusal;
pub mod refused_calls;
pub mod replay;
pub mod roles;
pub mod route;
pub mod routes;
pub mod schemas;
pub mod serve;
pub mod shapes;
pub mod sign_in;
pub mod slow;
pub mod status;
pub mod tool_group_schemas;
pub mod tool_groups;
pub mod usage;
pub mod users;
pub mod virtual_key_schemas;
pub mod virtual_keys;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use tokio::sync::Semaphore;

use crate::service::Services;
use crate::store::explained_names::ExplainedNames;
use crate::store::read_cache::ReadCache;
use attempts::{Attempts, BadHolders};
use client_address::TrustedProxies;
use context::RequestIds;
use discipline::Hosts;
use read_answers::ReadAnswers;
use refused_calls::RefusedCalls;
use replay::Replays;
use slow::SlowWork;

/// The target under which the access log is written.
pub const ACCESS_LOG: &str = "tollkeeper::access";

/// Most bytes of the names in explanations that are kept.
const MAX_EXPLAINED_NAMES: usize = 4 * 1024 * 1024;

/// What all requests share.
pub struct State {
    /// What the functions of `service` work with.
    pub services: Arc<Services>,
    /// How long a request body may take.
    pub body_timeout: Duration,
    /// The networks whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// Slows down whoever fails to authenticate.
    pub attempts: Attempts,
    /// Slows down virtual keys that don't work and are sent again and again.
    pub bad_holders: BadHolders,
    /// What was refused lately, for the access log.
    pub refused_calls: RefusedCalls,
    /// The host names by which this server may be called.
    pub hosts: Hosts,
    /// Makes the ids of requests that bring none.
    pub request_ids: RequestIds,
    /// The address of the page on this machine; none when only the control socket is listened on.
    pub page_url: Option<String>,
    /// As many as there are connections to read with. They are handed out in order, which the connections are not.
    pub read_permits: Arc<Semaphore>,
    /// Places for what takes long.
    pub slow: SlowWork,
    /// Answers that show access profiles.
    pub read_answers: ReadAnswers,
    /// The names in explanations, by the virtual key: they are all that is read for one.
    pub explained_names: ReadCache<i64, Arc<ExplainedNames>, MAX_EXPLAINED_NAMES>,
    /// What decisions under idempotency keys share.
    pub replays: Replays,
    /// Whether answers to decisions carry `RateLimit` and `RateLimit-Policy`.
    pub rate_limit_headers: bool,
}

/// Mounts every route, and the refusal of every other path.
pub fn configure(state: web::Data<State>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.app_data(state);
        mount::mount(&routes::table(), config);
        config.default_service(web::to(|call: call::Call| async move {
            answer::Answer::Err(problem::Problem::no_route(call.path()))
        }));
    }
}
