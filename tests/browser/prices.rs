//! What calls cost: looked up, given, changed and taken away.

use serde_json::{Value, json};

use crate::page::Page;

fn give(page: &Page, of: &str, price: &Value) {
    let path = format!("/api/prices/{of}");
    page.api().put(&path, price).expect(200);
}

fn given(page: &Page, of: &str) -> Value {
    let answer = page.api().get(&format!("/api/prices/{of}")).expect(200);
    answer.json()["prices"].clone()
}

#[test]
fn prices_are_looked_through_the_operators_own_first() {
    let page = Page::signed_in();
    let price = json!({ "rates": { "input": 3, "output": 4, "request": 0.01 }, "valid_from": "2026-06-01T12:00:00Z",
        "above": [{ "input_tokens": 200_000, "rates": { "input": 6 } }] });
    give(&page, "openai/house-*", &price);
    page.open("/prices");
    page.see("1–25 of");
    page.see("Calls of models without a price are refused.");
    let first = "document.querySelector('main tbody tr').innerText";
    let row = page.run(&format!("return {first}"), vec![]);
    for text in [
        "house-*",
        "here",
        "from 1 Jun 2026",
        "$3",
        "$4",
        "The call itself: $0.01 a call",
        "above 200,000 input tokens: input $6",
    ] {
        assert!(row.as_str().unwrap().contains(text), "{text}: {row}");
    }
    page.fill("Search /", "openai/gpt-4o-mini");
    page.until(
        "the model that is searched for",
        "tests.says('gpt-4o-mini') && !tests.says('house-*')",
        &[],
    );
    page.open("/prices?provider=openai&model=gpt-4o");
    page.until(
        "one price",
        "document.querySelectorAll('main tbody tr').length === 1",
        &[],
    );
    page.see("$2.50");
    page.see("16,384");
    page.nothing_went_wrong();
}

#[test]
fn what_a_call_costs_is_looked_up_and_a_price_given_that_nobody_knew() {
    let page = Page::signed_in();
    page.open("/prices");
    page.press("Look up");
    page.see("2 things are not right");
    page.fill("Provider of the call", "openai");
    page.fill("Model of the call", "gpt-4o");
    page.press("Look up");
    page.see("What openai / gpt-4o costs");
    page.see("$2.50 a million tokens");
    page.see("the list, version");
    page.fill("Model of the call", "house/own 1");
    page.press("Look up");
    page.see("Nobody knows what openai / house/own 1 costs");
    page.gone("What openai / gpt-4o costs");
    page.press("Give it a price");
    page.fill("Input", "0.5");
    page.fill("Output", "2");
    page.press("Give the price");
    page.see("openai / house/own 1 has a price.");
    page.fill("Provider of the call", "openai");
    page.fill("Model of the call", "house/own 1");
    page.press("Look up");
    page.see("$0.50 a million tokens");
    page.see("overlay:openai/house/own 1");
    page.nothing_went_wrong();
}

#[test]
fn a_price_is_given_with_everything_that_it_may_have() {
    let page = Page::signed_in();
    page.open("/prices");
    page.press("Give a price");
    page.fill("Provider", "openai");
    page.fill("Model", "house-*");
    page.press("Give the price");
    page.see("must have a rate, or free must be true");
    page.fill("Input", "much");
    page.press("Give the price");
    page.see("expected an amount of US dollars");
    page.fill("Input", "0.3");
    page.press("More kinds");
    page.fill("Reasoning", "4");
    page.press("Give the price");
    page.see("has reasoning without output");
    page.fill("Output", "1.25");
    page.fill("The call itself", "5000");
    // What is folded away is opened where something is wrong with it.
    page.press("More kinds");
    page.press("Give the price");
    page.until(
        "the message at its field",
        "(() => { const field = tests.field('The call itself', 0); return field?.getAttribute('aria-invalid') === 'true' && document.activeElement === field; })()",
        &[],
    );
    page.fill("The call itself", "0.001");
    page.press("Long input");
    page.press("Add step");
    page.fill("Above so many input tokens", "200000");
    page.fill_nth("Input", 1, "0.6");
    page.fill("Greatest output", "16000");
    page.press("Give the price");
    page.see("openai / house-* has a price.");
    let expected = json!([{
        "provider": "openai", "model": "house-*", "origin": "api", "priced_by": "overlay:openai/house-*", "free": false,
        "rates": { "input": 0.3, "output": 1.25, "reasoning": 4, "request": 0.001 },
        "above": [{ "input_tokens": 200_000, "rates": { "input": 0.6 } }], "greatest_output": 16_000,
    }]);
    assert_eq!(given(&page, "openai/house-*"), expected);
    // Nothing is given over it by accident, but from a date on it may.
    page.press("Give a price");
    page.fill("Provider", "OpenAI");
    page.fill("Model", "house-*");
    page.toggle("Calls cost nothing", 0);
    page.press("Give the price");
    page.see("There is a price of OpenAI / house-* here already.");
    page.run(
        "const field = tests.field('Valid from', 0); field.value = '2026-07-01T12:00'; field.dispatchEvent(new Event('input', { bubbles: true }))",
        vec![],
    );
    page.press("Give the price");
    page.see("OpenAI / house-* has a price.");
    let both = given(&page, "openai/house-*");
    assert_eq!(
        (&both[0]["free"], &both[1]["free"]),
        (&json!(false), &json!(true))
    );
    page.nothing_went_wrong();
}

