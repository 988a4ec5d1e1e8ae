//! Slowing down whoever fails to authenticate (API.md §1): 50 wrong secrets of a key, 50 bad keys, or 1,000 pieces of garbage at once
//! from an address, then one or twenty a second.

use tollkeeper::domain::credential::Kind;
use tollkeeper::service::virtual_keys::tokens::{random_successor, random_token};

use crate::support::{Reply, Server};

const PATH: &str = "/api/access-profiles";
/// Wrong secrets that are let through at once; a few more flow back while that takes its time.
const BURST: usize = 50;
const GARBAGE: usize = 1_000;

/// A server behind a trusted proxy, so that every test call can come from an address of its own.
fn behind_a_proxy() -> Server {
    Server::start_with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
}

fn from(server: &Server, address: &str, token: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    server.client.raw(
        "GET",
        PATH,
        &[("authorization", &bearer), ("x-forwarded-for", address)],
        None,
    )
}

/// A well-formed token with the id of this key and another secret.
fn wrong_secret(key: &str) -> String {
    let token =
        random_successor(Kind::Management, &key[8..20]).unwrap_or_else(|error| panic!("{error}"));
    token.reveal().to_owned()
}

fn unknown_key() -> String {
    let token = random_token(Kind::Management).unwrap_or_else(|error| panic!("{error}"));
    token.reveal().to_owned()
}

/// Tries until it is refused for trying too often; answers how many tries were let through, and the refusal.
fn exhaust(
    server: &Server,
    address: &str,
    token: impl Fn() -> String,
    at_most: usize,
) -> (usize, Reply) {
    for tried in 0..=at_most {
        let reply = from(server, address, &token());
        if reply.status != 401 {
            return (tried, reply);
        }
    }
    panic!("{at_most} attempts were let through");
}

#[track_caller]
fn assert_throttled(reply: &Reply) {
    reply.expect_refusal(429, "rate_limited", "too_many_failed_attempts");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=50).contains(&wait), "{wait}");
    assert_eq!(reply.header("www-authenticate"), None);
}

#[test]
fn wrong_secrets_are_refused_after_the_burst_with_when_to_come_back() {
    let server = Server::start();
    server.client.get(PATH).expect(200);
    let wrong = wrong_secret(&server.client.key);
    let before = server.services.keyring.hashes();
    // One flows back each second, and each attempt takes less.
    let (tried, reply) = exhaust(&server, "", || wrong.clone(), 3 * BURST);
    assert!(tried >= BURST, "{tried}");
    assert_throttled(&reply);
    let hashes = server.services.keyring.hashes();
    assert_eq!(hashes - before, tried as u64);
    // Whoever was verified before is not slowed down, from the same address.
    server.client.get(PATH).expect(200);
    assert_eq!(server.services.keyring.hashes(), hashes);
    // Nor is anything else that needs no hash counted as an attempt.
    server.client.with_key("").get(PATH).expect(401);
    server.client.get("/health").expect(200);
}

#[test]
fn unknown_keys_are_counted_together_by_the_address_they_come_from() {
    let server = behind_a_proxy();
    let (tried, reply) = exhaust(&server, "192.0.2.1", unknown_key, 3 * BURST);
    assert!(tried >= BURST, "{tried}");
    assert_throttled(&reply);
    from(&server, "192.0.2.2", &unknown_key()).expect(401);
    // A household is one /64.
    let (tried, reply) = exhaust(&server, "2001:db8::1", unknown_key, 3 * BURST);
    assert!(tried >= BURST, "{tried}");
    assert_throttled(&reply);
    let (tried, _) = exhaust(&server, "2001:db8::ffff:1", unknown_key, BURST);
    assert!(tried < BURST / 2, "{tried}");
    from(&server, "2001:db8:0:1::1", &unknown_key()).expect(401);
}

