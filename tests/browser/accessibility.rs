//! What axe-core finds, on every view, light and dark.

use std::path::Path;

use serde_json::{Value, json};

use crate::page::Page;
use crate::views::{VIEWS, furnished, leave, show};

/// The checker, from npm; `.ci/run` puts it there.
const AXE: &str = "target/ci/npm/node_modules/axe-core/axe.min.js";

const RUN: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(
      ({ violations }) => done(violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes.map((node) => node.html.slice(0, 200) + ' ' + (node.any[0]?.message ?? '')) }))),
      (error) => done([{ id: String(error), impact: 'critical', at: [] }]),
    );";

fn load_checker(page: &Page) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `.ci/run` installs it", path.display());
    });
    page.dev_tools(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({ "source": source }),
    );
}

#[track_caller]
fn check(page: &Page, name: &str) {
    let found = page.run_async(RUN);
    let serious: Vec<&Value> = found
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["impact"] == "serious" || one["impact"] == "critical")
        .collect();
    assert!(serious.is_empty(), "{name}: {serious:#?}");
}

#[test]
fn no_view_has_a_serious_obstacle() {
    let (page, _) = furnished();
    load_checker(&page);
    page.go_to(&page.origin());
    check(&page, "sign-in");
    page.sign_in(&page.api().key.clone());
    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        for view in VIEWS {
            show(&page, view);
            check(&page, &format!("{} {scheme}", view.name));
            leave(&page);
        }
    }
    // Narrow and dark still holds; light again at the end.
    page.resize(360, 780);
    for scheme in ["dark", "light"] {
        page.prefer(scheme);
        for view in VIEWS {
            show(&page, view);
            check(&page, &format!("{} at 360 px, {scheme}", view.name));
            leave(&page);
        }
    }
    page.nothing_went_wrong();
}

#[test]
fn nothing_that_shows_for_a_moment_has_a_serious_obstacle() {
    let (page, key) = furnished();
    load_checker(&page);
    page.sign_in(&page.api().key.clone());
    let check_both = |name: &str| {
        for scheme in ["light", "dark"] {
            page.prefer(scheme);
            check(&page, &format!("{name} {scheme}"));
        }
    };
    page.open("/explain");
    page.fill("Virtual key or its id", &key);
    page.fill("Provider", "openai");
    page.fill("Model", "gpt-5-pro");
    page.press("Explain");
    page.see("It would be refused");
    check_both("an explanation");
    page.open("/prices");
    page.fill("Provider of the call", "openai");
    page.fill("Model of the call", "gpt-4o");
    page.press("Look up");
    page.see("What openai / gpt-4o costs");
    check_both("what a call costs");
    page.fill("Model of the call", "nobody-knows");
    page.press("Look up");
    page.see("Nobody knows");
    check_both("a call without a price");
    page.open("/roles/1");
    page.press("Edit");
    page.fill("Description", "mine");
    page.api()
        .put("/api/rbac/roles/1", &json!({ "description": "theirs" }))
        .expect(200);
    page.press("Save");
    page.see("Somebody else saved this role");
    check_both("a clash");
    page.press("Take theirs");
    page.open("/usage?user_id=ada");
    page.see("must be a whole number");
    check_both("a refused filter");
    page.open("/profiles/1/edit");
    page.fill("Description", "draft");
    page.press("Users");
    page.see("Leave without saving?");
    check_both("an edit that would be lost");
    page.press("Leave");
    page.sign_in(&key);
    page.see("Your usage");
    page.settled();
    page.press("What you may use");
    check_both("the view of a holder");
    page.open("/connect");
    page.see("The key");
    check_both("the lines of a holder");
    page.nothing_went_wrong();
}
