//! Two people change the same thing at the same time.

use serde_json::json;

use crate::page::Page;
use crate::people::assigned;

/// Somebody edits a thing in its dialog while it is changed to "theirs"; whoever comes second sees the difference and has both ways on.
#[track_caller]
fn edit_clashes(page: &Page, place: &str, row: &str, path: &str, field: &str) {
    let open = || {
        page.open(place);
        if row.is_empty() {
            page.press("Edit");
        } else {
            page.press_in_row(row, "Edit");
        }
        page.see("Edit the");
    };
    let name = field.to_lowercase();
    let theirs = || {
        page.api()
            .put(path, &json!({ &name: "theirs" }))
            .expect(200)
    };
    let stored = || {
        let answer = page.api().get(path).expect(200).json();
        // A user is read without an envelope.
        let thing = match answer.get("id") {
            Some(_) => &answer,
            None => answer.as_object().unwrap().values().next().unwrap(),
        };
        thing[&name].clone()
    };
    open();
    page.fill(field, "mine");
    theirs();
    page.press("Save");
    page.see("Somebody else saved this");
    page.see("theirs");
    page.see("mine");
    assert_eq!(stored(), "theirs");
    page.press("Keep editing");
    page.until(
        "the edit to be still there",
        "tests.field(arguments[0], 0).value === 'mine'",
        &[json!(field)],
    );
    page.press("Save");
    page.press("Save mine over it");
    page.gone("Somebody else saved this");
    page.see("Saved.");
    assert_eq!(stored(), "mine", "{path}");
    // The other way on.
    open();
    page.fill(field, "mine again");
    theirs();
    page.press("Save");
    page.press("Take theirs");
    page.see("Your edit was dropped; this is theirs.");
    assert_eq!(stored(), "theirs", "{path}");
    page.nothing_went_wrong();
}

#[test]
fn edits_of_users_and_roles_that_clash_are_compared() {
    let page = Page::signed_in();
    assigned(&page);
    let role = json!({ "name": "Engineers", "description": "first" });
    page.api().post("/api/rbac/roles", &role).expect(200);
    edit_clashes(&page, "/users/1", "", "/api/users/1", "Name");
    edit_clashes(&page, "/roles/1", "", "/api/rbac/roles/1", "Description");
}

#[test]
fn edits_of_keys_that_clash_are_compared() {
    let page = Page::signed_in();
    assigned(&page);
    let (id, _) = page.api().make_key("gateway", &["Decisions:Create"]);
    let path = format!("/api/api-keys/{id}");
    edit_clashes(&page, "/keys", "gateway", &path, "Description");
    let keys = page.api().get("/api/virtual-keys").expect(200).json();
    let id = keys["virtual_keys"][0]["id"].as_str().unwrap();
    let path = format!("/api/virtual-keys/{id}");
    edit_clashes(&page, "/virtual-keys", "", &path, "Description");
}

#[test]
fn edits_of_tool_groups_that_clash_are_compared() {
    let page = Page::signed_in();
    let tools = json!({ "name": "Tracker", "tools": [{ "mcp_client_id": "jira", "tool_names": ["search"] }] });
    page.api().post("/api/mcp/tool-groups", &tools).expect(201);
    edit_clashes(
        &page,
        "/tool-groups",
        "",
        "/api/mcp/tool-groups/1",
        "Description",
    );
}

#[test]
fn what_was_changed_meanwhile_is_asked_about_again_before_it_is_deactivated_or_deleted() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Team" }));
    let change = |tag: &str| {
        page.api()
            .put("/api/access-profiles/1", &json!({ "tags": [tag] }))
            .expect(200)
    };
    let state = || {
        page.api().get("/api/access-profiles/1").expect(200).json()["access_profile"]["is_active"]
            .clone()
    };
    page.open("/profiles/1");
    page.press("More");
    page.press("Deactivate");
    change("one");
    page.press("Deactivate");
    page.see("Somebody changed it meanwhile.");
    assert_eq!(state(), true);
    page.press("Deactivate");
    page.see("Deactivated.");
    assert_eq!(state(), false);
    // An inactive template can't be assigned.
    page.gone("Assign");
    page.press("More");
    page.press("Delete");
    page.fill("Type Team to confirm", "Team");
    change("two");
    page.press("Delete");
    page.see("Somebody changed it meanwhile.");
    page.fill("Type Team to confirm", "Team");
    page.press("Delete");
    page.see("Deleted Team.");

    let user = json!({ "name": "Ada", "email": "ada@example.org" });
    page.api().post("/api/users", &user).expect(200);
    page.open("/users/1");
    page.press("Delete");
    page.fill("Type Ada to confirm", "Ada");
    page.api()
        .put("/api/users/1", &json!({ "name": "Ada Lovelace" }))
        .expect(200);
    page.press("Delete");
    page.see("Delete Ada Lovelace?");
    page.press("Cancel");
    page.api().get("/api/users/1").expect(200);
    page.nothing_went_wrong();
}
