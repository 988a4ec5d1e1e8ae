//! The OpenAPI document and the API reference say what is true, and need nothing from anywhere else.

use serde_json::Value;
use tollkeeper::service::sign_in::SignsIn;

use crate::support::Server;
use crate::support::holders::policy;
use crate::support::operator::is_for_the_operator;

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

#[test]
fn every_example_body_is_accepted() {
    let server = Server::start();
    let document = server.client.get("/openapi.json").expect(200).json();
    let holder = server.client.make_holder("somebody", &policy());
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let example = &methods["post"]["requestBody"]["content"]["application/json"]["example"];
        // Paths with parameters need something that is there; the families take the same names.
        let known = path.starts_with("/api/governance") || path == "/api/roles";
        // What only the operator may is called in `tests/contract`, where the log has lost what it needs.
        if example.is_null() || path.contains('{') || known || is_for_the_operator(path) {
            continue;
        }
        let mut example = example.clone();
        if path == "/v1/explain" {
            example["virtual_key_id"] = holder.key_id().into();
        } else if path == "/api/session" {
            let services = &server.services;
            let code = services
                .sign_in_codes
                .make(SignsIn::Operator, services.clock.now());
            example["code"] = code.unwrap().0.reveal().into();
        } else if path.starts_with("/v1/") {
            example["virtual_key"] = holder.key.as_str().into();
        }
        let reply = server.client.post(path, &example);
        assert!(matches!(reply.status, 200 | 201), "{path}: {reply:?}");
        tried += 1;
    }
    assert!(tried > 0);
}

#[test]
fn every_field_of_an_answer_is_in_the_document_and_may_be_sent_back() {
    let server = Server::start();
    let document = server.client.get("/openapi.json").expect(200).json();
    let example = &document["paths"]["/api/access-profiles"]["post"]["requestBody"]["content"]["application/json"]
        ["example"];
    let mut profile = server.client.create_profile(example);
    let schemas = &document["components"]["schemas"];
    let check = |value: &Value, names: [&str; 2]| {
        for name in names {
            let properties = resolve(&document, &schemas[name])["properties"]
                .as_object()
                .unwrap();
            for field in value.as_object().unwrap().keys() {
                assert!(properties.contains_key(field), "{name} lacks {field}");
            }
        }
    };
    check(&profile, ["AccessProfile", "AccessProfileBody"]);
    check(&profile["budgets"][0], ["Budget", "BudgetBody"]);
    check(&profile["rate_limit"], ["RateLimit", "RateLimitBody"]);
    check(
        &profile["provider_configs"][0],
        ["ProviderConfig", "ProviderConfigBody"],
    );
    profile["name"] = "another".into();
    server.client.create_profile(&profile);
    let detail = server
        .client
        .get(&format!("/api/access-profiles/{}", profile["id"]))
        .expect(200);
    check(
        &detail.json(),
        ["AccessProfileDetail", "AccessProfileDetail"],
    );
}

#[test]
fn the_api_reference_loads_only_our_own_files_under_a_strict_policy() {
    let server = Server::start();
    let page = server.client.with_key("").get("/docs").expect(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    // They lie beside the page, wherever that is.
    let links = ["href=\"", "src=\""].map(|before| page.text.split(before).skip(1));
    let links = links.into_iter().flatten();
    let links: Vec<String> = links
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| !link.starts_with("data:"))
        .map(|link| format!("/{link}"))
        .collect();
    assert!(links.len() >= 4, "{links:?}");
    let links = links.iter().map(String::as_str);
    assert!(
        !page.text.contains("://")
            && page.text.matches("<script").count() == page.text.matches("src=").count()
    );
    for link in links {
        let file = server.client.send("HEAD", link, &[], None).expect(200);
        assert_ne!(file.header("content-length"), Some("0"), "{link}");
        let etag = file.header("etag").unwrap_or_default().to_owned();
        server
            .client
            .send("GET", link, &[("if-none-match", &etag)], None)
            .expect(304);
    }
    server.client.get("/docs/index.html").expect(404);
}

#[test]
fn the_document_is_packed_for_who_accepts_that_and_not_sent_again() {
    let server = Server::start();
    let get = |headers: &[(&str, &str)]| server.client.raw("GET", "/openapi.json", headers, None);
    let plain = get(&[("accept-encoding", "identity")]).expect(200);
    // The client unpacks what it gets.
    let packed = get(&[("accept-encoding", "gzip, br")]).expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let [plain_tag, packed_tag] = [&plain, &packed].map(|reply| {
        assert_eq!(reply.header("vary"), Some("Accept-Encoding"));
        reply.header("etag").unwrap().to_owned()
    });
    // Another form of the same is another answer, of which the tag of either will do.
    assert_ne!(plain_tag, packed_tag);
    for tag in [plain_tag, packed_tag] {
        let known = get(&[("accept-encoding", "gzip"), ("if-none-match", &tag)]).expect(304);
        assert_eq!(known.text, "");
    }
    get(&[("if-none-match", "\"00000000\"")]).expect(200);
}

#[test]
fn the_readme_can_be_followed() {
    let server = Server::start();
    let readme = include_str!("../../README.md");
    let body = readme
        .split("-d '")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    server
        .client
        .create_profile(&serde_json::from_str(body).unwrap());
    let shown = readme
        .split("```json")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let shown: Value = serde_json::from_str(shown).unwrap();
    let mut refusal = server
        .client
        .post(
            "/api/access-profiles",
            &serde_json::json!({ "nam": "developers" }),
        )
        .expect(400)
        .json();
    refusal["event_id"] = shown["event_id"].clone();
    assert_eq!(refusal, shown);
}
