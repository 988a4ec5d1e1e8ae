//! The permission matrix, made from the route table: every route × every kind of key gives the expected status.

use std::collections::BTreeMap;

use age::x25519::Identity;
use serde_json::{Value, json};
use tollkeeper::domain::api_key::permission::Permission;
use tollkeeper::domain::credential::Kind;
use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;
use tollkeeper::service::sign_in::SignsIn;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::nulls::misplaced_nulls;
use crate::support::holders::{call, policy, reservation_id};
use crate::support::{Client, Reply, Server};

/// What a call of each route needs to succeed: its operation, its body, and its status with the right key. A route that is not
/// here fails the test.
#[expect(clippy::too_many_lines, reason = "a row for every operation there is")]
fn rows() -> BTreeMap<&'static str, (Option<Value>, u16)> {
    let none = |status| (None, status);
    [
        ("health", none(200)),
        ("ready", none(200)),
        ("metrics", none(200)),
        ("openapi", none(200)),
        ("docs", none(200)),
        ("docs_file", none(200)),
        ("page", none(200)),
        ("page_file", none(200)),
        ("list_access_profiles", none(200)),
        (
            "create_access_profile",
            (Some(json!({ "name": "NEW" })), 201),
        ),
        ("get_access_profile", none(200)),
        (
            "update_access_profile",
            (Some(json!({ "description": "NEW" })), 200),
        ),
        ("delete_access_profile", none(200)),
        ("activate_access_profile", none(200)),
        ("deactivate_access_profile", none(200)),
        (
            "clone_access_profile",
            (Some(json!({ "name": "NEW" })), 201),
        ),
        ("list_versions", none(200)),
        ("get_version", none(200)),
        ("diff_versions", none(200)),
        ("restore_version", none(200)),
        ("list_audit_logs_of_profile", none(200)),
        ("list_audit_logs", none(200)),
        ("verify_audit_log", none(200)),
        ("list_api_keys", none(200)),
        (
            "create_api_key",
            (Some(json!({ "name": "NEW", "scopes": [] })), 200),
        ),
        ("get_api_key", none(200)),
        (
            "update_api_key",
            (Some(json!({ "description": "NEW" })), 200),
        ),
        ("delete_api_key", none(200)),
        ("rotate_api_key", none(200)),
        ("list_users", none(200)),
        ("list_users_governance", none(200)),
        (
            "create_user",
            (Some(json!({ "name": "Ada", "email": "NEW" })), 200),
        ),
        ("get_user", none(200)),
        ("update_user", (Some(json!({ "name": "NEW" })), 200)),
        ("delete_user", none(200)),
        ("change_user_role", (Some(json!({ "role_id": null })), 200)),
        ("list_roles", none(200)),
        ("create_role", (Some(json!({ "name": "NEW" })), 200)),
        ("get_role", none(200)),
        ("update_role", (Some(json!({ "description": "NEW" })), 200)),
        ("delete_role", none(200)),
        ("list_roles_short", none(200)),
        ("create_role_short", (Some(json!({ "name": "NEW" })), 200)),
        ("get_role_short", none(200)),
        (
            "update_role_short",
            (Some(json!({ "description": "NEW" })), 200),
        ),
        ("delete_role_short", none(200)),
        ("get_role_permissions", none(200)),
        (
            "set_role_permissions",
            (Some(json!({ "permission_ids": [1] })), 200),
        ),
        ("get_role_permissions_short", none(200)),
        (
            "set_role_permissions_short",
            (Some(json!({ "permission_ids": [1] })), 200),
        ),
        ("get_session", none(200)),
        ("sign_in", (Some(json!({ "code": "CODE" })), 200)),
        ("create_sign_in_code", none(403)),
        ("accept_audit_log", (Some(json!({ "reason": "NEW" })), 403)),
        ("renew_audit_log", (Some(json!({ "reason": "NEW" })), 403)),
        ("list_mcp_tool_groups", none(200)),
        (
            "create_mcp_tool_group",
            (Some(json!({ "name": "NEW", "tools": [] })), 201),
        ),
        ("get_mcp_tool_group", none(200)),
        (
            "update_mcp_tool_group",
            (Some(json!({ "description": "NEW" })), 200),
        ),
        ("delete_mcp_tool_group", none(200)),
        ("list_prices", none(200)),
        ("get_price", none(200)),
        ("set_price", (Some(json!({ "free": true })), 200)),
        ("delete_price", none(200)),
        ("list_upstreams", none(200)),
        ("list_settings", none(200)),
        ("list_backups", none(200)),
        ("create_backup", none(201)),
        ("download_backup", none(200)),
        ("drill_backup", none(200)),
        ("get_status", none(200)),
        ("list_virtual_keys", none(200)),
        ("list_virtual_keys_of_user", none(200)),
        ("create_virtual_key", none(200)),
        ("create_virtual_key_under_profile", none(200)),
        ("get_virtual_key", none(200)),
        (
            "update_virtual_key",
            (Some(json!({ "description": "NEW" })), 200),
        ),
        ("rotate_virtual_key", none(200)),
        ("delete_virtual_key", none(200)),
        ("attach_roles", (Some(json!({ "role_ids": ["ROLE"] })), 200)),
        ("detach_role", none(200)),
        ("list_holders", none(200)),
        (
            "propagate",
            (Some(json!({ "fields": ["rate_limit"] })), 200),
        ),
        ("list_user_access_profiles", none(200)),
        (
            "assign_access_profile",
            (Some(json!({ "access_profile_id": "PROFILE" })), 201),
        ),
        ("get_user_access_profile", none(200)),
        ("unassign_access_profile", none(200)),
        (
            "set_budget_override",
            (Some(json!({ "amount": 1, "mode": "forever" })), 200),
        ),
        ("remove_budget_override", none(200)),
        ("reserve", (Some(call("KEY", &json!({}))), 201)),
        ("list_reservations", none(200)),
        (
            "settle_reservation",
            (Some(json!({ "tokens": 1, "cost": 1 })), 200),
        ),
        ("extend_reservation", (Some(json!({})), 200)),
        ("cancel_reservation", none(200)),
        (
            "charge",
            (
                Some(call(
                    "KEY",
                    &json!({ "tokens": 1, "cost": 1, "request_id": "NEW" }),
                )),
                201,
            ),
        ),
        ("explain", (Some(call("KEY", &json!({}))), 200)),
        ("list_usage", none(200)),
        ("list_near_limits", none(200)),
        ("list_mcp_tools", none(200)),
        ("get_quota", none(200)),
        ("get_key_quota", none(200)),
        ("list_own_usage", none(200)),
        ("forward_auth", none(200)),
        ("forward_auth_below", none(200)),
        ("list_permissions", none(200)),
        ("list_permissions_short", none(200)),
        ("list_resources", none(200)),
        ("list_resources_short", none(200)),
        ("list_operations", none(200)),
        ("list_operations_short", none(200)),
        ("get_own_permissions", none(200)),
    ]
    .into_iter()
    .collect()
}

