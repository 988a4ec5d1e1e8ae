//! The life of an access profile in the page.

use serde_json::{Value, json};

use crate::page::Page;

/// Fills the form of a new profile with two providers, stacked budgets, limits and an MCP override.
fn fill_whole_form(page: &Page) {
    page.press("New profile");
    page.fill("Name", "Engineering");
    page.fill("Description", "What engineers may use");
    page.fill("Tags", "team,2026,");
    page.fill("Provider", "openai");
    page.toggle("All models", 0);
    page.fill("Allowed models", "gpt-5*\n");
    page.fill("Blocked models", "gpt-5-pro\n");
    page.press_nth("Add budget", 0);
    page.fill_nth("Dollars", 0, "20");
    page.fill_nth("Reset every: number", 0, "1");
    page.choose("Reset every: unit", 0, "days");
    page.press("Add provider");
    page.fill_nth("Provider", 1, "anthropic");
    page.toggle("All models", 1);
    // The third list of budgets is the profile's own.
    page.press_nth("Add budget", 2);
    page.fill_nth("Dollars", 1, "400");
    page.press_nth("Add budget", 2);
    page.fill_nth("Dollars", 2, "0.30");
    page.choose("Reset every: unit", 2, "hours");
    page.fill_nth("Requests", 2, "600");
    page.fill_nth("Tokens", 2, "2000000");
    page.choose("Reset tokens every: unit", 2, "days");
    page.press("Add tool");
    page.fill("Server", "github");
    page.fill("Tool", "delete_repository");
    page.choose("Action", 0, "exclude");
    page.fill("Rotate the holders' keys every", "30d");
}

fn stored(page: &Page, id: i64) -> Value {
    let path = format!("/api/access-profiles/{id}");
    page.api().get(&path).expect(200).json()["access_profile"].clone()
}

#[test]
fn a_profile_with_everything_is_made_and_found_again() {
    let page = Page::signed_in();
    page.open("/profiles");
    page.see("No access profile yet");
    fill_whole_form(&page);
    page.press("Create profile");
    page.see("Created Engineering.");
    page.see("anthropic");
    let profile = stored(&page, 1);
    assert_eq!(profile["tags"], json!(["team", "2026"]));
    let line = &profile["provider_configs"][0];
    assert_eq!(line["allowed_models"], json!(["gpt-5*"]));
    assert_eq!(line["blacklisted_models"], json!(["gpt-5-pro"]));
    assert_eq!(line["budgets"][0]["reset_duration"], "1d");
    assert_eq!(profile["provider_configs"][1]["all_models_allowed"], true);
    assert_eq!(profile["budgets"][1]["max_limit"], json!(0.3));
    assert_eq!(profile["rate_limit"]["token_reset_duration"], "1d");
    assert_eq!(profile["mcp_tool_overrides"][0]["action"], "exclude");
    assert_eq!(
        profile["auto_rotation_interval"],
        json!(2_592_000_000_000_000_i64)
    );

    page.press("Access profiles");
    page.see("1–1 of 1");
    page.press("Engineering");
    page.see("delete_repository");
    page.nothing_went_wrong();
}

#[test]
fn a_prepaid_budget_is_chosen_and_shown_without_an_end() {
    let page = Page::signed_in();
    page.open("/profiles/new");
    page.fill("Name", "Prepaid");
    page.fill("Provider", "openai");
    page.toggle("All models", 0);
    page.press_nth("Add budget", 1);
    page.fill("Dollars", "25");
    page.choose("Reset every: unit", 0, "never (prepaid)");
    page.press("Create profile");
    page.see("Created Prepaid.");
    page.see("Prepaid budget");
    let budget = &stored(&page, 1)["budgets"][0];
    assert_eq!(budget["reset_duration"], "never");
    let ada = json!({ "name": "Ada", "email": "ada@example.org" });
    page.api().post("/api/users", &ada).expect(200);
    let held = json!({ "access_profile_id": 1 });
    page.api()
        .post("/api/users/1/access-profiles", &held)
        .expect(201);
    page.open("/users/1");
    page.see("never resets");
    // There are no windows to count, so it is raised for good.
    page.press("Raise");
    page.fill("Dollars to add", "5");
    page.press("Raise the limit");
    page.see("The limit is now $30.");
    page.open("/profiles/1");
    page.press("Edit");
    page.fill("Dollars", "40");
    page.press("Save");
    page.see("Saved as version 2.");
    page.see("$40");
    let budget = &stored(&page, 1)["budgets"][0];
    assert_eq!(
        (&budget["reset_duration"], &budget["max_limit"]),
        (&json!("never"), &json!(40))
    );
    page.nothing_went_wrong();
}

#[test]
fn what_is_wrong_is_said_at_its_field_by_the_page_and_by_the_server() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Taken" }));
    page.open("/profiles/new");
    page.fill("Provider", "openai");
    page.toggle("All models", 0);
    page.press_nth("Add budget", 0);
    page.fill("Dollars", "plenty");
    page.press("Create profile");
    page.see("2 things are not right:");
    page.until(
        "the name to be marked",
        "tests.field('Name', 0).getAttribute('aria-invalid') === 'true' && document.activeElement === tests.field('Name', 0)",
        &[],
    );
    page.see("expected an amount of US dollars");
    // What only the server knows: an expression that does not compile, a name that is taken.
    page.fill("Name", "Taken");
    page.fill("Dollars", "5");
    page.fill("Allowed models", "regex:(\n");
    page.press("Create profile");
    page.until(
        "the models to be marked",
        "tests.field('Allowed models', 0).getAttribute('aria-invalid') === 'true'",
        &[],
    );
    page.press("Remove regex:(");
    page.press("Create profile");
    page.see("One thing is not right:");
    page.until(
        "the name to be marked",
        "tests.field('Name', 0).getAttribute('aria-invalid') === 'true'",
        &[],
    );
    page.nothing_went_wrong();
}

