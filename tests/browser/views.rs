//! A server with something in every view, and the list of the views: for pictures and for the check of accessibility.

use serde_json::json;

use crate::page::Page;
use crate::support::Client;

/// A place of the page, and the name of its picture.
pub struct View {
    pub name: &'static str,
    pub place: &'static str,
    /// What is pressed there, one after the other.
    pub press: &'static [&'static str],
}

const fn view(name: &'static str, place: &'static str) -> View {
    View {
        name,
        place,
        press: &[],
    }
}

const fn dialog(name: &'static str, place: &'static str, press: &'static [&'static str]) -> View {
    View { name, place, press }
}

/// Every view of somebody who may do everything.
pub const VIEWS: &[View] = &[
    view("profiles", "/profiles"),
    view("profiles-nothing-fits", "/profiles?search=nope"),
    view("profile", "/profiles/1"),
    view("profile-holders", "/profiles/1/holders"),
    view("profile-roles", "/profiles/1/roles"),
    view("profile-versions", "/profiles/1/versions"),
    view("profile-audit", "/profiles/1/audit"),
    view("profile-json", "/profiles/1/json"),
    view("profile-edit", "/profiles/1/edit"),
    view("profile-new", "/profiles/new"),
    view("keys", "/keys"),
    view("audit", "/audit"),
    view("not-there", "/nowhere"),
    dialog(
        "profile-problems",
        "/profiles/new",
        &["Add provider", "Create profile"],
    ),
    dialog("profile-compare", "/profiles/1/versions", &["Compare"]),
    dialog("profile-restore", "/profiles/1/versions", &["Restore"]),
    dialog("profile-delete", "/profiles/1", &["More", "Delete"]),
    dialog("profile-duplicate", "/profiles/1", &["More", "Duplicate"]),
    dialog("key-new", "/keys", &["New key"]),
    dialog("key-revoke", "/keys", &["Revoke"]),
];

/// Something for every view.
pub fn furnish(api: &Client) {
    profiles(api);
    api.make_key("gateway-eu", &["Decisions:Create", "Decisions:View"]);
    api.make_key("dashboards", &["AccessProfiles:View", "Users:View"]);
}

fn profiles(api: &Client) {
    api.create_profile(&json!({
        "name": "Engineering",
        "description": "What engineers may use: the large models for work, nothing that is still a preview.",
        "tags": ["team", "eu", "2026"],
        "provider_configs": [
            { "provider_name": "openai", "allowed_models": ["gpt-5*", "o4-mini"], "blacklisted_models": ["gpt-5-pro"],
              "budgets": [{ "max_limit": 20, "reset_duration": "1d" }] },
            { "provider_name": "anthropic", "all_models_allowed": true,
              "rate_limit": { "token_max_limit": 2_000_000, "token_reset_duration": "1d" } }
        ],
        "budgets": [{ "max_limit": 400, "reset_duration": "1M" }, { "max_limit": 40, "reset_duration": "1d" }],
        "rate_limit": { "request_max_limit": 600, "request_reset_duration": "1h" },
        "auto_rotation_interval": "30d",
        "mcp_servers": [{ "mcp_server_id": "jira" }],
        "mcp_tool_overrides": [{ "mcp_client_id": "github", "tool_name": "delete_repository", "action": "exclude" }]
    }));
    let change = json!({ "budgets": [{ "max_limit": 500, "reset_duration": "1M" }, { "max_limit": 40, "reset_duration": "1d" }] });
    api.put("/api/access-profiles/1", &change).expect(200);
    for (name, dollars, active) in [
        ("Support", 80, true),
        ("Interns", 15, true),
        ("Marketing pilot 2025", 50, false),
    ] {
        api.create_profile(&json!({
            "name": name, "tags": ["team"], "is_active": active,
            "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-5-mini"] }],
            "budgets": [{ "max_limit": dollars }]
        }));
    }
}

/// Goes to a view and waits until it is there.
pub fn show(page: &Page, view: &View) {
    page.open(view.place);
    page.settled();
    for name in view.press {
        page.press(name);
    }
    page.settled();
}

/// Leaves whatever is open.
pub fn leave(page: &Page) {
    page.open("/nowhere");
    page.see("There is no such page");
}