/// A server with something to act upon, made anew for every call that succeeds.
struct Stage {
    server: Server,
    made: u32,
    /// The key of the last holder that was made.
    virtual_key: String,
}

impl Stage {
    fn fresh_name(&mut self) -> String {
        self.made += 1;
        format!("thing {}", self.made)
    }

    /// A user with a copy of a new profile and an override of its budget; answers the path with the ids of both.
    fn held(&mut self, path: &str) -> String {
        let client = self.server.client.clone();
        let name = self.fresh_name().replace(' ', "-");
        let (user, profile) = (
            client.create_person(&name),
            client.create_budgeted(&name, 1),
        );
        let copy = client.assign(user, profile)["access_profile"].clone();
        let budget = &copy["budgets"][0];
        let body = json!({ "amount": 1, "mode": "forever" });
        client
            .put(&client.override_path(user, profile, budget), &body)
            .expect(200);
        path.replace("{user_id}", &user.to_string())
            .replace("{profile_id}", &profile.to_string())
            .replace("{budget_id}", budget["id"].as_str().unwrap())
    }

    /// A user with room for decisions, and an open reservation of the caller's, if it may make any; answers the path with its id.
    fn asked(&mut self, caller: &Client, path: &str) -> String {
        let client = self.server.client.clone();
        let holder = client.make_holder(&self.fresh_name().replace(' ', "-"), &policy());
        let mut held = caller.reserve(&holder.key, &json!({}));
        if held.status != 201 {
            held = client.reserve(&holder.key, &json!({})).expect(201);
        }
        self.virtual_key = holder.key;
        let path = path
            .replace("{reservation}", &reservation_id(&held))
            .replace("{path}", "v1/chat/completions");
        match path.as_str() {
            "/v1/mcp/tools" => format!("{path}?mcp_server=files"),
            _ => path,
        }
    }