#[test]
fn an_edit_survives_going_away_and_another_tab_is_noticed() {
    let page = Page::signed_in();
    page.api().create_profile(
        &json!({ "name": "Shared", "description": "first", "budgets": [{ "max_limit": 10 }] }),
    );
    page.open("/profiles/1");
    page.press("Edit");
    page.see("version 1");
    page.fill("Description", "mine");
    page.fill("Dollars", "25");

    // Somebody else saves meanwhile, in a tab of their own.
    let mine = page.new_tab();
    page.prepare_new_tab();
    page.sign_in(&page.api().key.clone());
    page.open("/profiles/1/edit");
    page.fill("Description", "theirs");
    page.press("Save");
    page.see("Saved as version 2.");

    page.switch_to(&mine);
    page.press("Save");
    page.see("Somebody else saved this profile");
    page.see("theirs");
    page.see("$25");
    page.picture("clash-1280-light");
    assert_eq!(stored(&page, 1)["description"], "theirs");
    page.press("Keep editing");
    page.until(
        "the edit to be still there",
        "tests.field('Description', 0).value === 'mine'",
        &[],
    );
    page.press("Save");
    page.press("Save mine over it");
    page.see("Saved as version 3.");
    assert_eq!(stored(&page, 1)["description"], "mine");
    assert_eq!(stored(&page, 1)["budgets"][0]["max_limit"], json!(25));
    page.nothing_went_wrong();
}

#[test]
fn a_clash_can_be_given_up_for_what_the_other_saved() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Shared" }));
    page.open("/profiles/1/edit");
    page.fill("Description", "mine");
    page.api()
        .put(
            "/api/access-profiles/1",
            &json!({ "description": "theirs" }),
        )
        .expect(200);
    page.press("Save");
    page.press("Take theirs");
    page.see("Your edit was dropped");
    assert_eq!(stored(&page, 1)["version"], 2);
}

#[test]
fn versions_are_compared_and_restored() {
    let page = Page::signed_in();
    let api = page.api();
    api.create_profile(&json!({ "name": "Team", "budgets": [{ "max_limit": 10 }] }));
    let change = json!({ "budgets": [{ "max_limit": 99 }], "tags": ["new"] });
    api.put("/api/access-profiles/1", &change).expect(200);
    page.open("/profiles/1/versions");
    page.press_in_row("current", "Compare");
    page.see("budgets › per month › max limit");
    page.see("$99");
    page.press("As JSON Patch");
    page.see("replace");
    page.press("Close");
    page.press("Restore");
    page.see("What changes");
    page.press("Restore");
    page.see("Restored as version 3.");
    assert_eq!(stored(&page, 1)["budgets"][0]["max_limit"], json!(10));
    page.open("/profiles/1/audit");
    page.see("access_profile.restore");
    // A name may have been another key's before.
    page.see(&format!("tk_mgmt_{}_…", &page.api().key[8..20]));
    page.press_in_row("update", "Details");
    page.see("$99");
    page.press("Close");
    page.nothing_went_wrong();
}

#[test]
fn a_profile_is_duplicated_deactivated_and_deleted_by_typing_its_name() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Team" }));
    page.open("/profiles/1");
    page.press("More");
    page.press("Duplicate");
    page.fill("Name", "Team B");
    page.press("Duplicate");
    page.see("Created Team B.");
    page.press("More");
    page.press("Deactivate");
    page.press("Deactivate");
    page.see("inactive");
    assert_eq!(stored(&page, 2)["is_active"], false);
    page.press("More");
    page.press("Delete");
    page.fill("Type Team B to confirm", "Team");
    page.until(
        "the button to be off",
        "[...document.querySelectorAll('dialog button')].at(-1).disabled",
        &[],
    );
    page.fill("Type Team B to confirm", "Team B");
    page.press("Delete");
    page.see("Deleted Team B.");
    page.see("1–1 of 1");
    page.api().get("/api/access-profiles/2").expect(404);
    page.nothing_went_wrong();
}

#[test]
fn the_state_of_the_list_stands_in_the_address() {
    let page = Page::signed_in();
    for number in 1..=60 {
        let body =
            json!({ "name": format!("team {number:02}"), "tags": ["x"], "is_active": number != 7 });
        page.api().create_profile(&body);
    }
    page.open("/profiles");
    page.see("1–25 of 60");
    page.press("Next");
    page.see("26–50 of 60");
    page.press("Name");
    page.press("Name");
    page.see("1–25 of 60");
    page.until(
        "the last name first",
        "document.querySelector('tbody tr').innerText.includes('team 60')",
        &[],
    );
    page.choose("State", 0, "Inactive");
    page.see("1–1 of 1");
    page.see("team 07");
    assert!(
        page.address().ends_with("is_active=false"),
        "{}",
        page.address()
    );
    page.back();
    page.see("1–25 of 60");
    page.keys("/");
    page.keys("team 1");
    page.see("1–10 of 10");
    page.fill("Tags", "x,nope\n");
    page.see("Nothing fits");
    let address = page.address();
    assert!(
        address.contains("search=team+1") && address.contains("sort=-name"),
        "{address}"
    );
    page.nothing_went_wrong();
}
