//! A server with something in every view, and the list of the views: for pictures and for the check of accessibility.

use serde_json::json;

use crate::page::Page;
use crate::support::Client;
use crate::support::upstream::Upstream;

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
    view("overview", "/overview"),
    view("backups", "/backups"),
    view("settings", "/settings"),
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
    view("users", "/users"),
    view("user", "/users/1"),
    view("user-without-profiles", "/users/4"),
    view("roles", "/roles"),
    view("role", "/roles/1"),
    view("virtual-keys", "/virtual-keys"),
    view("tool-groups", "/tool-groups"),
    view("usage", "/usage"),
    view("holds", "/holds"),
    view("explain", "/explain"),
    view("prices", "/prices"),
    view("prices-of-one", "/prices?provider=openai&model=gpt-4o"),
    view("upstreams", "/upstreams"),
    view("connect", "/connect"),
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
    dialog("profile-assign", "/profiles/1", &["Assign"]),
    dialog("profile-attach", "/profiles/1/roles", &["Attach to a role"]),
    dialog(
        "profile-propagate",
        "/profiles/1",
        &["Propagate", "Dry run"],
    ),
    dialog("user-new", "/users", &["New user"]),
    dialog("user-role", "/users/1", &["Change role"]),
    dialog("user-raise", "/users/1", &["Raise"]),
    dialog("virtual-key-new", "/users/1", &["New virtual key"]),
    dialog(
        "tool-group-new",
        "/tool-groups",
        &["New tool group", "Add server"],
    ),
    dialog(
        "price-new",
        "/prices",
        &["Give a price", "More kinds", "Long input", "Add step"],
    ),
    dialog("price-edit", "/prices", &["Edit"]),
    dialog("price-delete", "/prices", &["Delete"]),
    dialog("backup-download", "/backups", &["Download"]),
    dialog("hold-free", "/holds", &["Free"]),
    dialog("key-new", "/keys", &["New key"]),
    dialog("key-revoke", "/keys", &["Revoke"]),
    dialog("profile-menu", "/profiles/1", &["More"]),
    dialog("audit-details", "/audit", &["Details"]),
    dialog("user-delete", "/users/1", &["Delete"]),
    dialog("secret", "/users/2", &["New virtual key", "Make the key"]),
];

/// A server with something for every view, and a virtual key.
pub fn furnished() -> (Page, String) {
    let provider = Upstream::chats();
    let page = Page::start_carrying(&format!(
        "[{{ name = 'openai', base_url = 'http://127.0.0.1:{}/v1', api_key_variable = 'PROVIDER_KEY' }},
          {{ name = 'anthropic', base_url = 'http://127.0.0.1:1', api_key_variable = 'PROVIDER_KEY', unmetered_paths = ['/v1/files'] }},
          {{ name = 'ollama', free = true }}]",
        provider.port
    ));
    let key = furnish(page.api());
    (page, key)
}

fn furnish(api: &Client) -> String {
    profiles(api);
    people(api);
    let tools = json!({ "name": "Read the tracker", "enabled": true,
        "tools": [{ "mcp_client_id": "jira", "tool_names": ["search", "get_issue"] }, { "mcp_client_id": "docs", "tool_names": [] }] });
    api.post("/api/mcp/tool-groups", &tools).expect(201);
    let key = api
        .post("/api/users/1/virtual-keys", &json!({ "name": "laptop" }))
        .expect(200);
    let key = key.json()["virtual_key"]["value"]
        .as_str()
        .unwrap()
        .to_owned();
    traffic(api, &key);
    carried(api, &key);
    prices(api);
    api.post("/api/backups", &json!({})).expect(201);
    api.make_key("gateway-eu", &["Decisions:Create", "Decisions:View"]);
    api.make_key("dashboards", &["AccessProfiles:View", "Users:View"]);
    key
}

