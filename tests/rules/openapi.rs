//! The OpenAPI document and the server, held against each other in both directions.

use std::collections::{BTreeMap, BTreeSet};

use age::x25519::Identity;
use serde_json::{Value, json};
use tollkeeper::http::openapi::refusals::{OF_OPERATIONS, RefusedCaller, when};
use tollkeeper::http::routes;

use crate::support::people::FURNISHED_KEY;
use crate::support::process::tollkeeper;
use crate::support::{Client, Reply, Server};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The document as it is served, with what it says of refusals once in each place that refers to it.
pub(crate) fn document(server: &Server) -> Value {
    let mut document = served(server);
    let shared = document["components"]["responses"].clone();
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            for response in operation["responses"].as_object_mut().unwrap().values_mut() {
                if let Some(reference) = response["$ref"].as_str() {
                    *response = shared[reference.rsplit('/').next().unwrap()].clone();
                }
            }
        }
    }
    document
}

fn served(server: &Server) -> Value {
    let keyless = server.client.with_key("");
    keyless.get("/openapi.json").expect(200).json()
}

/// Every documented operation as method and path, with what is said about it.
pub(crate) fn operations(document: &Value) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.insert((method.to_uppercase(), path.clone()), operation.clone());
        }
    }
    all
}

/// The first backup that a server of a test is asked for.
const FIRST_BACKUP: &str = "tollkeeper-2026-06-01T12-00-00Z.tar.zst";

/// A path with something in the place of its parameters that exists on a server with one profile and its first key: the
/// first of everything.
pub(crate) fn concrete(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts = path.split('/').map(|part| match part {
        "{file}" => "index.html",
        "{vk_id}" => FURNISHED_KEY,
        "{name}" => FIRST_BACKUP,
        _ if part.starts_with('{') => "1",
        _ => part,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

fn call(client: &Client, method: &str, path: &str) -> Reply {
    let body = json!({});
    let body = matches!(method, "POST" | "PUT" | "PATCH").then_some(&body);
    client.send(method, &concrete(path), &[], body)
}

#[test]
fn the_document_names_exactly_the_routes_of_the_table() {
    let server = Server::start();
    let document = document(&server);
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1."),
        "{}",
        document["openapi"]
    );
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let documented: BTreeSet<_> = operations(&document).into_keys().collect();
    let routed: BTreeSet<_> = routes::documented()
        .iter()
        .flat_map(|route| {
            let methods = route.methods();
            route.paths().into_iter().flat_map(move |path| {
                let methods: Vec<_> = methods.iter().map(ToString::to_string).collect();
                methods
                    .into_iter()
                    .map(move |method| (method, path.clone()))
            })
        })
        .collect();
    assert_eq!(documented, routed);
    let mut names: Vec<String> = operations(&document)
        .values()
        .map(|it| it["operationId"].as_str().unwrap().to_owned())
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "operation ids are unique");
}

#[test]
fn every_documented_operation_is_served_and_answers_with_a_documented_status() {
    let server = Server::start();
    server.furnish();
    for ((method, path), operation) in operations(&document(&server)) {
        for client in [&server.client, &server.client.with_key("")] {
            let reply = call(client, &method, &path);
            assert_ne!(reply.status, 405, "{method} {path}");
            assert!(
                reply.status != 404 || reply.code() != "no_route",
                "{method} {path}"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.contains_key(&reply.status.to_string()),
                "{method} {path}: {}",
                reply.text
            );
        }
        let open = call(&server.client.with_key(""), &method, &path).status != 401;
        assert_eq!(operation["security"] == json!([]), open, "{method} {path}");
        for name in path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        {
            let named =
                |it: &Value| it["name"] == name && it["in"] == "path" && it["required"] == true;
            assert!(
                operation["parameters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(named),
                "{path}"
            );
        }
    }
}

#[test]
fn an_undocumented_method_is_refused_and_the_documented_ones_are_named() {
    let server = Server::start();
    let operations = operations(&document(&server));
    let paths: BTreeSet<&String> = operations.keys().map(|(_, path)| path).collect();
    for path in paths {
        let mut known: BTreeSet<&str> = METHODS
            .into_iter()
            .filter(|method| operations.contains_key(&((*method).to_owned(), path.clone())))
            .collect();
        let refused = METHODS
            .into_iter()
            .filter(|method| !known.contains(method))
            .collect::<Vec<_>>();
        if known.contains("GET") {
            known.insert("HEAD");
        }
        for method in refused {
            let reply = call(&server.client, method, path);
            reply.expect_refusal(405, "method_not_allowed", "method_not_allowed");
            let allow: BTreeSet<&str> = reply.header("allow").unwrap().split(", ").collect();
            assert_eq!(allow, known, "{method} {path}");
        }
    }
}

#[test]
fn documented_query_parameters_are_accepted_and_no_others() {
    let server = Server::start();
    server.furnish();
    server.client.post("/api/backups", &json!({})).expect(201);
    let key = server.client.make_holder("ada", &json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] })).key;
    let holder = server.client.with_virtual_key(&key);
    for ((method, path), operation) in operations(&document(&server)) {
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let query: Vec<&Value> = parameters.iter().filter(|it| it["in"] == "query").collect();
        if query.is_empty() {
            continue;
        }
        let holds_key = operation["security"][0].get("virtual_key").is_some();
        let ask = |path: &str| {
            if holds_key {
                // What forward-auth is told of the request that a proxy holds.
                let told = [
                    ("x-model", "gpt-5"),
                    ("x-forwarded-method", "POST"),
                    ("x-forwarded-uri", "/v1/chat/completions"),
                ];
                holder.send(&method, path, &told, None)
            } else {
                call(&server.client, &method, path)
            }
        };
        for parameter in query {
            let schema = &parameter["schema"];
            let value = match (schema["enum"].get(0), schema["type"].as_str().unwrap()) {
                (Some(value), _) => value.as_str().unwrap().to_owned(),
                (None, "boolean") => "true".to_owned(),
                (None, "integer") => schema["minimum"].to_string(),
                (None, _) if ["from", "to"].iter().any(|it| parameter["name"] == *it) => {
                    "2026-05-31".to_owned()
                }
                (None, _) if schema["format"] == "date-time" => "2026-05-31T00:00:00Z".to_owned(),
                (None, _) if parameter["name"] == "group_by" => "day,user".to_owned(),
                (None, _) if parameter["name"] == "user_id" => "1".to_owned(),
                (None, _) if parameter["name"] == "recipient" => {
                    Identity::generate().to_public().to_string()
                }
                _ => "x".to_owned(),
            };
            let name = parameter["name"].as_str().unwrap();
            let reply = ask(&format!("{path}?{name}={value}"));
            assert_eq!(reply.status, 200, "{path} {name}={value}: {}", reply.text);
            if let Some(values) = schema["enum"].as_array() {
                for value in values {
                    let path = format!("{path}?{name}={}", value.as_str().unwrap());
                    ask(&path).expect(200);
                }
            }
        }
        // The query there is that of the request that a proxy holds.
        if path == "/v1/forward-auth" {
            continue;
        }
        let reply = ask(&format!("{path}?invented=1"));
        assert_eq!(reply.status, 400, "{method} {path}?invented=1");
        // Another parameter may be missing besides; HEAD has no body to say so.
        if !reply.text.is_empty() {
            assert_eq!(reply.violations()[0], "invented unknown_parameter");
        }
    }
}

