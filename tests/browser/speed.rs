//! What makes the page quick, counted instead of timed: what it loads, and what it asks for.

use serde_json::{Value, json};

use crate::page::Page;

/// Most bytes of what is loaded before somebody can sign in.
const FIRST_LOAD: u64 = 100_000;

fn loaded(page: &Page) -> Vec<Value> {
    let script = "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
                    .map(({ name, decodedBodySize, initiatorType }) => ({ name, size: decodedBodySize, by: initiatorType }))";
    page.run(script, vec![]).as_array().unwrap().clone()
}

#[test]
fn the_first_load_is_small_and_comes_from_here() {
    let page = Page::start();
    page.go_to(&page.origin());
    page.see("A management key opens the administration.");
    let all = loaded(&page);
    let origin = page.origin();
    assert!(
        all.iter()
            .all(|one| one["name"].as_str().unwrap().starts_with(&origin)),
        "{all:#?}"
    );
    let size: u64 = all.iter().map(|one| one["size"].as_u64().unwrap()).sum();
    assert!(size < FIRST_LOAD && size > 10_000, "{size} bytes: {all:#?}");
    // Everything is named by the page itself, so nothing waits for the answer to something else.
    let html = page.api().get("/").expect(200).text;
    for one in &all {
        let path = one["name"].as_str().unwrap().trim_start_matches(&origin);
        let named = path.trim_start_matches('/');
        assert!(
            path == "/" || html.contains(&format!("\"{named}\"")),
            "{path} is found late"
        );
    }
}

#[test]
fn a_list_asks_for_one_page_however_much_there_is() {
    let page = Page::signed_in();
    page.open("/profiles");
    page.see("No access profile yet");
    let asked = |total: usize| {
        page.run("performance.clearResourceTimings()", vec![]);
        page.open("/profiles");
        page.see(&format!("of {total}"));
        page.settled();
        let calls = loaded(&page);
        let size: u64 = calls
            .iter()
            .filter(|one| one["by"] == "fetch")
            .map(|one| one["size"].as_u64().unwrap())
            .sum();
        let count = calls.iter().filter(|one| one["by"] == "fetch").count();
        (count, size / 1_000)
    };
    let make = |from: usize, to: usize| {
        for number in from..to {
            page.api()
                .create_profile(&json!({ "name": format!("profile {number:06}") }));
        }
    };
    make(0, 30);
    let few = asked(30);
    make(30, 600);
    assert_eq!(asked(600), few);
}
