//! Every view as a picture, wide and narrow, light and dark. People look at them; what a machine can see is checked here.

use crate::page::Page;
use crate::views::{VIEWS, furnish, leave, show};

#[test]
fn every_view_fits_its_window_in_both_widths_and_colours() {
    let page = Page::start();
    furnish(page.api());
    page.go_to(&page.origin());
    for (width, height) in [(1280, 900), (360, 780)] {
        for scheme in ["light", "dark"] {
            page.resize(width, height);
            page.prefer(scheme);
            page.picture(&format!("sign-in-{width}-{scheme}"));
        }
    }
    page.sign_in(&page.api().key.clone());
    for view in VIEWS {
        for (width, height) in [(1280, 900), (360, 780)] {
            for scheme in ["light", "dark"] {
                page.resize(width, height);
                page.prefer(scheme);
                show(&page, view);
                fits(&page, view.name, width);
                page.resize(width, whole_height(&page, height));
                page.picture(&format!("{}-{width}-{scheme}", view.name));
                leave(&page);
            }
        }
    }
    page.nothing_went_wrong();
}

#[test]
fn the_view_of_a_holder_and_an_explanation_fit_their_window() {
    let page = Page::start();
    let key = furnish(page.api());
    let everywhere = |name: &str| {
        for (width, height) in [(1280, 900), (360, 780)] {
            for scheme in ["light", "dark"] {
                page.resize(width, height);
                page.prefer(scheme);
                fits(&page, name, width);
                page.resize(width, whole_height(&page, height));
                page.picture(&format!("{name}-{width}-{scheme}"));
            }
        }
    };
    page.sign_in(&page.api().key.clone());
    page.open("/explain");
    page.fill("Virtual key or its id", &key);
    page.fill("Provider", "openai");
    page.fill("Model", "gpt-5-pro");
    page.press("Explain");
    page.see("It would be refused");
    everywhere("explained");
    page.sign_in(&key);
    page.see("Your usage");
    page.settled();
    everywhere("mine");
    page.nothing_went_wrong();
}

/// Nothing stands out to the right; what is wider scrolls in a frame of its own.
#[track_caller]
fn fits(page: &Page, name: &str, width: u32) {
    let script =
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]";
    let widths = page.run(script, vec![]);
    assert_eq!(
        widths[0], widths[1],
        "{name} at {width} px is wider than its window"
    );
}

/// So high that all of it is to be seen.
fn whole_height(page: &Page, at_least: u32) -> u32 {
    let script = "const dialog = document.querySelector('dialog[open] .dialog-body'); \
                  return Math.max(document.documentElement.scrollHeight, dialog ? dialog.scrollHeight + 200 : 0)";
    let height = page.run(script, vec![]).as_u64().unwrap_or_default();
    u32::try_from(height).unwrap().clamp(at_least, 4_000)
}

#[test]
fn every_view_can_be_used_at_twice_the_size() {
    let page = Page::signed_in();
    furnish(page.api());
    // 1280 px at 200 % are 640 CSS pixels, with letters of twice the size.
    page.resize(640, 450);
    for view in VIEWS {
        show(&page, view);
        fits(&page, view.name, 640);
        leave(&page);
    }
}
