//! Which permission each route asks for, made from the route table.

use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;

use crate::openapi::concrete;
use crate::support::{Client, Server};

#[test]
fn every_management_route_asks_for_exactly_its_permission() {
    let server = Server::start();
    let mut keys: Vec<(String, Client)> = Vec::new();
    for route in routes::documented() {
        let Access::Management(permission) = route.access else {
            continue;
        };
        let permission = permission.to_string();
        if !keys.iter().any(|(name, _)| *name == permission) {
            let (_, client) = server.client.make_key(&permission, &[&permission]);
            keys.push((permission, client));
        }
    }
    for route in routes::documented() {
        let Access::Management(needed) = route.access else {
            continue;
        };
        for path in route.paths() {
            let path = concrete(&path).replace("/1", "/999");
            let method = route.method.as_str();
            let none = server.client.with_key("").send(method, &path, &[], None);
            none.expect_refusal(401, "authentication_error", "authorization_missing");
            for (held, client) in &keys {
                let reply = client.send(method, &path, &[], None);
                // A gateway sees what it holds open.
                let includes = needed.to_string() == "Decisions:View" && held == "Decisions:Create";
                if includes || *held == needed.to_string() {
                    assert!(
                        ![401, 403, 404, 405].contains(&reply.status)
                            || reply.code() == "not_found",
                        "{method} {path}: {}",
                        reply.text
                    );
                } else {
                    reply.expect_refusal(403, "permission_error", "missing_permission");
                    assert!(
                        reply.message().contains(&needed.to_string()),
                        "{}",
                        reply.text
                    );
                    assert_eq!(reply.header("www-authenticate"), None);
                }
            }
        }
    }
}