#[test]
fn a_price_that_two_people_change_is_compared_and_asked_about_before_it_goes() {
    let page = Page::signed_in();
    let price =
        |input: f64| json!({ "rates": { "input": input, "output": 8 }, "greatest_output": 4_096 });
    give(&page, "openai/own", &price(1.0));
    let input = || given(&page, "openai/own")[0]["rates"]["input"].clone();
    page.open("/prices");
    page.press_in_row("own", "Edit");
    page.fill("Input", "2");
    give(&page, "openai/own", &price(7.0));
    page.press("Save");
    page.see("Somebody else saved this price");
    page.see("rates › input");
    assert_eq!(input(), 7);
    page.press("Keep editing");
    page.press("Save");
    page.press("Save mine over it");
    page.see("Saved.");
    assert_eq!(input(), 2);
    assert_eq!(given(&page, "openai/own")[0]["greatest_output"], 4_096);
    page.press_in_row("own", "Edit");
    page.fill("Greatest output", "");
    page.press("Save");
    page.until(
        "the dialog to close",
        "!document.querySelector('dialog[open]')",
        &[],
    );
    assert_eq!(given(&page, "openai/own")[0].get("greatest_output"), None);

    page.press_in_row("own", "Edit");
    page.see("Edit the price");
    page.api().delete("/api/prices/openai/own").expect(200);
    page.press("Save");
    page.see("There is no price openai/own.");
    page.press("Cancel");

    give(&page, "openai/own", &price(1.0));
    page.open("/prices");
    page.press_in_row("own", "Delete");
    page.see("Delete the price of openai / own?");
    let later = json!({ "free": true, "valid_from": "2027-01-01T00:00:00Z" });
    give(&page, "openai/own", &later);
    page.press("Delete");
    page.see("Somebody changed it meanwhile.");
    page.see("All 2 prices of it that were given here go");
    page.press("Delete");
    page.see("Deleted the price of openai / own.");
    page.api().get("/api/prices/openai/own").expect(404);
    page.nothing_went_wrong();
}

#[test]
fn whoever_edits_what_always_holds_is_told_of_the_later_dates() {
    let page = Page::signed_in();
    give(&page, "openai/own", &json!({ "rates": { "input": 1 } }));
    let later = json!({ "rates": { "input": 5 }, "valid_from": "2027-01-01T00:00:00Z" });
    give(&page, "openai/own", &later);
    page.open("/prices");
    page.press_in_row("from 1 Jan 2027", "Edit");
    page.see("openai / own, from 1 Jan 2027");
    page.fill("Input", "6");
    page.press("Save");
    page.see("Saved.");
    let both = given(&page, "openai/own");
    assert_eq!(
        (&both[0]["rates"]["input"], &both[1]["rates"]["input"]),
        (&json!(1), &json!(6))
    );
    page.press_nth("Edit", 0);
    page.see(
        "openai / own always holds: saved, it takes the place of 1 price from later dates on, too",
    );
    page.press("Cancel");
    page.nothing_went_wrong();
}

#[test]
fn a_key_is_shown_of_prices_and_upstreams_what_it_may_do() {
    let page = Page::start();
    give(&page, "openai/own", &json!({ "free": true }));
    let (_, viewer) = page.api().make_key("viewer", &["Settings:View"]);
    page.sign_in(&viewer.key);
    page.open("/prices");
    page.see("own");
    page.gone("Give a price");
    page.gone("Edit");
    page.gone("Delete");
    page.fill("Provider of the call", "openai");
    page.fill("Model of the call", "nobody-knows");
    page.press("Look up");
    page.see("Let somebody give it a price here");
    page.gone("Give it a price here");
    let (_, other) = page.api().make_key("other", &["AccessProfiles:View"]);
    page.sign_in(&other.key);
    page.see("Connect a client");
    page.gone("Prices");
    page.gone("Upstreams");
    for place in ["/prices", "/upstreams"] {
        page.open(place);
        page.see("There is no such page");
    }
    page.sign_in(&page.api().key.clone());
    page.open("/keys");
    page.press("New key");
    page.see("Settings");
    page.toggle("Settings:Update", 0);
    page.nothing_went_wrong();
}
