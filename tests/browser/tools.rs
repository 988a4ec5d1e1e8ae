//! MCP tool groups.

use serde_json::json;

use crate::page::Page;

#[test]
fn tool_groups_are_made_and_granted() {
    let page = Page::signed_in();
    page.open("/tool-groups");
    page.press("New tool group");
    page.fill("Name", "Tracker");
    page.press("Add server");
    page.fill("Server", "jira");
    page.fill("Tools", "search,get_issue,");
    page.press("Create tool group");
    page.see("jira: search, get_issue");
    page.open("/profiles/new");
    page.fill("Name", "With tools");
    page.fill("Provider", "openai");
    page.press("Add tool group");
    page.choose("Tool group", 0, "Tracker");
    page.press("Create profile");
    page.see("Created With tools.");
    let made = page.api().get("/api/access-profiles/1").expect(200).json();
    assert_eq!(
        made["access_profile"]["mcp_tool_groups"],
        json!([{ "tool_group_id": 1 }])
    );
    page.open("/tool-groups");
    page.press("Delete");
    page.see("1 profile name it.");
    page.press("Delete");
    page.see("Deleted Tracker.");
    page.nothing_went_wrong();
}
