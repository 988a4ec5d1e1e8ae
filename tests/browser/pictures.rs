//! Every view as a picture, wide and narrow, light and dark. People look at them; what a machine can see is checked here.

use serde_json::json;

use crate::page::Page;
use crate::views::{VIEWS, furnished, leave, show};

#[test]
fn every_view_fits_its_window_in_both_widths_and_colours() {
    let (page, _) = furnished();
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
    let (page, key) = furnished();
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
    page.open("/prices");
    page.fill("Provider of the call", "google");
    page.fill("Model of the call", "gemini-2.5-pro");
    page.press("Look up");
    page.see("What google / gemini-2.5-pro costs");
    everywhere("price-found");
    page.fill("Model of the call", "nobody-knows");
    page.press("Look up");
    page.see("Nobody knows");
    everywhere("price-not-found");
    page.sign_in(&key);
    page.see("Your usage");
    page.settled();
    everywhere("mine");
    page.open("/connect");
    page.see("The key");
    everywhere("connect-mine");
    page.nothing_went_wrong();
}

/// Nothing stands out to the right, and no label of a chart out of its chart. What is wider by its nature scrolls in a frame of its own;
/// in a wide window no table needs to.
#[track_caller]
fn fits(page: &Page, name: &str, width: u32) {
    let script = "
        const shown = (one) => one.getClientRects().length > 0;
        const wider = (one) => one.scrollWidth > one.clientWidth;
        const frames = [...document.querySelectorAll('.table-frame, .dialog-body, .panel')].filter((one) => shown(one) && wider(one));
        const cut = [...document.querySelectorAll('svg text')].filter(shown).filter((text) => {
          const [box, view] = [text.getBBox(), text.ownerSVGElement.viewBox.baseVal];
          return box.x < view.x - 0.5 || box.x + box.width > view.x + view.width + 0.5;
        });
        return {
          page: wider(document.documentElement) ? ['the page'] : [],
          frames: frames.map((one) => `${one.className}: ${one.innerText.slice(0, 80)}`),
          cut: cut.map((text) => text.textContent),
        }";
    let found = page.run(script, vec![]);
    assert_eq!(found["page"], json!([]), "{name} at {width} px");
    assert_eq!(found["cut"], json!([]), "{name} at {width} px");
    if width >= 1280 {
        assert_eq!(found["frames"], json!([]), "{name} at {width} px");
    }
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
    let (page, _) = furnished();
    page.sign_in(&page.api().key.clone());
    // 1280 px at 200 % are 640 CSS pixels, with letters of twice the size.
    page.resize(640, 450);
    for view in VIEWS {
        show(&page, view);
        fits(&page, view.name, 640);
        leave(&page);
    }
}

#[test]
fn tables_show_their_actions_in_windows_of_every_width() {
    let (page, _) = furnished();
    page.sign_in(&page.api().key.clone());
    for width in [1280, 1024, 900, 720, 560, 360] {
        page.resize(width, 900);
        for place in [
            "/profiles",
            "/profiles/1",
            "/profiles/1/holders",
            "/profiles/1/versions",
            "/users",
            "/users/1",
            "/virtual-keys",
            "/keys",
            "/tool-groups",
            "/holds",
            "/prices",
            "/upstreams",
            "/audit",
            "/usage",
        ] {
            page.open(place);
            page.settled();
            let cut = page.run(
                "return [...document.querySelectorAll('.table-frame')].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText.slice(0, 60))",
                vec![],
            );
            assert_eq!(cut, json!([]), "{place} at {width} px");
        }
    }
}

#[test]
fn views_with_nothing_in_them_fit_their_window() {
    let page = Page::signed_in();
    for place in [
        "profiles",
        "users",
        "roles",
        "virtual-keys",
        "tool-groups",
        "usage",
        "holds",
        "upstreams",
        "connect",
    ] {
        for (width, height) in [(1280, 900), (360, 780)] {
            for scheme in ["light", "dark"] {
                page.resize(width, height);
                page.prefer(scheme);
                page.open(&format!("/{place}"));
                page.settled();
                fits(&page, place, width);
                page.picture(&format!("{place}-empty-{width}-{scheme}"));
            }
        }
    }
    page.resize(360, 780);
    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        page.open("/users");
        page.press("Menu");
        page.see("Management keys");
        page.picture(&format!("navigation-360-{scheme}"));
    }
    page.nothing_went_wrong();
}
