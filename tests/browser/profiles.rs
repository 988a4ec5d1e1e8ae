//! The life of an access profile in the page.

use crate::page::Page;

#[test]
fn a_profile_with_everything_is_made_and_found_again() {
    let page = Page::signed_in();
    page.see("No access profile yet");
    page.picture("a");
    page.press("New profile");
    page.see("New access profile");
    page.picture("b");
}
