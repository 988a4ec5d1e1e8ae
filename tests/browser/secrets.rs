//! Secrets: shown once, copied on plain http too, and gone afterwards.

use serde_json::json;

use crate::page::Page;

#[test]
fn a_management_key_is_made_shown_once_copied_and_revoked() {
    let page = Page::signed_in();
    page.open("/keys");
    page.press("New key");
    page.fill("Name", "reporting");
    page.toggle("AccessProfiles:View", 0);
    page.press("Make the key");
    page.see("This is the only time it is shown.");
    // Escape must not lose it, not even twice.
    page.keys("\u{e00c}");
    page.keys("\u{e00c}");
    page.see("This is the only time it is shown.");
    // Nor must going back.
    page.back();
    page.see("This is the only time it is shown.");
    let secret = page.run(
        "return document.querySelector('.secret-value').textContent",
        vec![],
    );
    let secret = secret.as_str().unwrap().to_owned();
    let granted = page.api().with_key(&secret).get("/api/session").expect(200);
    assert_eq!(
        granted.json()["api_key"]["scope_names"],
        json!(["AccessProfiles:View"])
    );

    // A plain-http host that is not this machine has no clipboard to write to.
    page.run(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });
         addEventListener('copy', () => { window.copied = String(getSelection()); });",
        vec![],
    );
    page.press("Copy");
    page.until(
        "the secret to be copied",
        "window.copied === arguments[0]",
        &[json!(secret)],
    );
    page.press("Use it with curl");
    page.see(&format!("KEY='{secret}'"));
    page.press("I stored it");
    page.open("/keys");
    page.see("reporting");
    let text = page.run("return document.documentElement.outerHTML", vec![]);
    assert!(!text.as_str().unwrap().contains(&secret));

    page.press_in_row("reporting", "Revoke");
    page.press("Revoke");
    page.see("Revoked reporting.");
    page.api().with_key(&secret).get("/api/session").expect(401);
    page.nothing_went_wrong();
}

#[test]
fn a_rotated_key_shows_its_new_secret_and_says_how_long_the_old_one_works() {
    let page = Page::signed_in();
    page.api().make_key("gateway", &["Decisions:Create"]);
    page.open("/keys");
    page.press_in_row("gateway", "Rotate");
    page.press("Rotate");
    page.see("The new secret");
    page.press("I stored it");
    page.see("old secret until");
    page.nothing_went_wrong();
}

#[test]
fn whoever_revokes_the_key_they_are_signed_in_with_is_told_so() {
    let page = Page::start();
    let (_, own) = page
        .api()
        .make_key("own", &["APIKeys:View", "APIKeys:Delete"]);
    page.sign_in(&own.key);
    page.press_in_row("own", "Revoke");
    page.see("You are signed in with this key");
    page.press("Revoke");
    page.see("The server no longer takes this key.");
    page.nothing_went_wrong();
}
