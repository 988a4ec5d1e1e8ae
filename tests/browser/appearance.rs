//! Colours, motion, and where the focus is.

use serde_json::json;

use crate::page::Page;

fn ground(page: &Page) -> String {
    let script = "return getComputedStyle(document.body).backgroundColor";
    page.run(script, vec![]).as_str().unwrap().to_owned()
}

#[test]
fn colours_follow_the_system_or_the_switch() {
    let page = Page::signed_in();
    page.prefer("light");
    let light = ground(&page);
    page.prefer("dark");
    let dark = ground(&page);
    assert_ne!(light, dark);
    page.press("Auto: colours");
    assert_eq!(ground(&page), light);
    page.press("Light: colours");
    page.prefer("light");
    assert_eq!(ground(&page), dark);
    // It holds from the first paint of the next time.
    page.reload();
    page.see("A management key opens the administration.");
    assert_eq!(ground(&page), dark);
    page.press("Dark: colours");
    assert_eq!(ground(&page), light);
    page.nothing_went_wrong();
}

#[test]
fn whoever_wants_no_motion_gets_none() {
    let page = Page::signed_in();
    let moving = "[...document.querySelectorAll('*')].filter((one) => { const style = getComputedStyle(one); \
                  return style.animationIterationCount === 'infinite' || parseFloat(style.transitionDuration) > 0; }).length";
    page.resize(360, 780);
    page.until("something that moves", &format!("({moving}) > 0"), &[]);
    page.prefer("light");
    page.until("nothing that moves", &format!("({moving}) === 0"), &[]);
}

#[test]
fn what_has_the_focus_is_seen_to_have_it() {
    let page = Page::signed_in();
    page.api()
        .create_profile(&json!({ "name": "Team", "tags": ["x"] }));
    for place in ["/profiles", "/profiles/1/edit", "/keys", "/usage"] {
        page.open(place);
        page.settled();
        for _ in 0..40 {
            page.keys("\u{e004}");
            let plain = page.run(
                "const focused = document.activeElement;
                 const frame = focused.closest('.tokens') ?? focused;
                 return focused === document.body || getComputedStyle(frame).outlineStyle !== 'none' ? null : focused.outerHTML.slice(0, 200)",
                vec![],
            );
            assert!(plain.is_null(), "{place}: {plain}");
        }
    }
}
