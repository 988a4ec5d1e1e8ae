//! The examples of the OpenAPI document are what the server answers to the examples of bodies that the document shows.

use serde_json::{Value, json};

use crate::schema::Schemas;
use crate::story::story;
use crate::support::Server;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/http/openapi/examples.json"
);

/// Writes the file anew when it is told to: `WRITE_EXAMPLES=1 cargo test --test contract examples`.
#[test]
fn the_examples_of_the_document_are_what_the_server_answers() {
    let written = story(&Server::start());
    if std::env::var_os("WRITE_EXAMPLES").is_some() {
        std::fs::write(FILE, &written).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    let differs = kept
        .lines()
        .zip(written.lines())
        .find(|(kept, written)| kept != written);
    assert!(
        kept == written,
        "answers have changed, first {differs:?}; write the examples anew with WRITE_EXAMPLES=1 cargo test --test contract examples"
    );
}

#[test]
fn every_answer_with_a_body_has_an_example_that_is_as_its_schema_says() {
    let document = Server::start()
        .client
        .get("/openapi.json")
        .expect(200)
        .json();
    let mut schemas = schemas_of(&document);
    let mut missing = Vec::new();
    let mut wrong = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let request = operation.get("requestBody").map(|body| ("body", body));
            let answers = operation["responses"].as_object().unwrap().iter();
            let answers = answers.map(|(status, answer)| (status.as_str(), answer));
            for (of, described) in request.into_iter().chain(answers) {
                let described = resolved(&document, described);
                let Some((media, content)) = json_content(described) else {
                    continue;
                };
                let Some(example) = shown(&document, content) else {
                    missing.push(format!("{method} {path} {of} {media}"));
                    continue;
                };
                let place = content["schema"]["$ref"].as_str().unwrap();
                let found = schemas.wrongs(place, example);
                wrong.extend(
                    found
                        .iter()
                        .map(|one| format!("{method} {path} {of}: {one}")),
                );
            }
        }
    }
    assert!(
        missing.is_empty(),
        "without example:\n{}",
        missing.join("\n")
    );
    assert!(wrong.is_empty(), "not as described:\n{}", wrong.join("\n"));
}

#[test]
fn the_examples_of_schemas_are_as_the_schemas_say() {
    let document = Server::start()
        .client
        .get("/openapi.json")
        .expect(200)
        .json();
    let mut validators = schemas_of(&document);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in [
        "AccessProfile",
        "Budget",
        "RateLimit",
        "ProviderConfig",
        "ErrorBody",
        "UserView",
        "AccessProfileBody",
    ] {
        assert!(
            schemas[name]["examples"][0].is_object(),
            "{name} has no example"
        );
    }
    for (name, schema) in schemas {
        for example in schema["examples"].as_array().into_iter().flatten() {
            let found = validators.wrongs(&format!("#/components/schemas/{name}"), example);
            assert_eq!(found, Vec::<String>::new(), "{name}");
        }
    }
}

/// The schemas of the document, at the places where it refers to them.
fn schemas_of(document: &Value) -> Schemas {
    Schemas::new(json!({ "components": { "schemas": document["components"]["schemas"] } }))
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn json_content(described: &Value) -> Option<(&str, &Value)> {
    let content = described["content"].as_object()?;
    let mut all = content
        .iter()
        .map(|(media, content)| (media.as_str(), content));
    all.find(|(media, content)| {
        media.ends_with("json")
            && content["schema"]
                .get("$ref")
                .is_some_and(|it| it != "#/components/schemas/Value")
    })
}

fn shown<'d>(document: &'d Value, content: &'d Value) -> Option<&'d Value> {
    if let Some(example) = content.get("example") {
        return Some(example);
    }
    let example = content["examples"].as_object()?.values().next()?;
    Some(&resolved(document, example)["value"])
}
