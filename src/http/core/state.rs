//! What the server has, for all requests.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web;
use tokio::sync::Semaphore;

use super::attempts::{Attempts, BadHolders};
use super::base_path::BasePath;
use super::client_address::TrustedProxies;
use super::context::RequestIds;
use super::hosts::Hosts;
use super::read_answers::ReadAnswers;
use super::refused_calls::RefusedCalls;
use super::replays::Replays;
use super::request_figures::RequestFigures;
use super::settings_in_force::SettingsInForce;
use super::slow_work::SlowWork;
use crate::domain::server_status::CertificateFacts;
use crate::domain::settings::RefusalSettings;
use crate::gateway::proxy::Proxy;
use crate::http::certificates::Certificates;
use crate::http::openapi::served::ServedDocument;
use crate::service::Services;
use crate::service::decisions::near_limits::NearLimitCount;
use crate::store::explained_names::ExplainedNames;
use crate::store::lists::read_cache::ReadCache;

/// Most bytes of the names in explanations that are kept.
const MAX_EXPLAINED_NAMES: usize = 4 * 1024 * 1024;

/// What makes the OpenAPI document.
pub type MakeDocument = Box<dyn FnOnce() -> ServedDocument + Send>;

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
    pub refused_calls: Arc<RefusedCalls>,
    /// What is counted of requests.
    pub request_figures: RequestFigures,
    /// How many limits are almost used up.
    pub near_limits: NearLimitCount,
    /// The host names by which this server may be called.
    pub hosts: Hosts,
    /// The path below which everything is, as clients see it.
    pub base_path: BasePath,
    /// Makes the ids of requests that bring none.
    pub request_ids: RequestIds,
    /// The address of the page on this machine; none when only the control socket is listened on.
    pub page_url: Option<String>,
    /// What encrypted connections are served with, if any are.
    pub certificates: Option<Arc<Certificates>>,
    /// As many as there are connections to read with. They are handed out in order, which the connections are not.
    pub read_permits: Arc<Semaphore>,
    /// Places for what takes long.
    pub slow: SlowWork,
    /// The place of who downloads a backup.
    pub download: Arc<Semaphore>,
    /// Answers that show access profiles.
    pub read_answers: ReadAnswers,
    /// The names in explanations, by the virtual key: they are all that is read for one.
    pub explained_names: ReadCache<i64, Arc<ExplainedNames>, MAX_EXPLAINED_NAMES>,
    /// What decisions under idempotency keys share.
    pub replays: Replays,
    /// The OpenAPI document, made when somebody reads it first.
    pub openapi: LazyLock<ServedDocument, MakeDocument>,
    /// Whether answers to decisions carry `RateLimit` and `RateLimit-Policy`.
    pub rate_limit_headers: bool,
    /// What carries calls.
    pub proxy: Proxy,
    /// What callers are told who are refused.
    pub refusals: RefusalSettings,
    /// All settings, as they are shown.
    pub settings: SettingsInForce,
}

/// The state of the server that serves a request.
pub fn web_state(request: &HttpRequest) -> web::Data<State> {
    state(request).clone()
}

/// The same, borrowed.
pub fn state(request: &HttpRequest) -> &web::Data<State> {
    request
        .app_data::<web::Data<State>>()
        .unwrap_or_else(|| unreachable!("the application is always built with its state"))
}

impl State {
    /// What is known of the certificate, where TLS is served.
    pub fn certificate(&self) -> Option<CertificateFacts> {
        let certificates = self.certificates.as_ref();
        certificates.map(|certificates| certificates.facts())
    }
}
