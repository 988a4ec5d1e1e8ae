//! Users, roles, what they hold, and their virtual keys.

use serde_json::json;

use crate::page::Page;

/// A user and a profile with one budget.
fn user_and_profile(page: &Page) {
    let api = page.api();
    let ada = json!({ "name": "Ada", "email": "ada@example.org" });
    api.post("/api/users", &ada).expect(200);
    api.create_profile(&json!({
        "name": "Team",
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
        "budgets": [{ "max_limit": 10 }]
    }));
}

pub fn assigned(page: &Page) {
    user_and_profile(page);
    let body = json!({ "access_profile_id": 1 });
    page.api()
        .post("/api/users/1/access-profiles", &body)
        .expect(201);
}

#[test]
fn a_user_is_made_and_given_a_profile_and_the_key_is_shown_once() {
    let page = Page::signed_in();
    page.api()
        .create_profile(&json!({ "name": "Team", "budgets": [{ "max_limit": 10 }] }));
    page.open("/users");
    page.press("New user");
    page.fill("Name", "Ada");
    page.fill("E-mail", "ada@nowhere@example.org");
    page.press("Create user");
    page.see("expected an e-mail address");
    page.fill("E-mail", "ada@example.org");
    page.press("Create user");
    page.see("Created Ada.");
    page.see("They hold no profile");
    page.press("Assign a profile");
    page.press("Assign");
    page.see("The new virtual key");
    let secret = page.run(
        "return document.querySelector('.secret-value').textContent",
        vec![],
    );
    let secret = secret.as_str().unwrap().to_owned();
    page.press("I stored it");
    page.see("Budget per month");
    page.see("$0 of $10");
    let text = page.run("return document.documentElement.outerHTML", vec![]);
    assert!(!text.as_str().unwrap().contains(&secret));
    page.nothing_went_wrong();
}

#[test]
fn a_role_gives_its_profile_to_its_users_who_are_then_its_holders() {
    let page = Page::signed_in();
    user_and_profile(&page);
    page.open("/roles");
    page.press("New role");
    page.fill("Name", "Engineers");
    page.press("Create role");
    page.see("Created Engineers.");
    page.open("/users/1");
    page.press("Change role");
    page.choose("Role", 0, "Engineers");
    page.press("Change role");
    page.see("Role changed.");
    page.open("/profiles/1/roles");
    page.press("Attach to a role");
    page.toggle("Give it to users who have the role now", 0);
    page.press("Attach");
    page.see("1 user got it.");
    page.press("Holders");
    page.see("ada@example.org");
    page.see("Budget per month");
    // Who would lose it is said before it is deleted.
    page.press("More");
    page.press("Delete");
    page.see("Ada (ada@example.org)");
    page.until(
        "the button to be off",
        "[...document.querySelectorAll('dialog button')].at(-1).disabled",
        &[],
    );
    page.press("its holders");
    page.see("Came by");
    // Leaving the role takes it away again.
    page.open("/users/1");
    page.press("Change role");
    page.choose("Role", 0, "None");
    page.press("Change role");
    page.see("keys gone: ");
    page.see("They hold no profile");
    page.nothing_went_wrong();
}

#[test]
fn a_budget_is_raised_for_one_user_and_the_raise_is_ended() {
    let page = Page::signed_in();
    assigned(&page);
    page.open("/users/1");
    page.press("Raise");
    page.fill("Dollars to add", "5");
    page.fill("How many windows", "2");
    page.press("Raise the limit");
    page.see("The limit is now $15.");
    page.see("+$5, 2 of 2 windows left");
    page.see("$0 of $15");
    page.press("End override");
    page.press("End it");
    page.see("$0 of $10");
    page.nothing_went_wrong();
}

#[test]
fn virtual_keys_are_made_rotated_and_revoked() {
    let page = Page::signed_in();
    assigned(&page);
    page.open("/users/1");
    page.press("New virtual key");
    page.fill("Name", "laptop");
    page.press("Make the key");
    page.see("This is the only time it is shown.");
    page.press("I stored it");
    page.press_in_row("laptop", "Rotate");
    page.press("Rotate");
    page.see("The new secret");
    page.press("I stored it");
    page.see("old secret until");
    page.press("Virtual keys");
    page.see("1–2 of 2");
    page.press_in_row("laptop", "Revoke");
    page.press("Revoke");
    page.see("Revoked laptop.");
    page.see("1–1 of 1");
    page.open("/users/1");
    page.press("Take away");
    page.press("Take away");
    page.see("keys gone: ");
    page.nothing_went_wrong();
}

#[test]
fn a_user_is_deleted_by_typing_their_name() {
    let page = Page::signed_in();
    assigned(&page);
    page.open("/users/1");
    page.press("Delete");
    page.see("They hold: Team");
    page.fill("Type Ada to confirm", "Ada");
    page.press("Delete");
    page.see("Deleted Ada;");
    page.see("No user yet");
    page.nothing_went_wrong();
}

#[test]
fn a_profile_is_assigned_to_one_of_more_users_than_are_listed() {
    let page = Page::signed_in();
    let api = page.api();
    api.create_profile(&json!({ "name": "Team", "budgets": [{ "max_limit": 10 }] }));
    for number in 0..500 {
        let user = json!({ "name": format!("Person {number:03}"), "email": format!("p{number:03}@example.org") });
        api.post("/api/users", &user).expect(200);
    }
    let zoe = json!({ "name": "Zoe", "email": "zoe@example.org" });
    api.post("/api/users", &zoe).expect(200);
    page.open("/profiles/1");
    page.press("Assign");
    page.fill("User", "person");
    page.press("Assign");
    page.see("more than one user fits person");
    page.fill("User", "zoe");
    page.press("Assign");
    page.see("The new virtual key");
    let held = api.get("/api/users/501/access-profiles").expect(200).json();
    assert_eq!(held["access_profiles"].as_array().unwrap().len(), 1);
    page.nothing_went_wrong();
}
