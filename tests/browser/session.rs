//! Signing in and out.

use serde_json::json;

use crate::page::Page;

fn remains(page: &Page) -> String {
    let script = "return JSON.stringify([location.href, document.documentElement.outerHTML, {...sessionStorage}, \
                  {...localStorage}, document.cookie, history.state])";
    page.run(script, vec![]).as_str().unwrap().to_owned()
}

/// Who the page says is signed in.
fn signed_in_as(page: &Page, name: &str) {
    page.until(
        &format!("{name} to be signed in"),
        "document.getElementById('who').textContent.includes(arguments[0])",
        &[json!(name)],
    );
}

/// Opens a link in the tab as it is: only what stands behind `#` differs.
fn follow(page: &Page, link: &str) {
    page.run("location.href = arguments[0]", vec![json!(link)]);
}

#[test]
fn the_link_of_the_first_start_signs_in_and_no_key_comes_to_the_disk() {
    let (page, printed) = Page::start_in_terminal();
    let key = page.api().key.clone();
    assert!(!printed.contains(&key), "{printed}");
    let link = printed
        .split_whitespace()
        .find(|word| word.contains("/#"))
        .unwrap_or_else(|| panic!("{printed}"));
    page.go_to(link);
    page.see("Nobody is near a limit");
    signed_in_as(&page, "initial");
    assert!(!page.address().contains("code="), "{}", page.address());
    assert!(!remains(&page).contains(&key));
    // Back leads to what was before, not to the link.
    page.back();
    assert!(!page.address().contains("code="), "{}", page.address());
    page.nothing_went_wrong();

    let code = link.split_once("code=").unwrap().1.to_owned();
    let kept = page.kept_by_the_browser();
    let holding = |text: &str| -> Vec<_> {
        let holds = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
        let found = kept.iter().filter(|(_, bytes)| holds(bytes));
        found.map(|(path, _)| path.clone()).collect()
    };
    // What the browser keeps is looked at where it is kept: the address that was opened is there, with its code, which is used up.
    assert!(
        holding(&code).iter().any(|path| path.ends_with("History")),
        "{:?}",
        holding(&code)
    );
    let secret = &key[key.len() - 49..key.len() - 6];
    assert_eq!(holding(secret), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_link_that_was_used_says_so_and_what_to_do() {
    let page = Page::start();
    let link = page.link();
    page.go_to(&link);
    page.see("Sign out");
    page.go_to("about:blank");
    page.go_to(&link);
    page.see("This sign-in link was used already");
    page.see("`tollkeeper sign-in` on the machine of the server prints a new one");
    assert!(!page.address().contains("code="), "{}", page.address());
    for (width, height) in [(1280, 900), (360, 780)] {
        page.resize(width, height);
        page.picture(&format!("sign-in-used-{width}-light"));
    }
    // Another one, in the same tab.
    follow(&page, &page.link());
    signed_in_as(&page, "sign-in ");
    page.see("Nobody is near a limit");
    page.nothing_went_wrong();
}

#[test]
fn a_link_never_takes_the_place_of_somebody_without_asking() {
    let page = Page::start();
    let (_, viewer) = page.api().make_key("viewer", &["AccessProfiles:View"]);
    page.go_to(&page.origin());
    page.fill("Key", &viewer.key);
    page.toggle("Keep me signed in until this tab is closed", 0);
    page.press("Sign in");
    signed_in_as(&page, "viewer");
    page.open("/usage");
    let (first, second) = (page.link(), page.link());
    // Whether it is opened in the page, or loads it anew.
    for load_anew in [false, true] {
        if load_anew {
            page.go_to("about:blank");
            page.go_to(&first);
        } else {
            follow(&page, &first);
        }
        page.see("Sign in with this link?");
        for (width, height) in [(360, 780), (1280, 900)] {
            page.resize(width, height);
            page.picture(&format!("sign-in-asked-{width}-light"));
        }
        signed_in_as(&page, "viewer");
        assert!(!page.address().contains("code="), "{}", page.address());
        // Escape is no answer.
        page.keys("\u{e00c}");
        page.see("Sign in with this link?");
        page.press("Stay signed in as viewer");
        page.gone("Sign in with this link?");
        signed_in_as(&page, "viewer");
        page.open("/usage");
        page.see("Usage");
    }
    // It was not spent, and is by whoever says yes.
    follow(&page, &first);
    page.press("Sign in with the link");
    signed_in_as(&page, "sign-in ");
    page.see("Management keys");
    follow(&page, &first);
    page.press("Sign in with the link");
    page.see("This sign-in link was used already");
    let stay = "[...document.querySelectorAll('dialog button')].find((it) => it.textContent.startsWith('Stay')).click()";
    page.run(stay, vec![]);
    signed_in_as(&page, "sign-in ");
    // The tab remembers nobody whom the link replaced.
    page.reload();
    page.see("A management key opens the administration.");
    page.go_to("about:blank");
    page.go_to(&second);
    signed_in_as(&page, "sign-in ");
    page.nothing_went_wrong();
}

#[test]
fn a_link_does_not_cost_an_edit() {
    let page = Page::signed_in();
    page.open("/profiles/new");
    page.fill("Name", "half written");
    follow(&page, &page.link());
    page.see("What you changed here is not saved and would be lost.");
    page.press("Stay signed in as initial");
    let name = page.run(
        "return [...document.querySelectorAll('input')].map((field) => field.value).includes('half written')",
        vec![],
    );
    assert_eq!(name, json!(true));
    page.press("Users");
    page.see("Leave without saving?");
    page.nothing_went_wrong();
}

#[test]
fn a_link_that_carries_a_key_signs_nobody_in() {
    let page = Page::start();
    let (_, other) = page.api().make_key("other", &["*"]);
    page.go_to(&format!("{}/#key={}", page.origin(), other.key));
    page.see("The link carries a key, so nobody is signed in by it");
    assert!(!remains(&page).contains(&other.key));
    let key = page.api().key.clone();
    page.fill("Key", &key);
    page.press("Sign in");
    signed_in_as(&page, "initial");
    follow(&page, &format!("{}/#key={}", page.origin(), other.key));
    page.see("This link signs nobody in");
    page.press("Close");
    signed_in_as(&page, "initial");
    assert!(!remains(&page).contains(&other.key));
    page.nothing_went_wrong();
}

#[test]
fn signing_out_leaves_nothing_behind() {
    let page = Page::start();
    let key = page.api().key.clone();
    page.api()
        .create_profile(&json!({ "name": "confidential" }));
    page.go_to(&page.origin());
    page.fill("Key", &key);
    page.toggle("Keep me signed in until this tab is closed", 0);
    page.press("Sign in");
    page.see("Nobody is near a limit");
    page.open("/profiles");
    page.see("confidential");
    page.reload();
    page.see("confidential");
    assert!(remains(&page).contains(&key));
    page.press("Sign out");
    page.see("A management key opens the administration.");
    page.until(
        "the field of the key to have the focus",
        "document.activeElement.id === 'key'",
        &[],
    );
    let left = remains(&page);
    assert!(
        !left.contains(&key) && !left.contains("confidential"),
        "{left}"
    );
    page.reload();
    page.see("A management key opens the administration.");
    page.nothing_went_wrong();
}

#[test]
fn a_key_is_not_kept_unless_that_was_asked_for() {
    let page = Page::start();
    page.go_to(&page.origin());
    page.fill("Key", &page.api().key.clone());
    page.press("Sign in");
    page.see("Nobody is near a limit");
    page.reload();
    page.see("A management key opens the administration.");
}

#[test]
fn a_wrong_key_and_a_revoked_one_are_told_what_the_server_says() {
    let page = Page::start();
    page.go_to(&page.origin());
    page.fill("Key", "tk_mgmt_nonsense");
    page.press("Sign in");
    page.see("The bearer token is no Tollkeeper key");
    let (id, doomed) = page.api().make_key("doomed", &["AccessProfiles:View"]);
    page.fill("Key", &doomed.key);
    page.press("Sign in");
    page.see("No access profile yet");
    page.api()
        .delete(&format!("/api/api-keys/{id}"))
        .expect(200);
    page.open("/audit");
    page.see("The server no longer takes this key.");
}

#[test]
fn without_a_server_the_page_says_so_and_goes_on_when_it_is_back() {
    let page = Page::signed_in();
    page.open("/keys");
    page.offline(true);
    page.press("Management keys");
    page.see("The server does not answer.");
    page.picture("offline-1280-light");
    page.offline(false);
    page.press("Try again");
    page.see("1–1 of 1");
}
