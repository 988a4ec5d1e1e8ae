//! Creating, reading and listing access profiles.

use serde_json::json;

use crate::support::Server;

#[test]
fn a_created_profile_is_read_back_the_same_under_both_paths() {
    let server = Server::start();
    for (path, name) in [
        ("/api/access-profiles", "one"),
        ("/api/governance/access-profiles", "two"),
    ] {
        let created = server
            .client
            .post(
                path,
                &json!({ "name": name, "budgets": [{ "max_limit": 12.5 }] }),
            )
            .expect(201);
        let profile = &created.json()["access_profile"];
        assert_eq!(
            created.header("location").unwrap(),
            format!("{path}/{}", profile["id"])
        );
        for family in ["/api", "/api/governance"] {
            let read = server
                .client
                .get(&format!("{family}/access-profiles/{}", profile["id"]))
                .expect(200);
            assert_eq!(&read.json()["access_profile"], profile);
            assert_eq!(read.header("etag"), created.header("etag"));
        }
    }
}
