//! What looks like a key of ours is refused in every text that is stored and shown, wherever a body has one.

use serde_json::{Map, Value, json};
use tollkeeper::domain::credential::Kind;
use tollkeeper::http::routes;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::support::Server;

/// Where a text may stand in a body: names of fields, and an empty one for the first element of a list.
type Place = Vec<String>;

/// Every place of a text in what a schema describes.
fn places(document: &Value, schema: &Value, above: &Place, all: &mut Vec<Place>) {
    if above.len() > 6 {
        return;
    }
    if let Some(name) = schema["$ref"].as_str() {
        let schema = &document["components"]["schemas"][name.rsplit('/').next().unwrap()];
        return places(document, schema, above, all);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        for one in schema[choice].as_array().into_iter().flatten() {
            places(document, one, above, all);
        }
    }
    let is = |wanted: &str| {
        schema["type"] == wanted
            || schema["type"]
                .as_array()
                .is_some_and(|all| all.contains(&json!(wanted)))
    };
    if is("string") && !all.contains(above) {
        all.push(above.clone());
    }
    let below = |step: &str| [above.as_slice(), &[step.to_owned()]].concat();
    places_in_list(document, schema, &below(""), all);
    for (name, schema) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        if schema["readOnly"] != true {
            places(document, schema, &below(name), all);
        }
    }
}

fn places_in_list(document: &Value, schema: &Value, place: &Place, all: &mut Vec<Place>) {
    // A list that must be empty has no place for a text.
    if schema["items"].is_object() && schema["maxItems"] != 0 {
        places(document, &schema["items"], place, all);
    }
}

/// A body that has a text in a place and nothing else.
fn body(place: &[String], text: &str) -> Value {
    match place.split_first() {
        None => json!(text),
        Some((step, rest)) if step.is_empty() => json!([body(rest, text)]),
        Some((step, rest)) => json!({ step: body(rest, text) }),
    }
}

/// The place as refusals name it.
fn param(place: &[String]) -> String {
    place
        .iter()
        .fold(String::new(), |path, step| match step.as_str() {
            "" => path + "[0]",
            step if path.is_empty() => step.to_owned(),
            step => format!("{path}.{step}"),
        })
}

/// The codes of what is wrong with the text in a place.
fn codes(server: &Server, method: &str, path: &str, place: &[String], text: &str) -> Vec<String> {
    let reply = server.call(method, path, Some(&body(place, text)));
    let body = reply.json();
    let param = param(place);
    let all = body["extra_fields"]["errors"].as_array();
    all.into_iter()
        .flatten()
        .filter(|one| one["param"].as_str() == Some(&param))
        .map(|one| one["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn no_body_has_a_place_where_a_key_is_taken_for_a_text() {
    let server = Server::start();
    server.furnish();
    let document = server.client.get("/openapi.json").expect(200).json();
    let token = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    let (mut looked_at, mut free) = (0, 0);
    for route in routes::documented() {
        let (method, path) = (route.method.as_str(), &route.paths()[0]);
        let schema = &document["paths"][path][method.to_lowercase()]["requestBody"]["content"]["application/json"]
            ["schema"];
        let concrete = path
            .replace("{vk_id}", crate::support::people::FURNISHED_KEY)
            .replace("{budget_id}", "budget-1-1");
        let concrete = [
            "{id}",
            "{user_id}",
            "{profile_id}",
            "{role_id}",
            "{version}",
        ]
        .iter()
        .fold(concrete, |path, one| path.replace(one, "1"));
        let mut all = Vec::new();
        places(&document, schema, &Vec::new(), &mut all);
        for place in all {
            // The one place for a key.
            if place.last().is_some_and(|name| name == "virtual_key") {
                continue;
            }
            looked_at += 1;
            let what = format!("{method} {path} {}", param(&place));
            // A text that is taken there. What only some words or numbers fit takes no key either.
            let usual = codes(&server, method, &concrete, &place, "x");
            let found = codes(&server, method, &concrete, &place, token.reveal());
            if usual.is_empty() {
                free += 1;
                assert_eq!(found, ["credential_here"], "{what}");
            } else {
                assert!(!found.is_empty(), "{what}");
            }
        }
    }
    assert!(looked_at > 60 && free > 30, "{looked_at} {free}");
    let secret = std::str::from_utf8(token.secret()).unwrap();
    assert_eq!(server.columns_with(secret), Vec::<String>::new());
}

#[test]
fn what_could_be_taken_for_a_key_is_refused_and_not_repeated() {
    let server = Server::start();
    let client = &server.client;
    for kind in [Kind::Management, Kind::Virtual] {
        let token = random_token(kind).unwrap_or_else(|error| panic!("{error}"));
        let whole = token.reveal();
        let mistyped = format!("{}!", &whole[..whole.len() - 1]);
        for text in [
            whole.to_owned(),
            format!("of Ada: {whole}, until May"),
            format!("x{whole}x"),
            whole.to_uppercase(),
            mistyped,
            whole[..whole.len() - 20].to_owned(),
        ] {
            for body in [
                json!({ "name": text }),
                json!({ "name": "x", "description": text }),
                json!({ "name": "x", "tags": ["fine", text] }),
            ] {
                let reply = client.post("/api/access-profiles", &body).expect(400);
                let found = reply.violations();
                assert!(
                    found.len() == 1 && found[0].ends_with(" credential_here"),
                    "{found:?}"
                );
                let secret = &whole[whole.len() - 40..whole.len() - 20];
                assert!(
                    !reply.text.contains(secret) && !reply.text.contains(&secret.to_uppercase()),
                    "{}",
                    reply.text
                );
                assert!(reply.message().contains("rotate"), "{}", reply.text);
            }
            let user =
                json!({ "name": "x", "email": format!("{}@example.com", text.replace(' ', "")) });
            let expected = if text.contains(' ') || text.len() < 70 {
                "email"
            } else {
                "email invalid_email"
            };
            let reply = client.post("/api/users", &user).expect(400);
            assert!(
                reply.violations()[0].starts_with(expected),
                "{}",
                reply.text
            );
        }
        // What lists show of a key is none.
        let masked = json!({ "name": format!("rotated {}", token.masked()), "description": "tk_vk_ and tk_mgmt_ are the kinds" });
        client.post("/api/access-profiles", &masked).expect(201);
    }
    // What is echoed and logged is made anew instead.
    let token = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    let id = token.reveal().to_uppercase();
    let reply = client.send("GET", "/api/session", &[("x-request-id", &id)], None);
    assert_ne!(reply.header("x-request-id"), Some(id.as_str()));
}
