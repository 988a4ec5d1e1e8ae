//! Whose a reservation is: the management key's that made it, or the virtual key's that forward-auth counted.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::holders::{policy, reservation_id};
use crate::support::{Client, Reply, Server};

const NOBODYS: &str = "res_0000000000000000000000";

/// What can be done to end or prolong a reservation.
fn ways(client: &Client, id: &str) -> [Reply; 3] {
    let path = format!("/v1/reservations/{id}");
    [
        client.post(&format!("{path}/extend"), &json!({ "ttl": "20m" })),
        client.settle(id, 1, 0.5),
        client.delete(&path),
    ]
}

fn listed(client: &Client) -> Vec<Value> {
    let list = client.get("/v1/reservations").expect(200).json();
    let all = list["reservations"].as_array().unwrap().clone();
    assert_eq!(list["total_count"], all.len());
    all
}

/// A gateway that settles what is forgotten is told where to charge it.
#[track_caller]
fn is_absent(reply: &Reply) {
    reply.expect_refusal(404, "not_found", "not_found");
    assert!(reply.message().contains("POST /v1/usage"), "{}", reply.text);
}

fn hold(client: &Client, key: &str) -> String {
    reservation_id(
        &client
            .reserve(key, &json!({ "estimated_cost": 1 }))
            .expect(201),
    )
}

#[test]
fn a_key_that_only_decides_sees_and_ends_what_it_made_and_is_told_what_it_lacks_or_that_there_is_none()
 {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    let (first_id, first) = server.client.make_key("first", &["Decisions:Create"]);
    let (_, second) = server.client.make_key("second", &["Decisions:Create"]);
    let held = hold(&first, &ada.key);
    assert!(listed(&second).is_empty());
    let refused = |reply: &Reply| {
        reply.expect_refusal(403, "permission_error", "not_own_reservation");
        assert!(
            reply.message().contains("Decisions:Update"),
            "{}",
            reply.text
        );
    };
    for theirs in ways(&second, &held) {
        refused(&theirs);
    }
    for absent in ways(&second, NOBODYS) {
        is_absent(&absent);
    }
    let own = listed(&first);
    assert_eq!((own.len(), &own[0]["api_key_id"]), (1, &json!(first_id)));
    let [extended, settled, cancelled] = ways(&first, &held);
    assert_eq!(
        (extended.status, settled.status, cancelled.status),
        (200, 200, 409)
    );
    // Neither what is over, nor what a key does with its own, is anybody else's business.
    for theirs in ways(&second, &held) {
        refused(&theirs);
    }
    for action in ["extend", "settle", "cancel"] {
        assert!(
            server
                .client
                .audited(&format!("reservation.{action}"))
                .is_empty()
        );
    }
}

#[test]
fn holds_of_others_need_view_to_list_and_update_to_end_and_ending_them_is_audited() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    let (maker_id, maker) = server.client.make_key("gateway", &["Decisions:Create"]);
    let (_, viewer) = server.client.make_key("viewer", &["Decisions:View"]);
    let (ender_id, ender) = server.client.make_key("ender", &["Decisions:Update"]);
    let held = [hold(&maker, &ada.key), hold(&maker, &ada.key)];
    assert_eq!(listed(&viewer).len(), 2);
    for refused in ways(&viewer, &held[0]) {
        refused.expect_refusal(403, "permission_error", "missing_permission");
    }
    ender.get("/v1/reservations").expect(403);
    let [extended, settled, cancelled] = ways(&ender, &held[0]);
    assert_eq!(
        (extended.status, settled.status, cancelled.status),
        (200, 200, 409)
    );
    // The same once more changes nothing, so it is not told again.
    ender.settle(&held[0], 1, 0.5).expect(200);
    ender
        .delete(&format!("/v1/reservations/{}", held[1]))
        .expect(200);
    for reply in ways(&ender, NOBODYS) {
        is_absent(&reply);
    }
    for (action, id) in [
        ("extend", &held[0]),
        ("settle", &held[0]),
        ("cancel", &held[1]),
    ] {
        let told = server.client.audited(&format!("reservation.{action}"));
        assert_eq!(told.len(), 1, "{action}: {told:?}");
        assert_eq!(told[0]["actor"], "ender", "{told:?}");
        assert_eq!(told[0]["user_id"], ada.user_id, "{told:?}");
        let before = &told[0]["previous_values"];
        assert_eq!(
            (&before["id"], &before["api_key_id"]),
            (&json!(id), &json!(maker_id))
        );
    }
    let stored = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let parties: Vec<(i64, i64)> = stored
        .prepare("SELECT owner, ended_by FROM reservations ORDER BY id")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(parties, [(maker_id, ender_id), (maker_id, ender_id)]);
}

#[test]
fn the_operator_ends_whatever_there_is_over_the_control_socket() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    let (_, maker) = server.client.make_key("gateway", &["Decisions:Create"]);
    let held = hold(&maker, &ada.key);
    let mut socket = UnixStream::connect(server.data_dir().join("control.sock")).unwrap();
    let request = format!(
        "DELETE /v1/reservations/{held} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(listed(&maker).is_empty());
    let told = server.client.audited("reservation.cancel");
    assert_eq!(
        (told.len(), &told[0]["metadata"]["actor_id"]),
        (1, &json!("cli"))
    );
}

#[test]
fn a_reservation_stays_its_makers_after_a_restart_and_a_rotation_of_the_key() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    let (id, maker) = server.client.make_key("gateway", &["Decisions:Create"]);
    let (_, other) = server.client.make_key("other", &["Decisions:Create"]);
    let held = [hold(&maker, &ada.key), hold(&maker, &ada.key)];
    let rotated = server
        .client
        .post(&format!("/api/api-keys/{id}/rotate"), &json!({}))
        .expect(200)
        .json();
    let server = server.restart();
    let at = |key: &str| server.client.with_key(key);
    let maker = at(rotated["key"].as_str().unwrap());
    assert_eq!(listed(&maker).len(), 2);
    for refused in ways(&at(&other.key), &held[0]) {
        refused.expect(403);
    }
    maker.settle(&held[0], 1, 1.0).expect(200);
    // Also of what is over it is known who made it.
    let server = server.restart();
    server
        .client
        .with_key(&other.key)
        .settle(&held[0], 1, 1.0)
        .expect(403);
    server
        .client
        .with_key(&maker.key)
        .settle(&held[0], 1, 1.0)
        .expect(200);
    // What was made before owners were kept may be ended by whoever decides, as it could be then.
    let stored = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    stored
        .execute("UPDATE reservations SET owner = NULL", [])
        .unwrap();
    let server = server.restart();
    let other = server.client.with_key(&other.key);
    assert_eq!(listed(&other).len(), 1);
    other
        .delete(&format!("/v1/reservations/{}", held[1]))
        .expect(200);
}

#[test]
fn what_forward_auth_counts_belongs_to_the_virtual_key_and_what_expires_was_ended_by_nobody() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    let holder = server.client.with_virtual_key(&ada.key);
    let headers = [("x-model", "gpt-5"), ("x-provider", "openai")];
    holder
        .send("GET", "/v1/forward-auth", &headers, None)
        .expect(200);
    let (maker_id, maker) = server.client.make_key("gateway", &["Decisions:Create"]);
    hold(&maker, &ada.key);
    server.time.advance_seconds(600);
    // Whatever is asked of the ledger, it ends first what is over.
    assert!(listed(&maker).is_empty());
    let stored = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let parties: Vec<(i64, i64)> = stored
        .prepare("SELECT owner, ended_by FROM reservations ORDER BY id")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(parties, [(-1, -1), (maker_id, -2)]);
}
