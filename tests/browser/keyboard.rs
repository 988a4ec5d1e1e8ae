//! Without a mouse.

use crate::page::Page;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const SPACE: &str = "\u{e00d}";

/// Presses Tab until what has the focus is called this.
#[track_caller]
fn tab_to(page: &Page, name: &str) {
    for _ in 0..120 {
        page.keys(TAB);
        if page.run("return tests.focused()", vec![]) == name {
            return;
        }
    }
    panic!("{name:?} can't be reached with Tab");
}

#[test]
fn a_profile_is_made_with_the_keyboard_alone() {
    let page = Page::signed_in();
    page.open("/profiles");
    page.see("No access profile yet");
    tab_to(&page, "New profile");
    page.keys(ENTER);
    page.see("New access profile");
    tab_to(&page, "Name");
    page.keys("By keyboard");
    tab_to(&page, "Tags");
    page.keys(&format!("one{ENTER}two{ENTER}"));
    tab_to(&page, "Provider");
    page.keys("openai");
    tab_to(&page, "Add provider");
    page.keys(ENTER);
    // The new line has the focus.
    assert_eq!(page.run("return tests.focused()", vec![]), "Provider");
    page.keys("anthropic");
    tab_to(&page, "All models");
    page.keys(SPACE);
    tab_to(&page, "Add budget");
    page.keys(ENTER);
    page.keys("12.50");
    tab_to(&page, "Create profile");
    page.keys(ENTER);
    page.see("Created By keyboard.");
    let made = page.api().get("/api/access-profiles/1").expect(200).json();
    assert_eq!(made["access_profile"]["tags"].as_array().unwrap().len(), 2);
    let lines = &made["access_profile"]["provider_configs"];
    assert_eq!(lines[0]["all_models_allowed"], true);
    let line = &lines[1];
    assert_eq!(line["all_models_allowed"], true);
    assert_eq!(line["budgets"][0]["max_limit"], 12.5);
    page.nothing_went_wrong();
}

#[test]
fn the_first_stop_leads_to_the_content_and_a_dialog_gives_the_focus_back() {
    // By a link, because whoever signs in by typing goes on from the form.
    let page = Page::start();
    page.go_to(&page.link());
    page.see("Nobody is near a limit");
    page.keys(TAB);
    assert_eq!(
        page.run("return tests.focused()", vec![]),
        "Skip to the content"
    );
    page.keys(ENTER);
    page.until(
        "the focus in the content",
        "document.activeElement.id === 'main'",
        &[],
    );
    page.open("/keys");
    page.see("1–2 of 2");
    tab_to(&page, "New key");
    page.keys(ENTER);
    page.see("New management key");
    page.keys("\u{e00c}");
    page.until(
        "the focus to come back",
        "tests.focused() === 'New key'",
        &[],
    );
}