#[test]
fn garbage_is_refused_after_a_burst_of_its_own_without_any_hash() {
    let server = behind_a_proxy();
    server.client.get(PATH).expect(200);
    let before = server.services.keyring.hashes();
    let (tried, reply) = exhaust(&server, "192.0.2.1", || "garbage".to_owned(), 20 * GARBAGE);
    assert!(tried >= GARBAGE, "{tried}");
    assert_throttled(&reply);
    assert_eq!(server.services.keyring.hashes(), before);
    from(&server, "192.0.2.2", "garbage").expect(401);
    from(&server, "192.0.2.1", &server.client.key).expect(200);
}

#[test]
fn strangers_lock_nobody_out_and_a_success_resets() {
    let server = behind_a_proxy();
    // Nothing is remembered after a restart of the whole process, so the owner's secret must be hashed: the hard case.
    let (_, owner) = server.client.make_key("owner", &["AccessProfiles:View"]);
    let id = server.client.get("/api/api-keys?search=owner").json()["api_keys"][0]["id"].clone();
    let forget = || {
        let change =
            serde_json::json!({ "description": format!("{:?}", server.services.keyring.hashes()) });
        server
            .client
            .put(&format!("/api/api-keys/{id}"), &change)
            .expect(200);
    };
    for stranger in ["192.0.2.1", "192.0.2.2"] {
        // The id is exhausted by the first; the second is then let through once, as nothing is known about it.
        let wrong = wrong_secret(&owner.key);
        let (tried, reply) = exhaust(&server, stranger, || wrong.clone(), 3 * BURST);
        assert!(tried >= 1, "{tried}");
        assert_throttled(&reply);
    }
    forget();
    from(&server, "198.51.100.7", &owner.key).expect(200);
    // From the address of the strangers, too, once it is remembered.
    from(&server, "192.0.2.1", &owner.key).expect(200);
    // The success has reset the id: a mistake of the owner is let through again, and more than one.
    for _ in 0..3 {
        from(&server, "198.51.100.7", &wrong_secret(&owner.key)).expect(401);
    }
    forget();
    from(&server, "198.51.100.7", &owner.key).expect(200);
    let wrong = wrong_secret(&owner.key);
    let (tried, _) = exhaust(&server, "198.51.100.7", || wrong.clone(), 3 * BURST);
    assert!(tried >= BURST, "{tried}");
}

#[test]
fn a_forwarded_address_is_believed_from_trusted_proxies_alone() {
    let server = Server::start();
    let attempt = |number: usize| from(&server, &format!("192.0.2.{}", number % 250), "garbage");
    let first_refusal = (0..20 * GARBAGE).find(|number| attempt(*number).status == 429);
    assert!(
        first_refusal.is_some_and(|number| number >= GARBAGE),
        "{first_refusal:?}"
    );
    // Behind one, what a client writes to the left of its own address is not believed either.
    let server = behind_a_proxy();
    let attempt = |number: usize| {
        from(
            &server,
            &format!("192.0.2.{}, 198.51.100.1", number % 250),
            "garbage",
        )
    };
    let first_refusal = (0..20 * GARBAGE).find(|number| attempt(*number).status == 429);
    assert!(
        first_refusal.is_some_and(|number| number >= GARBAGE),
        "{first_refusal:?}"
    );
    from(&server, "198.51.100.2", "garbage").expect(401);
    // Some proxies write the port too.
    let (tried, _) = exhaust(
        &server,
        "198.51.100.1:4711",
        || "garbage".to_owned(),
        GARBAGE,
    );
    assert!(tried < GARBAGE / 2, "{tried}");
}

#[test]
fn a_dead_key_that_is_tried_again_and_again_costs_no_hash_each_time() {
    let server = Server::start();
    let (id, client) = server.client.make_key("gone", &["AccessProfiles:View"]);
    client.get(PATH).expect(200);
    server
        .client
        .delete(&format!("/api/api-keys/{id}"))
        .expect(200);
    let before = server.services.keyring.hashes();
    let answers: Vec<u16> = (0..4 * BURST).map(|_| client.get(PATH).status).collect();
    let hashes = server.services.keyring.hashes() - before;
    assert!(hashes <= 2 * BURST as u64, "{hashes} hashes");
    assert!(
        answers.iter().all(|status| [401, 429].contains(status)),
        "{answers:?}"
    );
    assert_eq!(answers[0], 401);
}