#[test]
fn the_command_prints_the_document_that_the_server_answers() {
    let server = Server::start();
    let printed = tollkeeper().arg("openapi").output().unwrap();
    assert!(printed.status.success());
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, served(&server));
}

#[test]
fn every_group_of_operations_is_explained_and_what_is_there_twice_is_in_one_of_its_own() {
    let server = Server::start();
    let document = served(&server);
    let tags = document["tags"].as_array().unwrap();
    let about = |name: &str| {
        let tag = tags.iter().find(|tag| tag["name"] == name);
        let tag = tag.unwrap_or_else(|| panic!("no group {name}"));
        tag["description"].as_str().unwrap().to_owned()
    };
    let mut shown = BTreeSet::new();
    for ((method, path), operation) in operations(&document) {
        let group = operation["tags"][0].as_str().unwrap();
        assert!(about(group).len() > 20, "{group}");
        if group != "Alias" {
            let name = operation["operationId"].as_str().unwrap();
            let rest = path.replace("/api/governance/", "/api/");
            // The list of users has two forms.
            assert!(
                shown.insert((method, rest)) || name.starts_with("list_users"),
                "{name}"
            );
        }
        assert!(operation["description"].is_string(), "{path}");
    }
    // Generators make a class of each name, of its letters alone.
    let letters = |tag: &Value| {
        tag["name"]
            .as_str()
            .unwrap()
            .replace(' ', "")
            .to_lowercase()
    };
    let classes: BTreeSet<_> = tags.iter().map(letters).collect();
    assert_eq!(classes.len(), tags.len());
    assert_eq!(tags[0]["name"], "AccessProfiles");
    assert_eq!(tags.last().unwrap()["name"], "Alias");
}

