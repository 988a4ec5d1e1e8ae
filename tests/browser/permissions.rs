//! What a key may not do is not shown as if it could.

use serde_json::json;

use crate::page::Page;
use crate::people::assigned;

#[test]
fn a_key_that_may_only_look_sees_no_way_to_change_anything() {
    let page = Page::start();
    page.api().create_profile(&json!({ "name": "Team" }));
    let (_, viewer) = page.api().make_key("viewer", &["AccessProfiles:View"]);
    page.sign_in(&viewer.key);
    page.see("Team");
    page.gone("New profile");
    page.gone("Management keys");
    page.gone("Users");
    page.press("Team");
    page.see("Overview");
    page.gone("Edit");
    page.press("More");
    page.see("Copy as curl");
    page.gone("Duplicate");
    page.gone("Delete");
    // An address that was typed leads nowhere.
    page.open("/keys");
    page.see("There is no such page");
    page.open("/profiles/1/edit");
    page.see("There is no such page");
    page.nothing_went_wrong();
}

#[test]
fn a_key_without_permissions_is_told_so() {
    let page = Page::start();
    let (_, nothing) = page.api().make_key("nothing", &[]);
    page.sign_in(&nothing.key);
    page.see("This key may not see anything here");
}

#[test]
fn a_key_can_only_be_given_what_the_maker_holds() {
    let page = Page::start();
    let (_, maker) = page
        .api()
        .make_key("maker", &["APIKeys:View", "APIKeys:Create"]);
    page.sign_in(&maker.key);
    page.press("New key");
    page.see("Your key can give what it holds itself.");
    page.until(
        "the others to be off",
        "document.querySelector('[aria-label=\"Users:View\"]').disabled && !document.querySelector('[aria-label=\"APIKeys:View\"]').disabled",
        &[],
    );
}

#[test]
fn a_key_is_shown_no_link_that_it_may_not_follow() {
    let page = Page::start();
    assigned(&page);
    let (_, viewer) = page.api().make_key(
        "viewer",
        &["AccessProfiles:View", "VirtualKeys:View", "Decisions:View"],
    );
    page.sign_in(&viewer.key);
    for (place, text) in [
        ("/profiles/1/holders", "user 1"),
        ("/virtual-keys", "user 1"),
        ("/audit", "user 1"),
        ("/usage", "Usage"),
        ("/holds", "No open hold"),
    ] {
        page.open(place);
        page.see(text);
        page.settled();
        page.gone("Ada");
        page.gone("ada@example.org");
        let links = page.run(
            "return [...document.querySelectorAll('main a')].map((link) => link.hash).filter((hash) => /^#.(users|roles|tool-groups)/.test(hash))",
            vec![],
        );
        assert_eq!(links, json!([]), "{place}");
    }
    // Who may see users is shown who it was.
    let (_, people) = page.api().make_key(
        "people",
        &["AccessProfiles:View", "VirtualKeys:View", "Users:View"],
    );
    page.sign_in(&people.key);
    page.open("/virtual-keys");
    page.press("Ada");
    page.see("ada@example.org");
    page.nothing_went_wrong();
}
