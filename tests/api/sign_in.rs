//! Sign-in links: a code that is exchanged for a key once, for half an hour, and by nobody who guesses.

use serde_json::{Value, json};
use tollkeeper::domain::credential::{Kind, Token};
use tollkeeper::service::sign_in::SignsIn;
use tollkeeper::service::virtual_keys::tokens::{random_successor, random_token};

use crate::support::process::run;
use crate::support::{Reply, Server};

const MINUTE: i64 = 60;

/// What `tollkeeper sign-in` answers on a server that is running.
fn link_of(server: &Server) -> Value {
    let output = run(&server.data_dir(), &["sign-in", "--json"]);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn code_of(server: &Server) -> String {
    link_of(server)["code"].as_str().unwrap().to_owned()
}

/// A code for the holder of the first key, as the first start makes it.
fn first_code(server: &Server) -> String {
    let key = Token::parse(&server.client.key).unwrap_or_else(|why| panic!("{why:?}"));
    let made = server
        .services
        .sign_in_codes
        .make(SignsIn::Holder(key), server.time.now());
    made.unwrap().0.reveal().to_owned()
}

/// Exchanges a code, without any key.
fn open(server: &Server, code: &str) -> Reply {
    let body = json!({ "code": code });
    server.client.with_key("").post("/api/session", &body)
}

fn random_code() -> Token {
    random_token(Kind::SignIn).unwrap_or_else(|error| panic!("{error}"))
}

fn names(server: &Server) -> Vec<String> {
    let keys = server.client.get("/api/api-keys").expect(200).json();
    let keys = keys["api_keys"].as_array().unwrap().iter();
    keys.map(|key| key["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_link_of_the_operator_gives_a_key_for_half_a_day_once() {
    let server = Server::start();
    let made = link_of(&server);
    let code = made["code"].as_str().unwrap();
    assert_eq!(
        made["link"],
        format!("http://127.0.0.1:{}/#code={code}", server.client.port)
    );
    assert_eq!(made["expires_at"], "2026-06-01T12:30:00Z");
    let reply = open(&server, code).expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let answer = reply.json();
    let own = server.client.with_key(answer["key"].as_str().unwrap());
    let session = own.get("/api/session").expect(200).json();
    assert_eq!(session["api_key"], answer["api_key"]);
    assert_eq!(session["api_key"]["scope_names"], json!(["*"]));
    assert_eq!(session["api_key"]["expires_at"], "2026-06-02T00:00:00Z");
    let name = session["api_key"]["name"].as_str().unwrap();
    assert!(name.starts_with("sign-in 2026-06-01T12:00:00Z"), "{name}");

    let again = open(&server, code);
    again.expect_refusal(401, "authentication_error", "sign_in_code_used");
    assert!(again.message().contains("`tollkeeper sign-in`"));
    server.time.advance_seconds(12 * 60 * MINUTE);
    own.get("/api/session").expect(401);
}

#[test]
fn the_link_of_the_first_start_gives_the_first_key_and_makes_nothing() {
    let server = Server::start();
    let answer = open(&server, &first_code(&server)).expect(200).json();
    assert_eq!(answer["key"], server.client.key);
    assert_eq!(answer["api_key"]["name"], "initial");
    assert_eq!(names(&server), ["initial"]);
}

#[test]
fn a_link_ends_with_the_key_behind_it() {
    let server = Server::start();
    let (_, other) = server.client.make_key("other", &["*"]);
    let code = first_code(&server);
    let id = server.client.get("/api/session").json()["api_key"]["id"].clone();
    other.delete(&format!("/api/api-keys/{id}")).expect(200);
    open(&server, &code).expect_refusal(401, "authentication_error", "api_key_revoked");
}

#[test]
fn a_code_works_for_half_an_hour_and_a_clock_that_goes_back_brings_none_to_life() {
    let server = Server::start();
    let (one, other) = (code_of(&server), first_code(&server));
    server.time.advance_seconds(30 * MINUTE - 1);
    open(&server, &one).expect(200);
    server.time.advance_seconds(1);
    let late = open(&server, &other);
    late.expect_refusal(401, "authentication_error", "sign_in_code_expired");
    assert!(late.message().contains("`tollkeeper sign-in`"));
    server.time.advance_seconds(-20 * MINUTE);
    open(&server, &other).expect_refusal(401, "authentication_error", "sign_in_code_expired");
}

#[test]
fn of_many_who_open_a_link_at_once_one_is_signed_in() {
    let server = Server::start();
    let code = code_of(&server);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| open(&server, &code).status))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let signed_in = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(signed_in, 1, "{statuses:?}");
}

#[test]
fn a_wrong_code_is_refused_like_an_unknown_one_and_costs_no_hash() {
    let server = Server::start();
    let code = code_of(&server);
    let id = Token::parse(&code)
        .unwrap_or_else(|why| panic!("{why:?}"))
        .id()
        .to_owned();
    let wrong = random_successor(Kind::SignIn, &id).unwrap_or_else(|error| panic!("{error}"));
    let hashes = server.services.keyring.hashes();
    let (near, far) = (
        open(&server, wrong.reveal()),
        open(&server, random_code().reveal()),
    );
    for reply in [&near, &far] {
        reply.expect_refusal(401, "authentication_error", "sign_in_code_unknown");
    }
    assert_eq!(near.message(), far.message());
    assert_eq!(server.services.keyring.hashes(), hashes);
    // A guess spends nothing.
    open(&server, &code).expect(200);
    for malformed in ["", "garbage", &code[..69], &server.client.key] {
        let reply = open(&server, malformed).expect(400);
        assert_eq!(reply.violations(), ["code invalid_code"]);
    }
    let body = json!({ "code": code });
    let with_query = format!("/api/session?code={code}");
    let reply = server.client.with_key("").post(&with_query, &body);
    assert_eq!(reply.expect(400).violations(), ["code unknown_parameter"]);
    let long = json!({ "code": "x".repeat(5_000) });
    server
        .client
        .with_key("")
        .post("/api/session", &long)
        .expect(413);
}

#[test]
fn whoever_guesses_codes_is_slowed_down_and_nobody_else() {
    let server = Server::start_with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let from = |address: &str, code: &str| {
        let headers = [("x-forwarded-for", address)];
        let body = json!({ "code": code });
        let nobody = server.client.with_key("");
        nobody.send("POST", "/api/session", &headers, Some(&body))
    };
    let mut guesses = (0..60).map(|_| from("192.0.2.1", random_code().reveal()));
    let slowed = guesses.find(|reply| reply.status == 429).unwrap();
    assert!(slowed.header("retry-after").is_some());
    let code = code_of(&server);
    from("192.0.2.1", &code).expect(429);
    from("192.0.2.2", &code).expect(200);
}

#[test]
fn no_key_makes_a_code() {
    let server = Server::start();
    let path = "/api/sign-in-codes";
    let reply = server.client.send("POST", path, &[], None);
    reply.expect_refusal(403, "permission_error", "control_socket_only");
    assert!(reply.message().contains("`tollkeeper sign-in`"));
    let nobody = server.client.with_key("").send("POST", path, &[], None);
    nobody.expect_refusal(401, "authentication_error", "authorization_missing");
}

#[test]
fn codes_are_bounded_and_gone_with_the_process() {
    let server = Server::start();
    let codes: Vec<String> = (0..33).map(|_| first_code(&server)).collect();
    open(&server, &codes[0]).expect_refusal(401, "authentication_error", "sign_in_code_unknown");
    open(&server, &codes[1]).expect(200);
    let server = server.restart();
    open(&server, &codes[2]).expect_refusal(401, "authentication_error", "sign_in_code_unknown");
}

#[test]
fn keys_of_links_whose_time_is_over_go_with_the_next_link() {
    let server = Server::start();
    let body =
        json!({ "name": "sign-in of mine", "scopes": [], "expires_at": "2026-06-01T13:00:00Z" });
    server.client.post("/api/api-keys", &body).expect(200);
    for _ in 0..2 {
        open(&server, &code_of(&server)).expect(200);
    }
    server.time.advance_seconds(12 * 60 * MINUTE);
    assert_eq!(names(&server).len(), 4);
    open(&server, &code_of(&server)).expect(200);
    let left = names(&server);
    assert_eq!(left[..2], ["initial", "sign-in of mine"]);
    assert!(
        left.len() == 3 && left[2].contains("2026-06-02"),
        "{left:?}"
    );
}

#[test]
fn a_code_is_no_key() {
    let server = Server::start();
    let code = code_of(&server);
    let reply = server.client.with_key(&code).get("/api/access-profiles");
    reply.expect_refusal(401, "authentication_error", "wrong_credential_kind");
    assert!(reply.message().contains("sign-in code"), "{}", reply.text);
}
