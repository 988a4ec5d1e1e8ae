//! The lines by which clients call this server.

use std::process::Command;

use serde_json::json;

use crate::page::Page;
use crate::people::assigned;
use crate::support::upstream::Upstream;
use crate::upstreams::holder;

fn page_before(provider: &Upstream) -> Page {
    Page::start_carrying(&format!(
        "[{{ name = 'openai', base_url = 'http://127.0.0.1:{}/v1', api_key_variable = 'PROVIDER_KEY' }}]",
        provider.port
    ))
}

fn lines(page: &Page, client: &str) -> String {
    let script =
        "return document.querySelector(`[aria-label='Lines for ${arguments[0]}']`).textContent";
    let text = page.run(script, vec![json!(client)]);
    text.as_str().unwrap().to_owned()
}

#[test]
fn the_lines_have_this_servers_address_and_work_as_they_are_copied() {
    let provider = Upstream::chats();
    let page = page_before(&provider);
    let ada = holder(page.api(), &["openai"]);
    page.sign_in(&page.api().key.clone());
    page.open("/connect");
    let origin = page.origin();
    for (client, expected) in [
        (
            "OpenAI SDK for Python",
            format!(
                "OpenAI(\n    base_url=\"{origin}/v1\",\n    api_key=os.environ[\"TOLLKEEPER_KEY\"],\n)"
            ),
        ),
        (
            "OpenAI SDK for Node",
            format!("baseURL: \"{origin}/v1\",\n  apiKey: process.env.TOLLKEEPER_KEY"),
        ),
        ("Codex", format!("base_url = \"{origin}/v1\"")),
        ("Open WebUI", format!("OPENAI_API_BASE_URL={origin}/v1")),
        ("LibreChat", format!("baseURL: \"{origin}/v1\"")),
        (
            "Claude Code",
            format!("export ANTHROPIC_BASE_URL='{origin}'"),
        ),
        (
            "Anthropic SDK for Python",
            format!("Anthropic(\n    base_url=\"{origin}\""),
        ),
        (
            "Gemini SDK for Python",
            format!("http_options={{\"base_url\": \"{origin}\", \"api_version\": \"v1beta\"}}"),
        ),
    ] {
        let lines = lines(&page, client);
        assert!(lines.contains(&expected), "{client}: {lines}");
    }
    let codex: toml::Table = toml::from_str(&lines(&page, "Codex")).unwrap();
    assert_eq!(
        codex["model_providers"]["tollkeeper"]["wire_api"].as_str(),
        Some("responses")
    );
    let answer = Command::new("bash")
        .args(["-c", &format!("{} -sS", lines(&page, "curl"))])
        .env("TOLLKEEPER_KEY", &ada.key)
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(answer.contains("\"content\":\"hello\""), "{answer}");
    assert_eq!(provider.received().len(), 1);
    page.nothing_went_wrong();
}

#[test]
fn lines_that_no_upstream_would_answer_say_so_to_whoever_may_see_upstreams() {
    let provider = Upstream::chats();
    let page = page_before(&provider);
    page.sign_in(&page.api().key.clone());
    page.open("/connect");
    page.see("Claude Code");
    let sections = "[...document.querySelectorAll('main section.stack')].map((one) => [one.querySelector('h2').textContent, !!one.querySelector('.note')])";
    let marked = page.run(&format!("return {sections}"), vec![]);
    let expected = json!([
        ["OpenAI, and what speaks like it", false],
        ["Anthropic", true],
        ["Gemini", true]
    ]);
    assert_eq!(marked, expected);
    let (_, other) = page.api().make_key("other", &["AccessProfiles:View"]);
    page.sign_in(&other.key);
    page.press("Connect a client");
    page.see("Claude Code");
    page.gone("No upstream speaks this yet");
    page.nothing_went_wrong();
}

#[test]
fn a_holder_finds_lines_with_a_model_of_theirs_and_never_the_key() {
    let provider = Upstream::chats();
    let page = page_before(&provider);
    let policy = json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o"] }] });
    let ada = page.api().make_holder("ada", &policy);
    page.sign_in(&ada.key);
    page.see("Your usage");
    page.press("Connect a client");
    page.see("Yours is the one that you are signed in with.");
    assert!(lines(&page, "curl").contains("\"model\":\"gpt-4o\""));
    page.gone("No upstream speaks this yet");
    page.gone("There is no model that this key may use");
    let html = page.run("return document.documentElement.outerHTML", vec![]);
    let secret = ada.key.rsplit('_').next().unwrap();
    assert!(!html.as_str().unwrap().contains(secret));
    let nothing = json!({ "provider_configs": [{ "provider_name": "anthropic", "all_models_allowed": true }] });
    let grace = page.api().make_holder("grace", &nothing);
    page.sign_in(&grace.key);
    page.open("/connect");
    page.see("There is no model that this key may use");
    page.nothing_went_wrong();
}

#[test]
fn a_new_virtual_key_leads_to_where_it_is_used() {
    let page = Page::signed_in();
    assigned(&page);
    page.open("/users/1");
    page.press("New virtual key");
    page.press("Make the key");
    page.see("This is the only time it is shown.");
    let secret = page.run(
        "return document.querySelector('.secret-value').textContent",
        vec![],
    );
    page.press("I stored it: connect a client");
    page.see("Claude Code");
    assert!(page.address().ends_with("#/connect"));
    let html = page.run("return document.documentElement.outerHTML", vec![]);
    assert!(!html.as_str().unwrap().contains(secret.as_str().unwrap()));
    // The other way stays where it was.
    page.back();
    page.press("New virtual key");
    page.press("Make the key");
    page.press("I stored it");
    page.until(
        "the dialog to close",
        "!document.querySelector('dialog[open]')",
        &[],
    );
    assert!(page.address().ends_with("#/users/1"));
    page.nothing_went_wrong();
}
