//! Going elsewhere: what is not saved is asked about, and Back leads to where one was.

use serde_json::json;

use crate::page::Page;

#[test]
fn an_edit_that_is_not_saved_is_not_left_without_a_question() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Team" }));
    page.open("/profiles/1/edit");
    page.press("Access profiles");
    page.see("1–1 of 1");
    page.open("/profiles/1/edit");
    page.fill("Description", "draft");
    page.press("Access profiles");
    page.see("Leave without saving?");
    page.press("Cancel");
    page.until(
        "the edit to be still there",
        "location.hash === '#/profiles/1/edit' && tests.field('Description', 0).value === 'draft'",
        &[],
    );
    page.press("Sign out");
    page.see("Leave without saving?");
    page.press("Cancel");
    page.back();
    page.see("Leave without saving?");
    page.press("Leave");
    page.see("1–1 of 1");
    // What is saved needs no question, nor does what was put back as it was.
    page.open("/profiles/1/edit");
    page.fill("Description", "saved");
    page.press("Save");
    page.see("Saved as version 2.");
    page.press("Edit");
    page.fill("Tags", "x,");
    page.press("Remove x");
    page.press("Access profiles");
    page.see("1–1 of 1");
    page.nothing_went_wrong();
}

#[test]
fn back_leads_to_where_the_page_was_scrolled_to() {
    let page = Page::signed_in();
    for number in 1..=60 {
        page.api()
            .create_profile(&json!({ "name": format!("team {number:02}") }));
    }
    page.open("/profiles?sort=name");
    page.see("1–25 of 60");
    page.press("Next");
    page.see("26–50 of 60");
    page.press("team 45");
    page.see("Overview");
    page.until("the top of the page", "scrollY === 0", &[]);
    page.back();
    page.see("26–50 of 60");
    page.until(
        "the same place in the list",
        "scrollY > 300 && tests.button('team 45', 0)",
        &[],
    );
}

#[test]
fn a_search_that_is_not_over_does_not_change_the_address_of_the_next_view() {
    let page = Page::signed_in();
    page.open("/profiles");
    page.see("No access profile yet");
    // The search begins when this is called instead of after a while.
    page.run(
        "globalThis.setTimeout = (search) => { globalThis.begin = search; };
         const search = document.querySelector('[data-search]');
         search.value = 'late';
         search.dispatchEvent(new Event('input'));
         tests.open('/roles');",
        vec![],
    );
    page.see("No role yet");
    page.run("begin()", vec![]);
    assert!(page.address().ends_with("#/roles"), "{}", page.address());
}

#[test]
fn the_navigation_closes_when_something_else_is_pressed() {
    let page = Page::signed_in();
    page.resize(360, 780);
    page.open("/users");
    page.press("Menu");
    page.see("Management keys");
    page.run(
        "document.getElementById('main').dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }))",
        vec![],
    );
    page.gone("Management keys");
}

#[test]
fn the_focus_comes_back_to_the_menu_that_opened_a_dialog() {
    let page = Page::signed_in();
    page.api().create_profile(&json!({ "name": "Team" }));
    page.open("/profiles/1");
    page.press("More");
    page.press("Duplicate");
    page.see("Duplicate the profile");
    page.keys("\u{e00c}");
    page.until("the focus to come back", "tests.focused() === 'More'", &[]);
}