    /// The path with ids of things that are there: a profile with two versions, a key, a file.
    fn concrete(&mut self, caller: &Client, path: &str) -> String {
        let client = self.server.client.clone();
        let is_about_keys = path.contains("virtual-keys");
        if path.contains("{user_id}/access-profiles") && !is_about_keys {
            return self.held(path);
        }
        // The user is what is made for the path.
        let path = &path.replace("{user_id}", "{id}");
        if path.starts_with("/v1/") {
            return self.asked(caller, path);
        }
        if path.contains("/prices/{provider}/{model}") {
            let model = self.fresh_name().replace(' ', "-");
            let path = path
                .replace("{provider}", "openai")
                .replace("{model}", &model);
            client.put(&path, &json!({ "free": true })).expect(200);
            return path;
        }
        if path.contains("/backups/{name}") {
            let made = client.post("/api/backups", &json!({})).expect(201).json();
            let path = path.replace("{name}", made["backup"]["name"].as_str().unwrap());
            if path.ends_with("/drill") {
                return path;
            }
            let recipient = Identity::generate().to_public();
            return format!("{path}?recipient={recipient}");
        }
        let id = if path.contains("api-keys/{id}") {
            client.make_key(&self.fresh_name(), &[]).0
        } else if path.contains("users/{id}") {
            let name = self.fresh_name();
            let email = format!("{}@example.com", name.replace(' ', "-"));
            client.create_user(&name, &email, None)
        } else if path.contains("roles/{id}") {
            client.create_role(&self.fresh_name())
        } else if path.contains("tool-groups/{id}") {
            client.create_tool_group(&self.fresh_name())
        } else if path.contains("{id}") {
            let profile = client.create_profile(&json!({ "name": self.fresh_name() }));
            let id = profile["id"].as_i64().unwrap();
            let change = json!({ "description": "second version" });
            client
                .put(&format!("/api/access-profiles/{id}"), &change)
                .expect(200);
            id
        } else {
            0
        };
        let file = if path.starts_with("/docs") {
            "swagger-ui.css"
        } else {
            "index.html"
        };
        let (mut profile, mut key) = (0, String::new());
        if path.contains("virtual-keys") {
            let user = if id > 0 {
                id
            } else {
                client.create_user(
                    "u",
                    &format!("{}@b", self.fresh_name().replace(' ', "-")),
                    None,
                )
            };
            profile = client.create_profile(&json!({ "name": self.fresh_name() }))["id"]
                .as_i64()
                .unwrap();
            self.server.assign(user, profile);
            let keys = client
                .get(&format!("/api/users/{user}/virtual-keys"))
                .json();
            keys["virtual_keys"][0]["id"]
                .as_str()
                .unwrap()
                .clone_into(&mut key);
        }
        let path = path
            .replace("{profile_id}", &profile.to_string())
            .replace("{vk_id}", &key);
        let role = if path.contains("{role_id}") {
            let role = client.create_role(&self.fresh_name());
            client.attach(id, &[role], false, false).expect(200);
            role
        } else {
            0
        };
        path.replace("{id}", &id.to_string())
            .replace("{role_id}", &role.to_string())
            .replace("{profile_id}", &profile.to_string())
            .replace("{vk_id}", &key)
            .replace("{version}", "2")
            .replace("{file}", file)
            .replace("{path}", file)
    }

