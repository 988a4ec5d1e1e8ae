//! Upstreams: what is configured, how each answered last, and how to begin.

use serde_json::json;

use crate::page::{PROVIDER_KEY, Page};
use crate::support::Client;
use crate::support::upstream::{Script, Upstream};

/// A virtual key of somebody who may call every model of these providers.
pub fn holder(api: &Client, providers: &[&str]) -> Client {
    let lines: Vec<_> = providers
        .iter()
        .map(|name| json!({ "provider_name": name, "all_models_allowed": true }))
        .collect();
    let made = api.make_holder("ada", &json!({ "provider_configs": lines }));
    api.with_virtual_key(&made.key)
}

#[test]
fn how_upstreams_answered_last_is_seen() {
    let provider = Upstream::start(|request| match request.json()["user"].as_str() {
        Some("broken") => Script::Json(503, json!({})),
        _ => Script::Json(
            200,
            json!({ "usage": { "prompt_tokens": 1, "completion_tokens": 1 } }),
        ),
    });
    let page = Page::start_carrying(&format!(
        "[{{ name = 'openai', base_url = 'http://127.0.0.1:{}/v1', api_key_variable = 'PROVIDER_KEY' }},
          {{ name = 'anthropic', base_url = 'http://127.0.0.1:1' }},
          {{ name = 'ollama', free = true, unmetered_paths = ['/v1/files'] }}]",
        provider.port
    ));
    let ada = holder(page.api(), &["openai", "anthropic"]);
    page.sign_in(&page.api().key.clone());
    page.open("/upstreams");
    let panel = |name: &str| {
        let script = "return [...document.querySelectorAll('main .panel')].find((one) => one.querySelector('h2').textContent === arguments[0]).innerText";
        let text = page.run(script, vec![json!(name)]);
        text.as_str().unwrap().replace('\n', " ")
    };
    assert!(panel("openai").contains("not used yet"));
    let ollama = panel("ollama");
    assert!(
        ollama.contains("none is sent") && ollama.contains("/v1/files"),
        "{ollama}"
    );
    let ask = |path: &str, model: &str, user: &str| {
        let message = json!([{ "role": "user", "content": "Hello!" }]);
        let body = json!({ "model": model, "max_tokens": 9, "messages": message, "user": user });
        ada.post(path, &body).status
    };
    assert_eq!(ask("/v1/chat/completions", "gpt-5-mini", "broken"), 503);
    page.press("Refresh");
    page.see("✕ failing");
    let openai = panel("openai");
    for text in [
        "✕ failing",
        "status 503 after",
        "1 answer, 1 error among them",
        "the variable PROVIDER_KEY",
    ] {
        assert!(openai.contains(text), "{text}: {openai}");
    }
    assert_eq!(ask("/v1/chat/completions", "gpt-5-mini", ""), 200);
    assert_eq!(ask("/v1/messages", "claude-sonnet-4-5", ""), 502);
    page.press("Refresh");
    page.see("✓ answering");
    assert!(panel("openai").contains("status 200 after"));
    let anthropic = panel("anthropic");
    assert!(
        anthropic.contains("✕ failing")
            && anthropic.contains("it could not be reached: is base_url right")
            && anthropic.contains("not_connected"),
        "{anthropic}"
    );
    let html = page.run("return document.documentElement.outerHTML", vec![]);
    assert!(!html.as_str().unwrap().contains(PROVIDER_KEY));
    page.nothing_went_wrong();
}

#[test]
fn without_an_upstream_the_lines_to_set_one_up_are_there_to_copy() {
    let page = Page::signed_in();
    page.open("/upstreams");
    page.see("No upstream yet");
    page.run(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } })",
        vec![],
    );
    page.press("Copy");
    page.until("the lines to be copied", "window.copied", &[]);
    let copied = page.run("return window.copied", vec![]);
    let lines: toml::Table = toml::from_str(copied.as_str().unwrap()).unwrap();
    assert_eq!(lines["upstreams"][0]["name"].as_str(), Some("openai"));
    page.press_nth("Copy", 1);
    page.until(
        "the variable to be copied",
        "window.copied.startsWith('TOLLKEEPER_UPSTREAMS=')",
        &[],
    );
    page.nothing_went_wrong();
}

#[test]
fn the_lines_that_are_shown_set_upstreams_up() {
    let page = Page::signed_in();
    page.open("/upstreams");
    page.see("No upstream yet");
    let code = page.run(
        "return [...document.querySelectorAll('main pre')].at(-1).textContent",
        vec![],
    );
    let value = code
        .as_str()
        .unwrap()
        .trim()
        .strip_prefix("TOLLKEEPER_UPSTREAMS='")
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap()
        .replace("OPENAI_API_KEY", "PROVIDER_KEY");
    let carrying = Page::start_carrying(&value);
    let shown = carrying.api().get("/api/upstreams").expect(200).json();
    assert_eq!(shown["upstreams"][0]["name"], "openai");
}
