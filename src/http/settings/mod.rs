//! The handler of settings: what is in force, and where each is from (API.md §7).

pub mod views;

use self::views::{SettingList, SettingView};
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::{Caller, Settings, View};
use crate::http::core::request::Request;

/// `GET /api/settings`
pub async fn list(_: Caller<View, Settings>, request: Request) -> Answer {
    request.query(|_| ())?;
    let shown = request.state().settings.shown();
    ok(&SettingList {
        settings: shown.settings.iter().map(SettingView::from).collect(),
        needs_restart: shown.needs_restart.clone(),
    })
}
