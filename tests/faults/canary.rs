//! No secret where it does not belong (R4): secrets are sent through every route and in every place of a request, at trace level,
//! and then looked for in every answer, in the log and in every file.

use std::path::Path;

use memchr::memmem;
use serde_json::{Value, json};
use tollkeeper::domain::credential::Kind;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::support::holders::policy;
use crate::support::process::{Process, run, tollkeeper};
use crate::support::wire::{Wire, encoded};

/// A secret that is sent about, and the part of it that nobody may find.
struct Canary {
    token: String,
    secret: String,
}

impl Canary {
    fn of(token: &str) -> Self {
        // Kind, id and checksum may be seen; the 43 characters between may not.
        let secret = token[token.len() - 49..token.len() - 6].to_owned();
        Self {
            token: token.to_owned(),
            secret,
        }
    }

    fn random(kind: Kind) -> Self {
        Self::of(
            random_token(kind)
                .unwrap_or_else(|error| panic!("{error}"))
                .reveal(),
        )
    }
}

/// One place of a request where a secret is put.
const PLACES: [&str; 25] = [
    "bearer",
    "basic",
    "scheme",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "x-bf-vk",
    "cookie",
    "query-name",
    "query-value",
    "path",
    "body-field",
    "body-value",
    "code",
    "virtual-key",
    "names",
    "body-broken",
    "body-deep",
    "content-type",
    "x-request-id",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "host",
    "method",
];

