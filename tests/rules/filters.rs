//! What holds for every list and everything that is shown alone: a filter that says nothing is refused, and every validator that was
//! served works as a proxy that compresses sends it back.

use serde_json::{Value, json};
use tollkeeper::domain::list::MAY_BE_EMPTY;
use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;

use crate::openapi::{concrete, document, operations};
use crate::support::Server;
use crate::support::holders::policy;
use crate::support::wire::encoded;

#[test]
fn a_filter_that_says_nothing_never_answers_everything() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let mut tried = 0;
    for route in routes::documented() {
        let key = match route.access {
            Access::VirtualKey => &holder.key,
            _ => &client.key,
        };
        let filters = route
            .description
            .query
            .iter()
            .map(|parameter| parameter.name);
        for filter in filters.filter(|name| !MAY_BE_EMPTY.contains(name)) {
            for path in route.paths() {
                for value in ["", " ", ",", ",,", " , ", "\t"] {
                    let path = format!("{}?{filter}={}", concrete(&path), encoded(value));
                    let reply = client
                        .with_key(key)
                        .send(route.method.as_str(), &path, &[], None);
                    tried += 1;
                    // Any text is a filter there, and one that names nothing finds nothing.
                    if value.contains(',') && reply.status == 200 {
                        let list = reply.json();
                        let total = list.get("total_count").or(list.get("total"));
                        assert_eq!(total, Some(&json!(0)), "{path}: {}", reply.text);
                        continue;
                    }
                    assert_eq!(reply.status, 400, "{path}: {}", reply.text);
                    assert!(
                        reply.violations()[0].starts_with(filter),
                        "{path}: {}",
                        reply.text
                    );
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn tags_are_one_word_each_and_those_of_before_are_found_by_their_parts() {
    let server = Server::start();
    let client = &server.client;
    for (tags, violation) in [
        (json!(["a,b"]), "tags[0] invalid_character"),
        (json!(["a", ","]), "tags[1] invalid_character"),
        (json!([" a"]), "tags[0] invalid_character"),
        (json!(["a\t"]), "tags[0] invalid_character"),
        (json!([" "]), "tags[0] blank"),
    ] {
        let refused = client.post(
            "/api/access-profiles",
            &json!({ "name": "x", "tags": tags }),
        );
        assert_eq!(refused.expect(400).violations(), [violation]);
    }
    client.create_profile(&json!({ "name": "kept", "tags": ["a b"] }));
    let found = |tags: &str| {
        let path = format!("/api/access-profiles?tags={}", encoded(tags));
        client.get(&path).expect(200).json()["total_count"].clone()
    };
    assert_eq!(
        (found("a b"), found(" a b ,,"), found("a"), found("a b,z")),
        (json!(1), json!(1), json!(0), json!(0))
    );
}

#[test]
fn every_validator_that_was_served_works_behind_a_proxy_that_compresses() {
    let server = Server::start();
    let client = &server.client;
    client.make_holder("ada", &policy());
    client.create_role("writers");
    let group = json!({ "name": "tools", "mcp_clients": [] });
    client.post("/api/mcp/tool-groups", &group);
    let all = operations(&document(&server));
    let (mut known, mut changed) = (0, 0);
    for (method, path) in all.keys().filter(|(method, _)| method == "GET") {
        let reply = client.send(method, &concrete(path), &[], None);
        let (200, Some(tag)) = (reply.status, reply.header("etag")) else {
            continue;
        };
        let bare = tag.trim_matches('"');
        for sent in [
            tag.to_owned(),
            format!("W/{tag}"),
            format!("\"{bare}-gzip\""),
            format!("W/\"{bare}-gzip\""),
            format!("W/\"{bare}-br\""),
            format!("\"other\", W/\"{bare}-zstd\""),
            "*".to_owned(),
        ] {
            let again = client.send(method, &concrete(path), &[("if-none-match", &sent)], None);
            assert_eq!(again.status, 304, "{path} {sent}");
            known += 1;
            let put = ("PUT".to_owned(), path.clone());
            let has_if_match =
                |operation: &Value| operation["parameters"].to_string().contains("\"If-Match\"");
            if all.get(&put).is_some_and(has_if_match) {
                // Changes nothing of what is there.
                let same = if path.ends_with("/permissions") {
                    json!({ "permission_ids": [] })
                } else {
                    json!({})
                };
                let saved =
                    client.send("PUT", &concrete(path), &[("if-match", &sent)], Some(&same));
                assert_eq!(saved.status, 200, "{path} {sent}: {}", saved.text);
                changed += 1;
            }
        }
        let other = client.send(
            method,
            &concrete(path),
            &[("if-none-match", "\"other-gzip\"")],
            None,
        );
        assert_eq!(other.status, 200, "{path}");
    }
    assert!(known >= 7 * 10 && changed >= 7 * 4, "{known} {changed}");
}
