//! Pushing a changed template to the copies.

use serde_json::{Value, json};

use crate::page::Page;
use crate::people::assigned;

/// Three holders, of whom the first has used more than the template allows by now.
fn three_holders(page: &Page) {
    assigned(page);
    let api = page.api();
    for name in ["Grace", "Barbara"] {
        let user = json!({ "name": name, "email": format!("{name}@example.org") });
        let made = api.post("/api/users", &user).expect(200).json();
        let path = format!(
            "/api/users/{}/access-profiles",
            made["user"]["id"].as_str().unwrap()
        );
        api.post(&path, &json!({ "access_profile_id": 1 }))
            .expect(201);
    }
    let key = api
        .post("/api/users/1/virtual-keys", &json!({ "name": "used" }))
        .expect(200)
        .json();
    let used = json!({ "virtual_key": key["virtual_key"]["value"], "provider": "openai", "model": "gpt-5", "tokens": 10,
        "cost": 8.5, "request_id": "one" });
    api.post("/v1/usage", &used).expect(201);
    change_template(page);
}

fn change_template(page: &Page) {
    let change = json!({ "budgets": [{ "max_limit": 3 }] });
    page.api()
        .put("/api/access-profiles/1", &change)
        .expect(200);
}

/// What the copy of a user allows.
fn limit(page: &Page, user: u32) -> Value {
    let copies = page
        .api()
        .get(&format!("/api/users/{user}/access-profiles"))
        .expect(200)
        .json();
    copies["access_profiles"][0]["budgets"][0]["max_limit"].clone()
}

#[track_caller]
fn nothing_can_be_propagated(page: &Page) {
    page.until(
        "the button to be off and to promise nothing",
        "(button => button.disabled && button.textContent === 'Propagate')(document.querySelector('dialog .primary'))",
        &[],
    );
}

#[test]
fn a_propagation_is_tried_out_before_it_is_done() {
    let page = Page::signed_in();
    assigned(&page);
    change_template(&page);
    page.open("/profiles/1");
    page.press("Propagate");
    page.press("Dry run");
    page.see("1 user would change, 0 have it already.");
    page.see("Ada");
    assert_eq!(limit(&page, 1), json!(10));
    page.press("Propagate to 1 user");
    page.see("Propagated to 1 user.");
    assert_eq!(limit(&page, 1), json!(3));
    page.press("Propagate");
    page.press("Dry run");
    page.see("0 users would change, 1 have it already.");
    page.nothing_went_wrong();
}

#[test]
fn whoever_would_be_over_a_limit_at_once_is_named_before() {
    let page = Page::signed_in();
    three_holders(&page);
    page.open("/profiles/1");
    page.press("Propagate");
    page.press("Dry run");
    page.see("3 users would change");
    page.see("1 user over a limit at once");
    page.see("budget per month: $8.50 of $3");
    page.nothing_went_wrong();
}

#[test]
fn only_the_users_that_were_named_and_tried_out_are_changed() {
    let page = Page::signed_in();
    three_holders(&page);
    page.open("/profiles/1");
    page.press("Propagate");
    page.choose("Who", 0, "Some users");
    // Nobody named is not everybody.
    page.press("Dry run");
    page.see("name at least one");
    nothing_can_be_propagated(&page);
    // Whoever is taken back is no longer what was tried out, however they are taken back.
    page.fill("Users", "2,");
    page.press("Dry run");
    page.see("1 user would change");
    page.press("Remove 2");
    nothing_can_be_propagated(&page);
    page.fill("Users", "2,");
    page.press("Dry run");
    page.see("1 user would change");
    page.run("tests.field('Users', 0).focus()", vec![]);
    page.keys("\u{e003}");
    nothing_can_be_propagated(&page);
    page.press("Dry run");
    page.see("name at least one");
    // They can be named as people call them.
    page.fill("Users", "nobody,");
    page.press("Dry run");
    page.see("no user is called nobody");
    page.press("Remove nobody");
    page.fill("Users", "barbara@example.org,");
    page.press("Dry run");
    page.see("1 user would change");
    page.press("Propagate to 1 user");
    page.see("Propagated to 1 user.");
    assert_eq!(
        [limit(&page, 1), limit(&page, 2), limit(&page, 3)],
        [json!(10), json!(10), json!(3)]
    );
    page.nothing_went_wrong();
}

#[test]
fn what_changes_and_which_overrides_are_lost_is_shown_before() {
    let page = Page::signed_in();
    three_holders(&page);
    let api = page.api();
    let copies = api.get("/api/users/1/access-profiles").expect(200).json();
    let budget = copies["access_profiles"][0]["budgets"][0]["id"]
        .as_str()
        .unwrap();
    let path = format!("/api/users/1/access-profiles/1/budgets/{budget}/override");
    api.put(&path, &json!({ "amount": 5, "mode": "forever" }))
        .expect(200);
    let change = json!({
        "budgets": [{ "max_limit": 7, "reset_duration": "1d" }],
        "rate_limit": { "request_max_limit": 40, "request_reset_duration": "1h" }
    });
    api.put("/api/access-profiles/1", &change).expect(200);
    page.open("/profiles/1");
    page.press("Propagate");
    page.press("Dry run");
    page.see("What changes, for 3 users");
    page.see("rate limit › request max limit");
    page.see("$7");
    page.see("1 user losing an override");
    page.see(&format!("that of the budget {budget}"));
    page.picture("propagation-changes");
    page.nothing_went_wrong();
}
