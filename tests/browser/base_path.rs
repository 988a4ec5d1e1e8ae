//! The page below a path of another site: everything that it loads and calls lies there, and so does what it gives people to copy.

use serde_json::json;

use crate::page::Page;

const BASE: &str = "/tollkeeper";

/// The paths of all that was loaded and called since the page was opened.
fn loaded(page: &Page) -> Vec<String> {
    let script = "return performance.getEntriesByType('resource').map((one) => new URL(one.name))
                    .filter((one) => one.origin === location.origin).map((one) => one.pathname)";
    let paths = page.run(script, vec![]);
    serde_json::from_value(paths).unwrap()
}

#[track_caller]
fn expect_all_below(page: &Page, at_least: usize) {
    let paths = loaded(page);
    let below = format!("{BASE}/");
    assert!(
        paths.iter().all(|path| path.starts_with(&below)),
        "{paths:?}"
    );
    assert!(paths.len() >= at_least, "{paths:?}");
}

#[test]
fn the_page_works_below_a_path_from_the_link_that_signs_in_to_the_lines_for_clients() {
    let page = Page::start_below(BASE);
    page.api()
        .create_profile(&json!({ "name": "seen below the path" }));
    // Without the slash, as people type it.
    page.go_to(&format!("{}{BASE}", page.origin()));
    page.see("Sign in");
    let link = page.link();
    assert!(link.starts_with(&format!("{}{BASE}/#code=", page.origin())));
    page.go_to("about:blank");
    page.go_to(&link);
    page.see("Nobody is near a limit");
    for (place, seen) in [
        ("/profiles", "seen below the path"),
        ("/users", "No user yet"),
        ("/keys", "initial"),
        ("/usage", "Usage"),
        ("/connect", "Connect a client"),
    ] {
        page.open(place);
        page.see(seen);
    }
    let lines = page.run("return document.querySelector('main').textContent", vec![]);
    let address = format!("{}{BASE}/v1", page.origin());
    assert!(lines.as_str().unwrap().contains(&address), "{lines}");
    expect_all_below(&page, 30);
    page.press("API reference");
    page.until("the operations", "document.querySelector('.opblock')", &[]);
    let shown = page.run("return location.pathname", vec![]);
    assert_eq!(shown, json!(format!("{BASE}/docs")));
    let server =
        "document.querySelector('.servers select, .servers').textContent.includes(arguments[0])";
    page.until("the server of the document", server, &[json!(BASE)]);
    expect_all_below(&page, 4);
}