    fn call(&mut self, client: &Client, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let path = self.concrete(client, path);
        let body = body.map(|body| {
            let mut body = body.clone();
            for field in ["name", "description"] {
                if body[field] == "NEW" {
                    body[field] = json!(self.fresh_name());
                }
            }
            if body["role_ids"] == json!(["ROLE"]) {
                body["role_ids"] =
                    json!([self.server.client.clone().create_role(&self.fresh_name())]);
            }
            if body["access_profile_id"] == "PROFILE" {
                let name = self.fresh_name();
                body["access_profile_id"] =
                    json!(self.server.client.clone().create_budgeted(&name, 1));
            }
            if body["virtual_key"] == "KEY" {
                body["virtual_key"] = json!(self.virtual_key);
            }
            if body["request_id"] == "NEW" {
                body["request_id"] = json!(self.fresh_name());
            }
            if body["code"] == "CODE" {
                let services = &self.server.services;
                let code = services
                    .sign_in_codes
                    .make(SignsIn::Operator, services.clock.now());
                body["code"] = json!(code.unwrap().0.reveal());
            }
            if body["email"] == "NEW" {
                body["email"] = json!(format!("{}@b", self.fresh_name().replace(' ', "-")));
            }
            body
        });
        let model = [("x-model", "gpt-5")];
        if client.key == "VIRTUAL" {
            let own = client.with_key(&self.virtual_key);
            return own.send(method, &path, &model, body.as_ref());
        }
        client.send(method, &path, &model, body.as_ref())
    }
}

/// The refusal of a call that needs a virtual key and comes with one of the [`bad_keys`]. Routes that read the model or a
/// parameter first may say that it is missing.
#[track_caller]
fn expect_no_virtual_key(reply: &Reply, code: &str) {
    if reply.status != 400 {
        let expected = match code {
            "authorization_missing" => "virtual_key_required",
            _ => "access_not_found",
        };
        reply.expect_refusal(401, expected, expected);
    }
}

/// The keys that are no good anywhere, with the code of the refusal.
fn bad_keys(server: &Server) -> Vec<(&'static str, Client)> {
    let client = &server.client;
    let virtual_key = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    let unknown = random_token(Kind::Management).unwrap_or_else(|error| panic!("{error}"));
    let (id, revoked) = client.make_key("revoked", &["*"]);
    client.delete(&format!("/api/api-keys/{id}")).expect(200);
    let (id, rotated) = client.make_key("rotated", &["*"]);
    client
        .post(&format!("/api/api-keys/{id}/rotate"), &json!({}))
        .expect(200);
    let body = json!({ "name": "expired", "scopes": ["*"], "expires_at": "2026-06-01T12:00:01Z" });
    let expired = client.post("/api/api-keys", &body).expect(200).json();
    let expired = client.with_key(expired["key"].as_str().unwrap());
    server.time.advance_seconds(1);
    vec![
        ("authorization_missing", client.with_key("")),
        ("api_key_malformed", client.with_key("garbage")),
        (
            "wrong_credential_kind",
            client.with_key(virtual_key.reveal()),
        ),
        ("api_key_unknown", client.with_key(unknown.reveal())),
        ("api_key_unknown", rotated),
        ("api_key_revoked", revoked),
        ("api_key_expired", expired),
    ]
}

