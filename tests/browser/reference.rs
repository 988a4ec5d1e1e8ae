//! The API reference at `/docs`: what it opens on, what it shows, and a call that is tried out with a pasted key.

use serde_json::{Value, json};

use crate::page::Page;

const OPERATION: &str = "operations-AccessProfiles-list_access_profiles";

fn click(page: &Page, selector: &str) {
    let found = "document.querySelector(arguments[0])";
    page.until(selector, found, &[json!(selector)]);
    page.run(
        "document.querySelector(arguments[0]).click()",
        vec![json!(selector)],
    );
}

#[test]
fn the_reference_opens_on_the_access_profiles_with_the_rest_closed() {
    let page = Page::start();
    page.go_to(&format!("{}/docs", page.origin()));
    page.until(
        "the access profiles",
        "document.getElementById(arguments[0])",
        &[json!(OPERATION)],
    );
    let open = page.run(
        "return [...document.querySelectorAll('.opblock-tag-section.is-open .opblock-tag')].map((one) => one.dataset.tag)",
        vec![],
    );
    assert_eq!(open, json!(["AccessProfiles"]));
    let groups = page.run(
        "return [...document.querySelectorAll('.opblock-tag')].map((one) => one.dataset.tag)",
        vec![],
    );
    assert_eq!(groups.as_array().unwrap().last(), Some(&json!("Alias")));
    page.picture("reference");
}

#[test]
fn the_reference_shows_real_answers_and_calls_with_a_pasted_key() {
    let page = Page::start();
    page.api()
        .create_profile(&json!({ "name": "shown only to keys" }));
    page.go_to(&format!("{}/docs", page.origin()));
    click(&page, &format!("#{OPERATION} .opblock-summary-control"));
    page.until(
        "the example of the answer",
        "document.getElementById(arguments[0]).querySelector('.responses-wrapper').textContent.includes('\"developers\"')",
        &[json!(OPERATION)],
    );
    click(&page, ".auth-wrapper .authorize");
    let field = "input[id='auth-bearer-value']";
    page.until(
        "the field for the key",
        "document.querySelector(arguments[0])",
        &[json!(field)],
    );
    // As a paste does it: the value, and the event that it makes.
    page.run(
        "const field = document.querySelector(arguments[0]);
         Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, arguments[1]);
         field.dispatchEvent(new Event('input', { bubbles: true }));",
        vec![json!(field), Value::String(page.api().key.clone())],
    );
    click(&page, ".auth-btn-wrapper .authorize");
    click(&page, ".auth-btn-wrapper .btn-done");
    click(&page, &format!("#{OPERATION} .try-out__btn"));
    click(&page, &format!("#{OPERATION} .execute"));
    page.until(
        "the answer of the server",
        "document.querySelector('.live-responses-table').textContent.includes('shown only to keys')",
        &[],
    );
    page.picture("reference-answer");
}