#[test]
fn refusals_say_when_they_come() {
    let server = Server::start();
    for ((method, path), operation) in operations(&document(&server)) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let says = response["description"].as_str().unwrap();
            assert!(
                says.split(' ').count() > 2,
                "{method} {path} {status}: {says}"
            );
        }
        if operation["responses"].get("409").is_some() {
            let says = operation["responses"]["409"]["description"].as_str();
            assert_ne!(
                says,
                Some(when(409, RefusedCaller::Management)),
                "{method} {path}: the conflict has no words of its own"
            );
        }
    }
    let operations: BTreeSet<&str> = routes::documented()
        .iter()
        .map(|route| route.description.operation)
        .collect();
    for (names, status, _) in OF_OPERATIONS {
        assert!(
            names.iter().all(|name| operations.contains(name)),
            "{names:?} {status}"
        );
    }
}

fn documented_headers(operation: &Value, status: u16) -> Vec<String> {
    let headers = operation["responses"][status.to_string()]["headers"].as_object();
    headers.map_or_else(Vec::new, |headers| headers.keys().cloned().collect())
}

#[test]
fn a_tag_that_is_answered_is_a_documented_one() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "tagged" }));
    let operations = operations(&document(&server));
    let path = "/api/access-profiles/1";
    let tag = client.get(path).header("etag").unwrap().to_owned();
    for operation in operations.values() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["name"] == "If-Match" {
                let pattern =
                    regex::Regex::new(parameter["schema"]["pattern"].as_str().unwrap()).unwrap();
                for list in [tag.clone(), "*".to_owned(), format!("W/\"a,b\", {tag}")] {
                    assert!(pattern.is_match(&list), "{list}");
                }
            }
        }
    }
    let documented = |method: &str, path: &str, reply: &Reply| {
        let operation = &operations[&(method.to_owned(), path.to_owned())];
        let known = documented_headers(operation, reply.status);
        assert!(
            known.contains(&"etag".to_owned()),
            "{method} {path} {}",
            reply.status
        );
        assert!(
            reply.header("etag").is_some(),
            "{method} {path} {}",
            reply.status
        );
    };
    for (method, step) in [
        ("PUT", ""),
        ("PUT", "/deactivate"),
        ("PUT", "/activate"),
        ("POST", "/versions/{version}/restore"),
    ] {
        let documented_path = format!("/api/access-profiles/{{id}}{step}");
        let path = concrete(&documented_path);
        let body = json!({});
        let stale = [("if-match", "\"other\"")];
        documented(
            method,
            &documented_path,
            &client.send(method, &path, &stale, Some(&body)).expect(412),
        );
        documented(
            method,
            &documented_path,
            &client.send(method, &path, &[], Some(&body)).expect(200),
        );
        // A body of another type is refused, and so is one that is too large.
        let operation = &operations[&(method.to_owned(), documented_path)];
        let bearer = format!("Bearer {}", client.key);
        let refused = |kind: &str, body: &[u8]| {
            let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
            let reply = client.raw(method, &path, &headers, Some(body));
            assert!(
                operation["responses"]
                    .get(reply.status.to_string())
                    .is_some()
            );
            reply.status
        };
        assert_eq!(refused("text/plain", b"{}"), 415);
        assert_eq!(
            refused("application/json", &vec![b' '; 1024 * 1024 + 1]),
            413
        );
    }
    for path in ["/versions/{version}", "/versions/{version}/diff"] {
        let path = format!("/api/access-profiles/{{id}}{path}");
        documented("GET", &path, &client.get(&concrete(&path)).expect(200));
    }
    let create = &operations[&("POST".to_owned(), "/api/access-profiles".to_owned())];
    assert!(create["responses"].get("422").is_some());
    let named = |name: &str| {
        create["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == name)
    };
    assert!(named("Idempotency-Key"));
}

/// Places of texts with several blanks within a line, which a line of source leaves that is not broken as it was meant to be.
fn with_blanks(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let place = format!("{place}/{name}");
                let text = value.as_str().unwrap_or_default();
                let lines = text.lines().map(str::trim);
                if name == "description" || name == "summary" {
                    found.extend(
                        lines
                            .filter(|line| line.contains("  "))
                            .map(|line| format!("{place}: {line}")),
                    );
                }
                with_blanks(value, &place, found);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| with_blanks(item, place, found)),
        _ => {}
    }
}

#[test]
fn no_sentence_of_the_document_has_blanks_within() {
    let mut found = Vec::new();
    with_blanks(&document(&Server::start()), "", &mut found);
    assert_eq!(found, [""; 0]);
}
