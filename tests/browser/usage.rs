//! What is seen of all calls together.

use serde_json::json;

use crate::page::Page;
use crate::support::Client;
use crate::traffic::{holder, traffic};

#[test]
fn usage_shows_what_was_called_and_who_is_near_a_limit() {
    let page = Page::signed_in();
    let key = holder(page.api());
    traffic(page.api(), &key);
    page.open("/usage");
    page.see("$8.50");
    page.see("model blocked");
    page.see("85 %");
    page.see("Ada");
    page.press("The same as a table");
    page.see("1,200");
    page.press("Models");
    page.see("gpt-5");
    page.press("Profiles");
    page.see("Team");
    page.open("/profiles/1/holders");
    page.see("$8.50 of $10");
    page.nothing_went_wrong();
}

/// Seven users who each paid for calls of a model of their own, the last most.
fn seven_users(api: &Client) {
    api.create_profile(&json!({
        "name": "Team",
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
        "budgets": [{ "max_limit": 1 }]
    }));
    for number in 1..=7 {
        let user =
            json!({ "name": format!("User {number}"), "email": format!("u{number}@example.org") });
        api.post("/api/users", &user).expect(200);
        let path = format!("/api/users/{number}/access-profiles");
        let body = json!({ "access_profile_id": 1 });
        let key = api.post(&path, &body).expect(201).json();
        let call = json!({ "virtual_key": key["virtual_key"]["value"], "provider": "openai", "model": format!("model-{number}"),
            "tokens": 100, "cost": number, "request_id": format!("call-{number}") });
        api.post("/v1/usage", &call).expect(201);
    }
}

/// What the highest column of a chart is made of, in words.
fn column(page: &Page, chart: &str) -> String {
    let found = page.until(
        chart,
        "[...[...document.querySelectorAll('.charts-pairs figure')].find((one) => one.querySelector('figcaption').textContent === arguments[0])
            .querySelectorAll('.chart-column title')].map((title) => title.textContent).find((text) => text.includes(', '))",
        &[json!(chart)],
    );
    let text = found.as_str().unwrap();
    text.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn usage_over_time_is_drawn_by_user_profile_provider_and_model() {
    let page = Page::signed_in();
    seven_users(page.api());
    page.open("/usage");
    page.see("all others");
    assert_eq!(
        column(&page, "Cost"),
        "User 7 $7.00, User 6 $6.00, User 5 $5.00, User 4 $4.00, User 3 $3.00, all others $3.00"
    );
    assert_eq!(
        column(&page, "Calls"),
        "User 7 1, User 6 1, User 5 1, User 4 1, User 3 1, all others 2"
    );
    page.press("These charts as a table");
    page.see("Whose");
    page.press("Models");
    page.see("model-7");
    assert!(
        column(&page, "Cost").starts_with("model-7 $7.00, model-6 $6.00"),
        "{}",
        column(&page, "Cost")
    );
    for dimension in ["Profiles", "Providers"] {
        page.press(dimension);
        page.settled();
        page.gone("all others");
        page.until(
            "one column of one colour in each chart with something in it",
            "document.querySelectorAll('.charts-pairs .chart-1').length === 3",
            &[],
        );
    }
    // The axis shows all of its labels.
    page.until(
        "dollars at the axis",
        "[...document.querySelectorAll('.chart-label')].some((label) => label.textContent === '$50')",
        &[],
    );
    page.nothing_went_wrong();
}

#[test]
fn usage_is_filtered_by_what_people_are_called_and_a_filter_that_fits_nobody_says_so() {
    let page = Page::signed_in();
    seven_users(page.api());
    page.open("/usage");
    page.fill("User", "nobody");
    page.press("Show");
    page.see("no user is called nobody");
    page.fill("User", "User");
    page.press("Show");
    page.see("more than one user fits User");
    page.fill("User", "u3@");
    page.fill("Profile", "team");
    page.press("Show");
    page.until(
        "the filter in the address",
        "location.hash.includes('user_id=3') && location.hash.includes('access_profile_id=1')",
        &[],
    );
    page.until(
        "the name in the field",
        "tests.field('User', 0).value === 'u3@example.org' && tests.field('Profile', 0).value === 'Team'",
        &[],
    );
    page.press("Models");
    page.see("model-3");
    page.gone("model-4");
    // What was typed into the address is refused by the server, at its field.
    page.open("/usage?user_id=ada");
    page.see("must be a whole number");
    page.until(
        "the field to be marked",
        "tests.field('User', 0).getAttribute('aria-invalid') === 'true'",
        &[],
    );
    page.fill("User", "7");
    page.press("Show");
    page.see("$7.00");
    // Lists are filtered in the same way, and show names.
    page.open("/virtual-keys");
    page.see("1–7 of 7");
    page.see("User 5");
    page.fill("User", "u5@example.org\n");
    page.see("1–1 of 1");
    page.nothing_went_wrong();
}

#[test]
fn everything_near_a_limit_can_be_seen() {
    let page = Page::signed_in();
    seven_users(page.api());
    page.open("/usage");
    page.see("The fullest 6 of 7, whatever the filter.");
    page.press("Show more");
    page.see("The fullest 7 of 7, whatever the filter.");
    page.gone("Show more");
}