/// A request with a secret in a place, byte by byte, authenticated by `key` unless the place is the credential.
fn request(
    method: &str,
    path: &str,
    example: &Value,
    place: &str,
    secret: &str,
    key: &str,
) -> String {
    let mut target = path.to_owned();
    let mut verb = method.to_owned();
    let mut host = "localhost".to_owned();
    let mut authorization = format!("Bearer {key}");
    let mut extra = String::new();
    let mut content_type = "application/json".to_owned();
    let mut body = String::new();
    match place {
        "bearer" => authorization = format!("Bearer {secret}"),
        "basic" => authorization = format!("Basic {secret}"),
        "scheme" => secret.clone_into(&mut authorization),
        "query-name" => target = format!("{path}?{secret}=1"),
        "query-value" => {
            target = format!(
                "{path}?api_key={0}&limit={0}&sort={0}&is_active={0}&state={0}&against={0}",
                encoded(secret)
            );
        }
        "path" => {
            target = if path.contains("/1") {
                path.replace("/1", &format!("/{secret}"))
            } else {
                format!("{path}/{secret}")
            }
        }
        "body-field" => body = json!({ secret: 1, "name": 7 }).to_string(),
        "body-value" => {
            let provider =
                json!([{ "provider_name": 1, "all_models_allowed": secret, "budgets": secret }]);
            body = json!({ "code": secret, "name": { "x": secret }, "scopes": [secret], "expires_at": secret, "grace": secret, "tags": secret,
                           "auto_rotation_interval": secret, "next_rotation_at": secret, "provider_configs": provider,
                           "budgets": [{ "max_limit": secret, "reset_duration": secret }], "is_active": secret })
            .to_string();
        }
        "code" => body = json!({ "code": secret }).to_string(),
        "virtual-key" => {
            body = json!({ "virtual_key": secret, "provider": "openai", "model": "gpt-5", "estimated_cost": 0.01 }).to_string();
        }
        "names" => {
            extra = format!("x-model: {secret}\r\nx-provider: {secret}\r\n");
            body = json!({ "virtual_key": secret, "provider": secret, "model": secret, "mcp_server": secret, "mcp_tool": secret,
                           "request_id": secret })
            .to_string();
        }
        "body-broken" => body = format!("{{\"name\": \"{secret}\", {secret}"),
        "body-deep" => body = format!("{}\"{secret}\"", "[".repeat(40)),
        "content-type" => {
            content_type = format!("application/{secret}");
            "{}".clone_into(&mut body);
        }
        "host" => host = format!("{secret}.example"),
        "method" => secret.clone_into(&mut verb),
        header => extra = format!("{header}: {secret}\r\n"),
    }
    if place == "if-match" || place == "if-none-match" {
        extra = format!("{place}: \"{secret}\"\r\n");
    }
    if body.is_empty() && !example.is_null() {
        body = example.to_string();
    }
    format!(
        "{verb} {target} HTTP/1.1\r\nhost: {host}\r\nauthorization: {authorization}\r\ncontent-type: {content_type}\r\n{extra}\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Every route of the document, with 1 for ids, and a body that it accepts.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path: Vec<&str> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect();
        for (method, operation) in methods.as_object().unwrap() {
            if method != "parameters" {
                let example = &operation["requestBody"]["content"]["application/json"]["example"];
                all.push((method.to_uppercase(), path.join("/"), example.clone()));
            }
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// What holds one of the secrets, each under its name.
fn found_in(bytes: &[u8], canaries: &[Canary]) -> Vec<usize> {
    let holds = |canary: &Canary| memmem::find(bytes, canary.secret.as_bytes()).is_some();
    (0..canaries.len())
        .filter(|at| holds(&canaries[*at]))
        .collect()
}

fn check_files(directory: &Path, canaries: &[Canary]) {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_type().unwrap().is_file() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let found = found_in(&std::fs::read(entry.path()).unwrap(), canaries);
        if name == "initial-key" {
            assert_eq!(found, [1], "the first key lies where it belongs");
        } else {
            assert!(found.is_empty(), "canaries {found:?} are in {name}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 2);
}

/// The code of a link that signs in, which nobody has opened yet.
fn sign_in_code(data_dir: &Path) -> String {
    let output = run(data_dir, &["sign-in", "--json"]);
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    made["code"].as_str().unwrap().to_owned()
}

fn run_with(format: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = tollkeeper();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path());
    command
        .env("TOLLKEEPER_LOG__LEVEL", "trace")
        .env("TOLLKEEPER_LOG__FORMAT", format);
    let mut server = Process::start_command(command, directory.path());
    let client = server.client.clone();
    let document = client.get("/openapi.json").expect(200).json();
    let rotate = |id: i64, idempotency: &str| {
        let path = format!("/api/api-keys/{id}/rotate");
        let body = json!({ "grace": "1h" });
        let answer = client
            .send(
                "POST",
                &path,
                &[("idempotency-key", idempotency)],
                Some(&body),
            )
            .expect(200)
            .json();
        answer["key"].as_str().unwrap().to_owned()
    };
    let (id, second) = client.make_key("second", &["AccessProfiles:View"]);
    let holder = client.make_holder("ada", &policy());
    let canaries = [
        Canary::of(&holder.key),
        Canary::of(&client.key),
        Canary::of(&second.key),
        Canary::of(&rotate(id, "first")),
        Canary::random(Kind::Management),
        Canary::random(Kind::Virtual),
        Canary::of(&sign_in_code(directory.path())),
    ];
    assert_eq!(rotate(id, "first"), canaries[3].token);
    let operations = operations(&document);
    // Each request with one secret; over all requests every secret comes to every place of every method.
    for (number, (method, path, example)) in operations.iter().enumerate() {
        for (at, place) in PLACES.iter().enumerate() {
            let canary = &canaries[(number + at) % canaries.len()];
            // The key that authenticates stays as it is: a call that succeeds may rotate or revoke that of id 1.
            let path = if path.starts_with("/api/api-keys/1") {
                path.replace("/1", "/2")
            } else {
                path.clone()
            };
            let mut example = example.clone();
            if !example["name"].is_null() {
                example["name"] = json!(format!("thing {number} {at}"));
            }
            let mut wire = Wire::open(client.port);
            wire.send(
                request(method, &path, &example, place, &canary.token, &client.key).as_bytes(),
            );
            let reply = if method == "HEAD" {
                wire.head()
            } else {
                wire.answer()
            };
            let whole = format!("{:?} {}", reply.headers, reply.text);
            let found = found_in(whole.as_bytes(), &canaries);
            assert!(
                found.is_empty(),
                "{method} {path} with a secret in {place} is answered by {whole}"
            );
            assert_ne!(reply.status, 500, "{method} {path} {place}: {whole}");
        }
    }
    // A link that is opened: the code was spent above when it came to its place, and else is now.
    let spent = json!({ "code": canaries[6].token });
    let reply = client.with_key("").post("/api/session", &spent);
    assert!(
        found_in(reply.text.as_bytes(), &canaries).is_empty(),
        "{}",
        reply.text
    );
    // Whatever is in the write-ahead log while the server runs, and in the database once it has stopped.
    check_files(directory.path(), &canaries);
    assert!(server.terminate().success());
    check_files(directory.path(), &canaries);
    let log = server.log();
    let lines = log.lines().count();
    assert!(lines > operations.len() * PLACES.len() / 2, "{lines} lines");
    for line in log.lines() {
        let found = found_in(line.as_bytes(), &canaries);
        assert!(
            found.is_empty(),
            "canaries {found:?} are in the log: {line}"
        );
    }
}

#[test]
fn no_secret_is_found_anywhere_when_text_is_logged() {
    run_with("text");
}

#[test]
fn no_secret_is_found_anywhere_when_json_is_logged() {
    run_with("json");
}
