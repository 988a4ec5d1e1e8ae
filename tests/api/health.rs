//! How the server says that it is alive and ready.

use crate::support::Server;

#[test]
fn a_sound_server_is_alive_and_ready() {
    let server = Server::start();
    let version = env!("CARGO_PKG_VERSION");
    for (path, status) in [("/health", "ok"), ("/ready", "ready")] {
        let reply = server.client.with_key("").get(path).expect(200);
        assert_eq!(
            reply.json(),
            serde_json::json!({ "status": status, "version": version })
        );
    }
}

#[test]
fn a_server_whose_database_file_is_gone_is_alive_but_not_ready_and_writes_nothing() {
    let server = Server::start();
    let file = server.data_dir().join("tollkeeper.db");
    let aside = server.data_dir().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    let write = || {
        server
            .client
            .post("/api/access-profiles", &serde_json::json!({ "name": "x" }))
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
