//! The handler of upstreams: what is configured, and how each was seen last (API.md §6).

pub mod views;

use self::views::{UpstreamList, UpstreamView};
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::{Caller, Settings, View};
use crate::http::core::request::Request;

/// `GET /api/upstreams`
pub async fn list(_: Caller<View, Settings>, request: Request) -> Answer {
    request.query(|_| ())?;
    let upstreams = request.state().proxy.upstreams();
    let all = upstreams.iter();
    ok(&UpstreamList {
        upstreams: all
            .map(|upstream| UpstreamView::from(&**upstream))
            .collect(),
    })
}
