//! Everything below a path, as a proxy with other paths of its own shows it: with the path, and without it where the proxy takes it off.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Value, json};

use super::proxy::{CHAT, upstream};
use crate::support::upstream::Upstream;
use crate::support::{Reply, Server};

const BASE: &str = "/tollkeeper";

fn start() -> Server {
    Server::start_with(|settings| BASE.clone_into(&mut settings.server.base_path))
}

/// What a browser asks for that finds this in a page at `page`.
fn resolved(page: &str, link: &str) -> String {
    if link.starts_with('/') {
        return link.to_owned();
    }
    let mut pieces: Vec<&str> = page.split('/').collect();
    pieces.pop();
    for piece in link.split('/') {
        match piece {
            "." => {}
            ".." => drop(pieces.pop()),
            other => pieces.push(other),
        }
    }
    pieces.join("/")
}

/// Everything that is loaded with a page: what it links to, and what its modules import.
fn walk(server: &Server, page: &str) -> BTreeSet<String> {
    let links = Regex::new(
        r#"(?:href|src)="([\w./-]+)"|(?:from|import) "(\.[\w./-]+)"|import\("(\.[\w./-]+)"\)|url\("?([\w./-]+)"?\)"#,
    )
    .unwrap();
    let mut seen = BTreeSet::new();
    let mut next = vec![page.to_owned()];
    while let Some(path) = next.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let reply = server.client.with_key("").get(&path).expect(200);
        let is_ours = !path.contains("swagger-ui") && !path.contains("openapi");
        for found in links.captures_iter(&reply.text).filter(|_| is_ours) {
            // In a script, markup and addresses are what it makes of data.
            let is_script = path.rsplit('.').next() == Some("js");
            let groups = if is_script { 2..4 } else { 1..5 };
            let mut links = groups.filter_map(|at| found.get(at));
            if let Some(link) = links.next() {
                next.push(resolved(&path, link.as_str()));
            }
        }
    }
    seen
}

#[test]
fn the_page_and_all_that_it_loads_lie_below_the_path() {
    let server = start();
    for path in [BASE.to_owned(), format!("{BASE}?a=b")] {
        let redirect = server.client.with_key("").get(&path).expect(308);
        let place = path.replace(BASE, &format!("{BASE}/"));
        assert_eq!(redirect.header("location"), Some(place.as_str()));
    }
    for page in ["/", "/docs"] {
        let loaded = walk(&server, &format!("{BASE}{page}"));
        let outside: Vec<_> = loaded
            .iter()
            .filter(|path| !path.starts_with(&format!("{BASE}/")))
            .collect();
        assert!(outside.is_empty(), "{outside:?}");
        assert!(loaded.len() > 3, "{loaded:?}");
    }
    assert!(walk(&server, &format!("{BASE}/")).len() > 60);
    // Without it nothing has moved.
    let plain = Server::start();
    let loaded = walk(&plain, "/");
    assert!(loaded.len() > 60 && loaded.contains("/static/core/api.js"));
    plain.client.get(BASE).expect(404);
}

#[test]
fn the_api_answers_below_the_path_and_without_it_and_names_places_below_it() {
    let server = start();
    let client = &server.client;
    let below = |path: &str| format!("{BASE}{path}");
    for path in ["/health", "/ready", "/api/session", "/api/governance/users"] {
        client.get(&below(path)).expect(200);
        client.get(path).expect(200);
    }
    let place = |reply: &Reply| reply.header("location").unwrap().to_owned();
    for (number, at) in [below("/api"), "/api".to_owned()].iter().enumerate() {
        let body = json!({ "name": format!("profile {number}") });
        let key = format!("key-{number}");
        let create = || {
            let made = client.send(
                "POST",
                &format!("{at}/access-profiles"),
                &[("idempotency-key", &key)],
                Some(&body),
            );
            made.expect(201)
        };
        let made = create();
        assert!(
            place(&made).starts_with(&below("/api/access-profiles/")),
            "{made:?}"
        );
        assert_eq!(
            client.get(&place(&made)).expect(200).json()["access_profile"]["name"],
            body["name"]
        );
        // The one that is given again, too.
        assert_eq!(place(&create()), place(&made));
    }
    // One key for one request, whichever of its paths it came by.
    let body = json!({ "name": "once" });
    let twice = [
        below("/api/access-profiles"),
        "/api/access-profiles".to_owned(),
    ]
    .map(|path| {
        client
            .send("POST", &path, &[("idempotency-key", "one")], Some(&body))
            .expect(201)
            .json()
    });
    assert_eq!(twice[0], twice[1]);
    let list = client
        .get(&below("/api/access-profiles?search=o&limit=1"))
        .expect(200)
        .json();
    assert_eq!(list["total_count"], 3);
    let document: Value = client.get(&below("/openapi.json")).expect(200).json();
    assert_eq!(document["servers"][0]["url"], BASE);
    for nothing in [
        "/tollkeeper2/health",
        "/Tollkeeper/health",
        "/tollkeeper//health",
        "/tollkeeper/tollkeeper/health",
        "/tollkeeper%2fhealth",
    ] {
        assert_eq!(
            client.get(nothing).expect(404).code(),
            "no_route",
            "{nothing}"
        );
    }
    assert_eq!(client.put(&below("/health"), &json!({})).status, 405);
    assert_eq!(client.post(BASE, &json!({})).status, 404);
}

#[test]
fn calls_are_carried_and_asked_about_below_the_path() {
    let provider = Upstream::chats();
    let server = Server::start_with(|settings| {
        "/tollkeeper/ai".clone_into(&mut settings.server.base_path);
        settings.upstreams = vec![upstream("openai", provider.port, "")];
    });
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let caller = server.client.with_virtual_key(&holder.key);
    let body = json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "hello" }] });
    for path in [
        "/tollkeeper/ai/v1/chat/completions",
        "/tollkeeper/ai/openai/v1/chat/completions",
        CHAT,
    ] {
        caller.post(path, &body).expect(200);
        assert_eq!(provider.last().target, CHAT);
    }
    let models = caller.get("/tollkeeper/ai/v1/models").expect(200).json();
    assert!(!models["data"].as_array().unwrap().is_empty());
    let quota = caller.get("/tollkeeper/ai/v1/quota").expect(200);
    assert!(quota.json()["virtual_key"].is_object());
    // A gateway's own paths are its own: below forward-auth stands the one that its client called.
    let asked = [("x-model", "gpt-4o"), ("x-provider", "openai")];
    let path = "/tollkeeper/ai/v1/forward-auth";
    caller.send("GET", path, &asked, None).expect(200);
    let sign_in = std::process::Command::new(env!("CARGO_BIN_EXE_tollkeeper"))
        .args(["sign-in", "--data-dir"])
        .arg(server.data_dir())
        .output()
        .unwrap();
    let printed = String::from_utf8(sign_in.stdout).unwrap();
    let link = format!(
        "http://127.0.0.1:{}/tollkeeper/ai/#code=tk_code_",
        server.client.port
    );
    assert!(printed.starts_with(&link), "{printed}");
}