/// Calls that were paid, one that is under way, and some that were refused.
fn traffic(api: &Client, key: &str) {
    for (number, (provider, model, cost)) in [
        ("openai", "gpt-5", 11.4),
        ("anthropic", "claude-sonnet", 7.25),
        ("openai", "o4-mini", 0.42),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "virtual_key": key, "provider": provider, "model": model, "tokens": 12_000, "cost": cost,
            "request_id": format!("call-{number}") });
        api.post("/v1/usage", &body).expect(201);
    }
    let hold = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5", "estimated_tokens": 900, "estimated_cost": 1.5 });
    api.post("/v1/reservations", &hold).expect(201);
    let refused = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5-pro" });
    api.post("/v1/reservations", &refused).expect(403);
}

/// A call that is answered, and one whose provider can't be reached.
fn carried(api: &Client, key: &str) {
    let holder = api.with_key(key);
    let hello = json!([{ "role": "user", "content": "Hello!" }]);
    let chat = json!({ "model": "gpt-5-mini", "messages": hello });
    holder.post("/v1/chat/completions", &chat).expect(200);
    let message = json!({ "model": "claude-sonnet-4-5", "max_tokens": 9, "messages": hello });
    holder.post("/v1/messages", &message).expect(502);
}

/// One that always holds, one from a date on, and one that costs nothing.
fn prices(api: &Client) {
    let long = json!([{ "input_tokens": 200_000, "rates": { "input": 0.6, "output": 2.4 } }]);
    for (model, price) in [
        (
            "openai/house-mini",
            json!({ "rates": { "input": 0.3, "cached_input": 0.03, "output": 1.2, "request": 0.001 }, "above": long, "greatest_output": 16_000 }),
        ),
        (
            "openai/house-*",
            json!({ "rates": { "input": 2, "output": 8 }, "valid_from": "2026-06-01T00:00:00Z" }),
        ),
        ("lab/*", json!({ "free": true })),
    ] {
        api.put(&format!("/api/prices/{model}"), &price).expect(200);
    }
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

/// Four users, two roles, copies with an override, and one copy that is behind its template.
fn people(api: &Client) {
    for (name, description) in [("Engineers", "Whoever builds"), ("Support", "")] {
        let role = json!({ "name": name, "description": description });
        api.post("/api/rbac/roles", &role).expect(200);
    }
    let attach = json!({ "role_ids": [1], "is_default": true, "apply_to_existing": true });
    api.post("/api/access-profiles/1/roles", &attach)
        .expect(200);
    for (name, role) in [
        ("Ada Lovelace", Some(1)),
        ("Grace Hopper", Some(1)),
        ("Barbara Liskov", Some(2)),
        ("Katherine Johnson", None),
    ] {
        let email = format!(
            "{}@example.org",
            name.split(' ').next().unwrap().to_lowercase()
        );
        let mut user = json!({ "name": name, "email": email });
        if let Some(role) = role {
            user["role_id"] = json!(role);
        }
        api.post("/api/users", &user).expect(200);
    }
    let body = json!({ "access_profile_id": 3, "expires_at": "2099-12-31T12:00:00Z" });
    api.post("/api/users/1/access-profiles", &body).expect(201);
    let copies = api.get("/api/users/1/access-profiles").expect(200).json();
    let budget = copies["access_profiles"][0]["budgets"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let raise = json!({ "amount": 100, "mode": "cycles", "cycles": 3 });
    api.put(
        &format!("/api/users/1/access-profiles/1/budgets/{budget}/override"),
        &raise,
    )
    .expect(200);
    let change =
        json!({ "rate_limit": { "request_max_limit": 900, "request_reset_duration": "1h" } });
    api.put("/api/access-profiles/1", &change).expect(200);
}

/// Goes to a view and waits until it is there.
pub fn show(page: &Page, view: &View) {
    page.open(view.place);
    page.settled();
    for name in view.press {
        page.press(name);
    }
    if !view.press.is_empty() {
        // Some ask the server before they open.
        page.until(
            "what was pressed to show",
            "document.querySelector('dialog[open], details[open], .form-problem')",
            &[],
        );
    }
    page.settled();
}

/// Leaves whatever is open: a secret that must be stored, an edit that is not saved.
#[track_caller]
pub fn leave(page: &Page) {
    page.open("/nowhere");
    page.until(
        "the view to be left",
        "[...document.querySelectorAll('dialog[open] button')].find((one) => ['Leave', 'I stored it'].includes(one.textContent))?.click() \
         ?? tests.says('There is no such page')",
        &[],
    );
}