#[test]
fn every_route_answers_every_kind_of_key_as_its_row_says() {
    let mut rows = rows();
    // Whoever keeps failing is slowed down, so each of those calls comes from an address of its own.
    let refusing = Server::start_with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let (bad, mut calls) = (bad_keys(&refusing), 0);
    let mut stage = Stage {
        server: Server::start(),
        made: 0,
        virtual_key: String::new(),
    };
    let names: Vec<String> = Permission::all()
        .map(|permission| permission.to_string())
        .collect();
    let all_but = |needed: &str| -> Vec<&str> {
        names
            .iter()
            .map(String::as_str)
            .filter(|name| *name != needed)
            // Whoever decides may see what is held open.
            .filter(|name| needed != "Decisions:View" || *name != "Decisions:Create")
            // Whoever ends what others made need not make any.
            .filter(|name| needed != "Decisions:Create" || *name != "Decisions:Update")
            .collect()
    };
    let admin = stage.server.client.clone();
    let (_, nothing) = admin.make_key("nothing", &[]);
    let mut keys: BTreeMap<String, (Client, Client)> = BTreeMap::new();
    for route in routes::documented() {
        let operation = route.description.operation;
        let (body, status) = rows
            .remove(operation)
            .unwrap_or_else(|| panic!("{operation} has no row in the matrix"));
        let method = route.method.as_str();
        for path in route.paths() {
            let what = format!("{method} {path}");
            // Without a key and with bad ones: nothing has to be there, as nothing is looked at.
            for (code, client) in &bad {
                calls += 1;
                let from = format!("10.{}.{}.1", calls / 250, calls % 250);
                let path = path.replace(['{', '}'], "");
                let headers = [("x-forwarded-for", from.as_str())];
                let reply = client.send(method, &path, &headers, body.as_ref());
                match route.access {
                    Access::Public => assert_ne!(reply.status, 401, "{what} {code}"),
                    // As the provider's own refusal, whose path is appended.
                    Access::VirtualKey if route.description.refuses_in_dialect => {
                        let said = (reply.status, reply.code());
                        let known = [(401, "invalid_api_key"), (400, "invalid_request")];
                        assert!(known.contains(&(said.0, &said.1)), "{what} {said:?}");
                    }
                    Access::VirtualKey | Access::Call => expect_no_virtual_key(&reply, code),
                    _ => {
                        reply.expect_refusal(401, "authentication_error", code);
                    }
                }
            }
            let mut good = vec![admin.clone()];
            match route.access {
                Access::Public => good.extend([nothing.clone(), admin.with_key("")]),
                // The row of what no key may do is a refusal.
                Access::AnyKey | Access::Operator => good.push(nothing.clone()),
                Access::VirtualKey | Access::Call => good = vec![admin.with_key("VIRTUAL")],
                Access::Management(permission) => {
                    let needed = permission.to_string();
                    let (right, without) = keys.entry(needed.clone()).or_insert_with(|| {
                        let (_, right) = admin.make_key(&format!("only {needed}"), &[&needed]);
                        let (_, without) =
                            admin.make_key(&format!("all but {needed}"), &all_but(&needed));
                        (right, without)
                    });
                    good.push(right.clone());
                    for client in [&nothing, without] {
                        let reply = stage.call(client, method, &path, body.as_ref());
                        reply.expect_refusal(403, "permission_error", "missing_permission");
                        assert_eq!(misplaced_nulls(&reply), [""; 0], "{what}: {}", reply.text);
                        assert!(reply.message().contains(&needed), "{what}: {}", reply.text);
                    }
                }
            }
            for client in good {
                let reply = stage.call(&client, method, &path, body.as_ref());
                assert_eq!(reply.status, status, "{what}: {}", reply.text);
                assert_eq!(misplaced_nulls(&reply), [""; 0], "{what}: {}", reply.text);
            }
        }
    }
    assert!(rows.is_empty(), "rows without a route: {:?}", rows.keys());
}
