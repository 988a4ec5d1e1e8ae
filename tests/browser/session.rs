//! Signing in and out.

use serde_json::json;

use crate::page::Page;

fn remains(page: &Page) -> String {
    let script = "return JSON.stringify([location.href, document.documentElement.outerHTML, {...sessionStorage}, \
                  {...localStorage}, document.cookie, history.state])";
    page.run(script, vec![]).as_str().unwrap().to_owned()
}

#[test]
fn the_link_of_the_first_start_signs_in_and_leaves_no_key_in_the_address() {
    let page = Page::start();
    let key = page.api().key.clone();
    page.go_to(&format!("{}/#key={key}", page.origin()));
    page.see("Access profiles");
    assert!(!page.address().contains("key="), "{}", page.address());
    assert!(!remains(&page).contains(&key));
    // Back leads to what was before, not to the link.
    page.back();
    assert!(!page.address().contains("key="), "{}", page.address());
}

#[test]
fn signing_out_leaves_nothing_behind() {
    let page = Page::start();
    let key = page.api().key.clone();
    page.api()
        .create_profile(&json!({ "name": "confidential" }));
    page.go_to(&page.origin());
    page.fill("Key", &key);
    page.toggle("Keep me signed in until this tab is closed", 0);
    page.press("Sign in");
    page.see("confidential");
    page.reload();
    page.see("confidential");
    assert!(remains(&page).contains(&key));
    page.press("Sign out");
    page.see("A management key opens the administration.");
    page.until(
        "the field of the key to have the focus",
        "document.activeElement.id === 'key'",
        &[],
    );
    let left = remains(&page);
    assert!(
        !left.contains(&key) && !left.contains("confidential"),
        "{left}"
    );
    page.reload();
    page.see("A management key opens the administration.");
    page.nothing_went_wrong();
}

#[test]
fn a_key_is_not_kept_unless_that_was_asked_for() {
    let page = Page::start();
    page.go_to(&page.origin());
    page.fill("Key", &page.api().key.clone());
    page.press("Sign in");
    page.see("No access profile yet");
    page.reload();
    page.see("A management key opens the administration.");
}

#[test]
fn a_wrong_key_and_a_revoked_one_are_told_what_the_server_says() {
    let page = Page::start();
    page.go_to(&page.origin());
    page.fill("Key", "tk_mgmt_nonsense");
    page.press("Sign in");
    page.see("The bearer token is no Tollkeeper key");
    let (id, doomed) = page.api().make_key("doomed", &["AccessProfiles:View"]);
    page.fill("Key", &doomed.key);
    page.press("Sign in");
    page.see("No access profile yet");
    page.api()
        .delete(&format!("/api/api-keys/{id}"))
        .expect(200);
    page.open("/audit");
    page.see("The server no longer takes this key.");
}

#[test]
fn without_a_server_the_page_says_so_and_goes_on_when_it_is_back() {
    let page = Page::signed_in();
    page.open("/keys");
    page.offline(true);
    page.press("Management keys");
    page.see("The server does not answer.");
    page.picture("offline-1280-light");
    page.offline(false);
    page.press("Try again");
    page.see("1–1 of 1");
}
