//! Several credentials in one request: the one with the shape of a virtual key counts, and two different ones are refused.

use serde_json::{Value, json};
use tollkeeper::domain::credential::Kind;
use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::support::Server;
use crate::support::holders::two_providers;
use crate::support::wire::Wire;

const PLACES: [(&str, &str); 5] = [
    ("authorization", "Authorization: Bearer"),
    ("x-api-key", "x-api-key"),
    ("x-goog-api-key", "x-goog-api-key"),
    ("api-key", "api-key"),
    ("x-bf-vk", "x-bf-vk"),
];

/// A key as it stands in a header.
fn line<'n>(name: &'n str, key: &str) -> (&'n str, String) {
    let bearer = if name == "authorization" {
        "Bearer "
    } else {
        ""
    };
    (name, format!("{bearer}{key}"))
}

/// Every path where the virtual key is the credential.
fn paths() -> Vec<String> {
    let all = routes::table();
    let own = all
        .iter()
        .filter(|route| matches!(route.access, Access::VirtualKey));
    let paths: Vec<String> = own
        .flat_map(tollkeeper::http::core::route::Route::paths)
        .map(|path| path.replace("{path}", "v1/chat/completions"))
        .map(|path| path.replace("/tools", "/tools?mcp_server=files"))
        .collect();
    assert!(paths.len() >= 5, "{paths:?}");
    paths
}

#[test]
fn two_different_virtual_keys_in_one_request_are_refused_wherever_they_stand() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &two_providers(&json!({})));
    let bob = client.make_holder("bob", &two_providers(&json!({})));
    let unknown = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    for path in paths() {
        let ask = |lines: &[(&str, String)]| {
            let mut headers: Vec<_> = lines
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            headers.push(("x-model", "gpt-5"));
            client.raw("GET", &path, &headers, None)
        };
        for (first, shown) in PLACES {
            for (second, also) in PLACES {
                // In two lines of one header too, and no matter which of the two is known.
                for other in [&*bob.key, unknown.reveal()] {
                    for pair in [[&*ada.key, other], [other, &*ada.key]] {
                        let refused = ask(&[line(first, pair[0]), line(second, pair[1])]);
                        if path.ends_with("completions") {
                            // What is refused there looks as the provider's own refusal.
                            assert_eq!(
                                (refused.status, &*refused.code()),
                                (401, "invalid_api_key")
                            );
                        } else {
                            refused.expect_refusal(401, "access_not_found", "access_not_found");
                        }
                        let message = refused.message();
                        let sentence = message.to_lowercase();
                        assert!(sentence.contains("two different virtual keys"), "{message}");
                        assert!(
                            message.contains(shown) && message.contains(also),
                            "{message}"
                        );
                    }
                }
                // The same twice is one.
                ask(&[line(first, &ada.key), line(second, &ada.key)]).expect(200);
            }
            // What has not our shape, or is a key of another kind, is for somebody else.
            let cut_off = &bob.key[..bob.key.len() - 1];
            for other in ["sk-provider", cut_off, &client.key, ""] {
                let names = PLACES.map(|(name, _)| name);
                for beside in names.into_iter().filter(|beside| *beside != first) {
                    ask(&[line(beside, other), line(first, &ada.key)]).expect(200);
                    ask(&[line(first, &ada.key), line(beside, other)]).expect(200);
                }
            }
        }
    }
    // Nothing was counted for anybody by what was refused.
    let refused: Value = client.get("/api/usage?group_by=user").expect(200).json();
    let of_bob = refused["usage"].as_array().unwrap();
    assert!(
        of_bob
            .iter()
            .all(|row| row["user_id"] != json!(bob.user_id)),
        "{refused}"
    );
}

#[test]
fn keys_beyond_the_second_are_looked_at_too() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &two_providers(&json!({})));
    let bob = server.client.make_holder("bob", &two_providers(&json!({})));
    let mut wire = Wire::open(server.client.port);
    let head = format!(
        "GET /v1/forward-auth HTTP/1.1\r\nhost: localhost\r\nx-model: gpt-5\r\nauthorization: bearer {0}\r\nauthorization: Basic dTpw\r\n\
         x-api-key: {0}\r\nx-bf-vk: {1}\r\n\r\n",
        ada.key, bob.key
    );
    wire.send(head.as_bytes());
    let head = wire.head();
    assert_eq!(head.status, 401);
    assert_eq!(
        head.header("x-tollkeeper-refusal"),
        Some("access_not_found")
    );
}
