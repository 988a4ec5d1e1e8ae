//! What somebody stored is text, whatever it looks like.

use serde_json::json;

use crate::page::Page;

const IMAGE: &str = "<img src=x onerror=attacked('image')>";
const SCRIPT: &str = "</script><script>attacked('script')</script>";

/// Stores both in every field of a profile, with `kind` to tell names apart.
fn hostile_profile(kind: &str) -> serde_json::Value {
    let both = format!("{kind}{IMAGE}{SCRIPT}");
    json!({
        "name": both,
        "description": both,
        "tags": [IMAGE, SCRIPT],
        "provider_configs": [{
            "provider_name": both,
            "allowed_models": [IMAGE, SCRIPT],
            "blacklisted_models": [both],
            "budgets": [{ "max_limit": 5 }]
        }],
        "mcp_tool_groups": [{ "tool_group_id": 77 }],
        "mcp_servers": [{ "mcp_server_id": IMAGE }],
        "mcp_tool_overrides": [{ "mcp_client_id": SCRIPT, "tool_name": IMAGE }]
    })
}

/// As a piece of a path.
fn encoded(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// Goes through views and looks whether anything ran.
fn walk(page: &Page, places: &[&str]) {
    for place in places {
        page.open(place);
        page.settled();
        page.nothing_went_wrong();
    }
}

#[test]
fn markup_in_every_field_of_a_profile_is_shown_as_text() {
    let page = Page::signed_in();
    page.api().create_profile(&hostile_profile("first"));
    page.api().create_profile(&hostile_profile("second"));
    page.api()
        .put("/api/access-profiles/1", &json!({ "description": SCRIPT }))
        .expect(200);
    page.open("/profiles");
    page.see(IMAGE);
    page.see(SCRIPT);
    walk(
        &page,
        &[
            "/profiles?search=%3Cimg",
            "/profiles/1",
            "/profiles/1/holders",
            "/profiles/1/roles",
            "/profiles/1/versions",
            "/profiles/1/audit",
            "/profiles/1/json",
            "/profiles/1/edit",
            "/audit",
        ],
    );
    page.open("/profiles/1/versions");
    page.press_in_row("current", "Compare");
    page.see(SCRIPT);
    page.press("Close");
    page.press("Restore");
    page.see("What changes");
    page.press("Cancel");
    page.open("/profiles/1/audit");
    page.press_in_row("create", "Details");
    page.see(IMAGE);
    page.press("Close");
    page.open("/profiles/2");
    page.press("More");
    page.press("Copy as curl");
    page.see("onerror");
    page.press("Close");
    page.press("More");
    page.press("Delete");
    page.press("Cancel");
    // Refused by the server, which repeats what was sent.
    page.open("/profiles/2/edit");
    page.fill("Name", &format!("first{IMAGE}{SCRIPT}"));
    page.press("Save");
    page.see("One thing is not right:");
    page.nothing_went_wrong();
}

#[test]
fn markup_in_a_key_is_shown_as_text() {
    let page = Page::signed_in();
    let body = json!({ "name": IMAGE, "description": SCRIPT, "scopes": ["AccessProfiles:View"] });
    page.api().post("/api/api-keys", &body).expect(200);
    page.open("/keys");
    page.see(IMAGE);
    page.press_in_row(SCRIPT, "Edit");
    page.see("Edit the management key");
    page.press("Cancel");
    page.press_in_row(SCRIPT, "Rotate");
    page.press("Rotate");
    page.see(IMAGE);
    page.press("Download");
    page.press("I stored it");
    page.press_in_row(SCRIPT, "Revoke");
    page.press("Revoke");
    page.see("Revoked");
    page.nothing_went_wrong();
}

#[test]
fn markup_in_a_user_a_role_and_a_virtual_key_is_shown_as_text() {
    let page = Page::signed_in();
    let api = page.api();
    let both = format!("{IMAGE}{SCRIPT}");
    api.create_profile(&hostile_profile("held"));
    let role = json!({ "name": both, "description": both });
    api.post("/api/rbac/roles", &role).expect(200);
    let attach = json!({ "role_ids": [1], "is_default": true });
    api.post("/api/access-profiles/1/roles", &attach)
        .expect(200);
    let user = json!({ "name": both, "email": "<b>@example.org", "role_id": 1 });
    api.post("/api/users", &user).expect(200);
    let key = json!({ "name": both, "description": both });
    api.post("/api/users/1/virtual-keys", &key).expect(200);
    api.put(
        "/api/access-profiles/1",
        &json!({ "budgets": [{ "max_limit": 1 }] }),
    )
    .expect(200);
    walk(
        &page,
        &[
            "/users",
            "/users/1",
            "/roles",
            "/roles/1",
            "/virtual-keys",
            "/profiles/1/holders",
            "/profiles/1/roles",
            "/audit",
        ],
    );
    page.open("/users/1");
    page.see(IMAGE);
    page.see(SCRIPT);
    page.press("Policy of this copy");
    page.press("Rotate");
    page.press("Rotate");
    page.see("The new secret");
    page.press("I stored it");
    page.press("Change role");
    page.press("Cancel");
    page.press("Delete");
    page.press("Cancel");
    page.open("/profiles/1");
    page.press("Propagate");
    page.press("Dry run");
    page.see(SCRIPT);
    page.press("Cancel");
    page.press("Assign");
    page.press("Cancel");
    page.open("/profiles/1/roles");
    page.press("Detach");
    page.press("Cancel");
    page.nothing_went_wrong();
}

#[test]
fn markup_in_tools_and_in_traffic_is_shown_as_text() {
    let page = Page::signed_in();
    let api = page.api();
    let both = format!("{IMAGE}{SCRIPT}");
    let tools = json!({ "name": both, "description": both, "tools": [{ "mcp_client_id": IMAGE, "tool_names": [SCRIPT] }] });
    api.post("/api/mcp/tool-groups", &tools).expect(201);
    let user = json!({ "name": both, "email": "<b>@example.org" });
    api.post("/api/users", &user).expect(200);
    api.create_profile(&json!({
        "name": both,
        "provider_configs": [{ "provider_name": IMAGE, "all_models_allowed": true }],
        "budgets": [{ "max_limit": 1 }],
        "mcp_tool_groups": [{ "tool_group_id": 1 }]
    }));
    let body = json!({ "access_profile_id": 1 });
    let answer = api.post("/api/users/1/access-profiles", &body).expect(201);
    let key = answer.json()["virtual_key"]["value"]
        .as_str()
        .unwrap()
        .to_owned();
    let price = format!("/api/prices/{}/{}", encoded(IMAGE), encoded(SCRIPT));
    api.put(&price, &json!({ "free": true })).expect(200);
    let held =
        json!({ "virtual_key": key, "provider": IMAGE, "model": SCRIPT, "estimated_cost": 0.4 });
    api.post("/v1/reservations", &held).expect(201);
    let call = json!({ "virtual_key": key, "provider": IMAGE, "model": SCRIPT, "tokens": 1, "cost": 0.5, "request_id": "one" });
    api.post("/v1/usage", &call).expect(201);
    walk(
        &page,
        &[
            "/tool-groups",
            "/profiles/1",
            "/usage",
            "/usage?by=provider",
            "/usage?by=model",
            "/usage?by=access_profile",
            "/usage?user_id=1&access_profile_id=1",
            "/holds",
            "/virtual-keys?user_id=1",
            "/connect",
            "/prices",
        ],
    );
    page.see(IMAGE);
    page.press("Edit");
    page.see(SCRIPT);
    page.press("Save");
    page.see("Saved.");
    page.fill("Provider of the call", IMAGE);
    page.fill("Model of the call", SCRIPT);
    page.press("Look up");
    page.see(&format!("{IMAGE} / {SCRIPT} costs nothing"));
    page.press("Delete");
    page.press("Delete");
    page.see("Deleted the price of");
    page.open("/usage?by=model");
    page.see(SCRIPT);
    page.press("These charts as a table");
    page.open("/tool-groups");
    page.press("Edit");
    page.see("Edit the tool group");
    page.press("Cancel");
    page.press("Delete");
    page.see(IMAGE);
    page.press("Cancel");
    page.open("/explain");
    page.fill("Virtual key or its id", &key);
    page.fill("Provider", IMAGE);
    page.fill("Model", SCRIPT);
    page.fill("Estimated dollars", "5");
    page.press("Explain");
    page.see("It would be refused");
    page.see(IMAGE);
    page.nothing_went_wrong();
    page.sign_in(&key);
    page.see("Your usage");
    page.press("What you may use");
    page.see(IMAGE);
    page.nothing_went_wrong();
}
