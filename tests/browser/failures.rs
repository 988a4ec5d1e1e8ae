//! When the server is away or refuses, whoever pressed something is told so.

use serde_json::json;

use crate::page::Page;
use crate::people::assigned;

#[test]
fn a_button_that_gets_no_answer_says_so_and_works_afterwards() {
    let page = Page::signed_in();
    assigned(&page);
    let tools =
        json!({ "name": "Tracker", "tools": [{ "mcp_client_id": "jira", "tool_names": [] }] });
    page.api().post("/api/mcp/tool-groups", &tools).expect(201);
    let role = json!({ "name": "Engineers" });
    page.api().post("/api/rbac/roles", &role).expect(200);
    for (place, button, opened) in [
        ("/profiles/1", "Assign", "Assign Team"),
        ("/profiles/1/roles", "Attach to a role", "Give it to users"),
        ("/users/1", "Assign a profile", "Assign a profile to Ada"),
        ("/users/1", "Change role", "Role of Ada"),
        ("/users/1", "Edit", "Edit the user"),
        ("/keys", "New key", "New management key"),
        ("/keys", "Edit", "Edit the management key"),
        ("/tool-groups", "Edit", "Edit the tool group"),
    ] {
        page.open(place);
        page.offline(true);
        page.press(button);
        page.see("The server does not answer.");
        page.press("Dismiss");
        page.gone("The server does not answer.");
        page.offline(false);
        page.press(button);
        page.see(opened);
        page.press("Cancel");
    }
    page.nothing_went_wrong();
}

#[test]
fn a_view_that_is_first_opened_without_a_server_says_so_and_comes_when_it_is_back() {
    let page = Page::signed_in();
    page.see("Nobody is near a limit");
    page.offline(true);
    page.press("Open holds");
    page.see("No connection");
    assert_eq!(
        page.run("return document.title", vec![]),
        "No connection · Tollkeeper"
    );
    page.offline(false);
    page.press("Try again");
    page.see("No open hold");
    assert_eq!(
        page.run("return document.title", vec![]),
        "Open holds · Tollkeeper"
    );
    page.open("/profiles/77");
    page.see("Not found");
    assert_eq!(
        page.run("return document.title", vec![]),
        "Not found · Tollkeeper"
    );
}

#[test]
fn a_view_whose_module_did_not_come_comes_with_a_fresh_page() {
    let page = Page::signed_in();
    page.see("Nobody is near a limit");
    page.dev_tools("Network.enable", json!({}));
    page.dev_tools(
        "Network.setBlockedURLs",
        json!({ "urls": ["*/views/holds.js", "*/health"] }),
    );
    page.press("Open holds");
    page.see("This view did not come");
    page.dev_tools("Network.setBlockedURLs", json!({ "urls": [] }));
    page.press("Try again");
    // The key was kept in memory alone.
    page.see("A management key opens the administration.");
    page.fill("Key", &page.api().key);
    page.press("Sign in");
    page.see("No open hold");
}

#[test]
fn a_list_that_ends_before_the_page_that_was_asked_for_says_so() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Team" }));
    page.open("/profiles?offset=50");
    page.see("The list ends before this page");
    page.press("To the first page");
    page.see("1–1 of 1");
}

#[test]
fn what_is_wrong_with_a_field_that_is_hidden_is_said_at_that_field() {
    let page = Page::signed_in();
    page.open("/profiles/new");
    page.fill("Name", "Team");
    page.fill("Provider", "openai");
    page.toggle("All models", 0);
    // A comma separates models, but not the pieces of an expression.
    page.fill("Blocked models", "a,b,");
    page.fill("Allowed models", "regex:x{1,2}(\n");
    page.toggle("All models", 0);
    page.until(
        "the models to be hidden",
        "!tests.field('Allowed models', 0)",
        &[],
    );
    page.press("Create profile");
    page.until(
        "the models to be marked",
        "tests.field('Allowed models', 0).getAttribute('aria-invalid') === 'true'",
        &[],
    );
    page.press("Remove regex:x{1,2}(");
    page.press("Create profile");
    page.see("Created Team.");
    let made = page.api().get("/api/access-profiles/1").expect(200).json();
    let line = &made["access_profile"]["provider_configs"][0];
    assert_eq!(line["blacklisted_models"], json!(["a", "b"]));
}

#[test]
fn the_result_of_the_check_of_the_audit_log_stays() {
    let page = Page::signed_in();
    page.open("/audit");
    page.press("Check the chain");
    page.until(
        "the result in the page itself",
        "document.querySelector('main .finding').innerText.startsWith('Intact: ')",
        &[],
    );
}