#[test]
fn one_bad_key_does_not_slow_down_others_behind_the_same_address() {
    let server = behind_a_proxy();
    let wrong = wrong_secret(&server.client.key);
    let (_, reply) = exhaust(&server, "192.0.2.1", || wrong.clone(), 3 * BURST);
    assert_throttled(&reply);
    // Nobody knows this key, so it is hashed, and refused for what it is.
    from(&server, "192.0.2.1", &unknown_key()).expect(401);
}

#[test]
fn a_dead_key_that_comes_again_and_again_is_told_to_wait_and_costs_others_nothing() {
    let server = behind_a_proxy();
    let dead: Vec<String> = ["gone", "over"]
        .iter()
        .map(|name| {
            let (id, client) = server.client.make_key(name, &["AccessProfiles:View"]);
            server
                .client
                .delete(&format!("/api/api-keys/{id}"))
                .expect(200);
            client.key
        })
        .collect();
    let (tried, reply) = exhaust(&server, "192.0.2.1", || dead[0].clone(), 3 * BURST);
    assert!(tried >= BURST, "{tried}");
    assert_throttled(&reply);
    let other = from(&server, "192.0.2.1", &dead[1]);
    other.expect_refusal(401, "authentication_error", "api_key_revoked");
    from(&server, "192.0.2.2", &dead[0]).expect(401);
}

#[test]
fn a_right_key_is_not_slowed_down_after_a_restart_whoever_guesses_beside_it() {
    let server = Server::start();
    let (_, owner) = server.client.make_key("owner", &["AccessProfiles:View"]);
    owner.get(PATH).expect(200);
    let server = server.restart();
    let wrong = wrong_secret(&owner.key);
    for token in [&unknown_key as &dyn Fn() -> String, &|| wrong.clone()] {
        let (_, reply) = exhaust(&server, "", token, 3 * BURST);
        assert_throttled(&reply);
    }
    let hashes = server.services.keyring.hashes();
    server.client.with_key(&owner.key).get(PATH).expect(200);
    // The secret itself was verified, once.
    assert_eq!(server.services.keyring.hashes(), hashes + 1);
}

#[test]
fn a_virtual_key_that_does_not_work_is_told_to_wait_and_a_right_one_beside_it_is_not() {
    let server = Server::start();
    let policy = serde_json::json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let ada = server.client.make_holder("ada", &policy);
    let with = |key: &str, path: &str| {
        let headers = [("x-bf-vk", key), ("x-model", "gpt-5")];
        server.client.raw("GET", path, &headers, None)
    };
    for path in [
        "/v1/quota",
        "/v1/quota/usage",
        "/api/governance/virtual-keys/quota",
        "/v1/mcp/tools?mcp_server=x",
        "/v1/forward-auth",
    ] {
        let dead = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
        let guess = || {
            random_successor(Kind::Virtual, dead.id())
                .unwrap()
                .reveal()
                .to_owned()
        };
        let tried = (0..3 * BURST).find(|_| with(dead.reveal(), path).status != 401);
        assert!(
            tried.is_some_and(|tried| tried >= BURST),
            "{path}: {tried:?}"
        );
        assert_throttled(&with(dead.reveal(), path));
        assert_throttled(&with(&guess(), path));
        with(&ada.key, path).expect(200);
    }
    // Whoever guesses her secrets beside her does not slow her down.
    for _ in 0..2 * BURST {
        let guess = random_successor(Kind::Virtual, ada.key_id()).unwrap();
        assert!([401, 429].contains(&with(guess.reveal(), "/v1/quota").status));
        with(&ada.key, "/v1/quota").expect(200);
    }
    // What a gateway sends in bodies is not its own.
    let dead = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    for _ in 0..3 * BURST {
        let reply = server.client.reserve(dead.reveal(), &serde_json::json!({}));
        reply.expect_refusal(401, "access_not_found", "access_not_found");
    }
}
