//! How the server says that it is alive and ready.

use serde_json::{Value, json};
use tollkeeper::service::status;

use crate::support::Server;
use crate::support::holders::two_providers;

#[test]
fn a_sound_server_is_alive_and_ready() {
    let server = Server::start();
    let version = env!("CARGO_PKG_VERSION");
    let anybody = server.client.with_key("");
    let alive = anybody.get("/health").expect(200).json();
    assert_eq!(alive, json!({ "status": "ok", "version": version }));
    let mut ready = anybody.get("/ready").expect(200).json();
    // The disk and the limits of this machine are its own.
    let warnings = ready["warnings"].as_array_mut().unwrap();
    warnings.retain(|warning| {
        !["disk_low", "open_files_limit"]
            .map(Into::into)
            .contains(&warning["code"])
    });
    let expected = json!({ "status": "ready", "version": version, "warnings": [] });
    assert_eq!(ready, expected);
}

#[test]
fn what_should_be_looked_after_is_a_warning_and_decisions_go_on() {
    let server = Server::start();
    std::fs::remove_file(server.data_dir().join("audit-anchor")).unwrap();
    // What the upkeep does every half minute.
    let store = &server.services.store;
    store.anchor_audit_log(server.time.now()).unwrap();
    let ready = server.client.with_key("").get("/ready").expect(200).json();
    let found = |warning: &&Value| warning["code"] == "audit_anchor_gone";
    let warning = ready["warnings"].as_array().unwrap().iter().find(found);
    let message = warning.unwrap()["message"].as_str().unwrap();
    assert!(message.contains("`tollkeeper audit renew"), "{message}");
    server.client.create_profile(&json!({ "name": "still" }));
}

#[test]
fn a_server_whose_writer_has_ended_is_not_ready() {
    let server = Server::start();
    assert!(status::can_decide(&server.services));
    server.services.store.close(server.time.now()).unwrap();
    // What the supervisor is told rests on it.
    assert!(!status::can_decide(&server.services));
    server
        .client
        .get("/ready")
        .expect_refusal(503, "unavailable", "shutting_down");
    server.client.get("/health").expect(200);
    let status = server.client.get("/api/status").expect(200).json();
    assert_eq!(status["obstacle"]["code"], "shutting_down");
}

#[test]
fn a_clock_that_goes_back_is_a_warning_until_it_is_put_right() {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &two_providers(&json!({})));
    let warns = || {
        server.client.reserve(&holder.key, &json!({})).expect(201);
        let ready = server.client.get("/ready").expect(200).json();
        let warnings = ready["warnings"].as_array().unwrap();
        warnings
            .iter()
            .any(|warning| warning["code"] == "clock_behind")
    };
    assert!(!warns());
    server.time.advance_seconds(3_600);
    assert!(!warns());
    server.time.advance_seconds(-3_600);
    assert!(warns());
    server.time.advance_seconds(3_600);
    assert!(!warns());
}

#[test]
fn a_server_whose_database_file_is_gone_is_alive_but_not_ready_and_writes_nothing() {
    let server = Server::start();
    let file = server.data_dir().join("tollkeeper.db");
    let aside = server.data_dir().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    // A new start would not mend it.
    assert!(status::can_decide(&server.services));
    let write = || {
        server
            .client
            .post("/api/access-profiles", &json!({ "name": "x" }))
    };
    for reply in [server.client.get("/ready"), write()] {
        reply.expect_refusal(503, "unavailable", "database_gone");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(
            reply.message().contains("deleted or replaced"),
            "{}",
            reply.text
        );
    }
    server.client.get("/health").expect(200);
    std::fs::copy(&aside, &file).unwrap();
    server
        .client
        .get("/ready")
        .expect_refusal(503, "unavailable", "database_gone");
    std::fs::rename(&aside, &file).unwrap();
    server.client.get("/ready").expect(200);
    write().expect(201);
}
