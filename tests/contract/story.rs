//! A few days of a server, by which every operation is answered once: the bodies are those that the document shows.

use std::time::Duration;

use serde_json::{Value, json};
use tollkeeper::domain::credential::Kind;
use tollkeeper::error::Error;
use tollkeeper::http::core::problem::Problem;
use tollkeeper::http::routes;
use tollkeeper::service::sign_in::SignsIn;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::recorded::Recorder;
use crate::support::holders::reservation_id;
use crate::support::wire::exchange;
use crate::support::{Client, Server};

/// The body that the document shows for an operation.
fn example(operation: &str) -> Value {
    routes::documented()
        .into_iter()
        .find(|route| route.description.operation == operation)
        .and_then(|route| route.description.example)
        .unwrap_or_else(|| panic!("{operation} shows no body"))
}

fn with(mut body: Value, more: &Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    body
}

/// A few days with one access profile, its people and their calls.
pub fn story(server: &Server) -> String {
    let mut recorder = Recorder::new(&server.client);
    let user = arrange(&mut recorder);
    let key = hold(&mut recorder, server, &user);
    price(&mut recorder);
    backup(&mut recorder);
    decide(&mut recorder, server, &key);
    read(&mut recorder, server, &key);
    refuse(&mut recorder, server);
    refuse_calls(&mut recorder, server, &key);
    refuse_all(&mut recorder);
    operate(&mut recorder, server);
    take_away(&mut recorder, &user);
    recorder.written()
}

/// A profile, a role, tool groups, keys; answers the id of a user.
fn arrange(it: &mut Recorder<'_>) -> String {
    it.call("GET", "/health", None);
    it.call("GET", "/ready", None);
    it.call(
        "POST",
        "/api/mcp/tool-groups",
        Some(&example("create_mcp_tool_group")),
    );
    it.call("GET", "/api/mcp/tool-groups/1", None);
    it.call("GET", "/api/mcp/tool-groups", None);
    it.call(
        "POST",
        "/api/access-profiles",
        Some(&example("create_access_profile")),
    );
    let tools = json!({ "mcp_tool_groups": [{ "tool_group_id": 1 }], "mcp_servers": [{ "mcp_server_id": "wiki" }],
                        "mcp_tool_overrides": [{ "mcp_client_id": "github", "tool_name": "create_issue" }],
                        "rate_limit": { "request_max_limit": 1000, "request_reset_duration": "1h", "token_max_limit": 150_000, "token_reset_duration": "1h" } });
    let change = with(example("update_access_profile"), &tools);
    it.call("PUT", "/api/access-profiles/1", Some(&change));
    it.call(
        "POST",
        "/api/access-profiles/1/clone",
        Some(&example("clone_access_profile")),
    );
    it.call("PUT", "/api/access-profiles/2/deactivate", None);
    it.call("PUT", "/api/access-profiles/2/activate", None);
    it.call("POST", "/api/rbac/roles", Some(&example("create_role")));
    it.call("PUT", "/api/rbac/roles/1", Some(&example("update_role")));
    let permissions = "/api/rbac/roles/1/permissions";
    it.call("PUT", permissions, Some(&example("set_role_permissions")));
    it.call("GET", permissions, None);
    it.call(
        "POST",
        "/api/access-profiles/1/roles",
        Some(&json!({ "role_ids": [1], "is_default": true })),
    );
    let made = it.call(
        "POST",
        "/api/users",
        Some(&with(example("create_user"), &json!({ "role_id": 1 }))),
    );
    it.call("POST", "/api/api-keys", Some(&example("create_api_key")));
    it.call("GET", "/api/api-keys/2", None);
    it.call("GET", "/api/api-keys", None);
    it.call("PUT", "/api/api-keys/2", Some(&example("update_api_key")));
    it.call(
        "POST",
        "/api/api-keys/2/rotate",
        Some(&example("rotate_api_key")),
    );
    it.call("GET", "/api/session", None);
    it.call("GET", "/api/rbac/permissions", None);
    it.call("GET", "/api/rbac/resources", None);
    it.call("GET", "/api/rbac/operations", None);
    it.call("GET", "/api/users/me/permissions", None);
    match &made["user"]["id"] {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

/// What the user holds; answers the virtual key.
fn hold(it: &mut Recorder<'_>, server: &Server, user: &str) -> String {
    let place = format!("/api/users/{user}");
    it.call("PUT", &place, Some(&example("update_user")));
    it.call(
        "POST",
        &format!("{place}/access-profiles"),
        Some(&json!({ "access_profile_id": 2 })),
    );
    it.call("DELETE", &format!("{place}/access-profiles/2"), None);
    let copy = it.call("GET", &format!("{place}/access-profiles/1"), None);
    let budget = copy["access_profile"]["budgets"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let over = format!("{place}/access-profiles/1/budgets/{budget}/override");
    it.call("PUT", &over, Some(&example("set_budget_override")));
    it.call("GET", &format!("{place}/access-profiles"), None);
    it.call("GET", "/api/access-profiles/1/users", None);
    let made = it.call(
        "POST",
        &format!("{place}/virtual-keys"),
        Some(&example("create_virtual_key")),
    );
    let under = format!("{place}/access-profiles/1/virtual-keys");
    it.call(
        "POST",
        &under,
        Some(&example("create_virtual_key_under_profile")),
    );
    let id = made["virtual_key"]["id"].as_str().unwrap();
    it.call("GET", &format!("/api/virtual-keys/{id}"), None);
    it.call(
        "PUT",
        &format!("/api/virtual-keys/{id}"),
        Some(&example("update_virtual_key")),
    );
    it.call("GET", "/api/virtual-keys", None);
    it.call("GET", &format!("{place}/virtual-keys"), None);
    it.call("GET", &place, None);
    it.call("GET", "/api/users", None);
    it.call("GET", "/api/governance/users", None);
    it.call("GET", "/api/rbac/roles/1", None);
    it.call("GET", "/api/rbac/roles", None);
    it.call("GET", "/api/access-profiles/1", None);
    it.call("GET", "/api/access-profiles", None);
    let services = &server.services;
    let code = services
        .sign_in_codes
        .make(SignsIn::Operator, services.clock.now());
    let code = json!({ "code": code.unwrap().0.reveal() });
    it.call("POST", "/api/session", Some(&code));
    let value = made["virtual_key"]["value"].as_str().unwrap();
    value.to_owned()
}

fn decide(it: &mut Recorder<'_>, server: &Server, key: &str) {
    let called = |operation: &str| with(example(operation), &json!({ "virtual_key": key }));
    let first = it.call("POST", "/v1/reservations", Some(&called("reserve")));
    let first = format!(
        "/v1/reservations/{}",
        first["reservation"]["id"].as_str().unwrap()
    );
    it.call(
        "POST",
        &format!("{first}/extend"),
        Some(&example("extend_reservation")),
    );
    it.call("GET", "/v1/reservations", None);
    it.call(
        "POST",
        &format!("{first}/settle"),
        Some(&example("settle_reservation")),
    );
    let second = with(called("reserve"), &json!({ "request_id": "018f2d5f" }));
    let second = reservation_id(&server.client.post("/v1/reservations", &second).expect(201));
    it.call("DELETE", &format!("/v1/reservations/{second}"), None);
    it.call("POST", "/v1/usage", Some(&called("charge")));
    let explained = with(
        example("explain"),
        &json!({ "virtual_key_id": &key["tk_vk_".len()..][..12] }),
    );
    it.call("POST", "/v1/explain", Some(&explained));
    // Something that is near its limit.
    let dear = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5", "tokens": 120_000, "cost": 17.5,
                      "request_id": "018f2d61" });
    server.client.post("/v1/usage", &dear).expect(201);
}

fn read(it: &mut Recorder<'_>, server: &Server, key: &str) {
    let holder = server.client.with_virtual_key(key);
    it.call_as(&holder, "GET", "/v1/quota", None);
    it.call_as(&holder, "GET", "/api/governance/virtual-keys/quota", None);
    it.call_as(&holder, "GET", "/v1/quota/usage", None);
    it.call_as(&holder, "GET", "/v1/mcp/tools?mcp_server=github", None);
    it.call(
        "GET",
        "/api/usage?group_by=day,access_profile,provider,model",
        None,
    );
    it.call("GET", "/api/usage/near-limits", None);
    it.call("GET", "/api/access-profiles/1/versions", None);
    it.call("GET", "/api/access-profiles/1/versions/2", None);
    it.call("GET", "/api/access-profiles/1/versions/2/diff", None);
    it.call("GET", "/api/access-profiles/1/audit-logs", None);
    it.call("GET", "/api/access-profiles/audit-logs?limit=3", None);
    it.call("GET", "/api/access-profiles/audit-logs/verify", None);
}

/// Marks a refusal, so that its id is always the same.
const ID: (&str, &str) = ("x-request-id", "example");

/// One refusal of every status that a client of management can bring about.
fn refuse(it: &mut Recorder<'_>, server: &Server) {
    const PROFILES: &str = "/api/access-profiles";
    const ROLES: &str = "/api/rbac/roles";
    let client = &server.client;
    let body = example("create_access_profile");
    let once = [ID, ("idempotency-key", "monday")];
    let named = |name: &str| json!({ "name": name });
    let scopes = json!({ "name": "reader", "scopes": ["AccessProfiles:View"] });
    let reader = client.post("/api/api-keys", &scopes).expect(200).json();
    let reader = client.with_key(reader["key"].as_str().unwrap());
    let roles = |name: &str| client.send("POST", ROLES, &once, Some(&named(name)));
    roles("testers").expect(200);
    let bearer = format!("Bearer {}", client.key);
    let raw = |kind: &str, body: &[u8]| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", kind),
            ID,
        ];
        client.raw("POST", PROFILES, &headers, Some(body))
    };
    let invalid =
        json!({ "nam": "developers", "budgets": [{ "max_limit": -1, "reset_duration": "1x" }] });
    let stale = [ID, ("if-match", "\"1-00000000\"")];
    let cleared = json!({ "description": "" });
    let long = "x".repeat(33 * 1024);
    let get = |path: &str| client.send("GET", path, &[ID], None);
    let make = |client: &Client, body: &Value| client.send("POST", PROFILES, &[ID], Some(body));
    it.refusal("400", &make(client, &invalid));
    it.refusal(
        "401",
        &client
            .with_key("")
            .send("GET", "/api/access-profiles/1", &[ID], None),
    );
    it.refusal("403", &make(&reader, &body));
    it.refusal("404", &get("/api/access-profiles/77"));
    it.refusal("409", &make(client, &body));
    it.refusal(
        "412",
        &client.send("PUT", "/api/access-profiles/1", &stale, Some(&cleared)),
    );
    it.refusal(
        "413",
        &raw("application/json", &vec![b' '; 1024 * 1024 + 1]),
    );
    it.refusal(
        "415",
        &raw("application/x-www-form-urlencoded", b"name=developers"),
    );
    it.refusal(
        "421",
        &client.raw("GET", "/health", &[("host", "elsewhere.example"), ID], None),
    );
    it.refusal("422", &roles("writers"));
    it.refusal(
        "431",
        &client.raw("GET", "/health", &[("x-long", &long), ID], None),
    );
}

/// Refusals of calls.
fn refuse_calls(it: &mut Recorder<'_>, server: &Server, key: &str) {
    let call = |more: &Value| {
        let call = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5" });
        let call = with(call, more);
        server
            .client
            .send("POST", "/v1/reservations", &[ID], Some(&call))
    };
    let stranger = server.client.with_key("");
    it.refusal("401_call", &stranger.send("GET", "/v1/quota", &[ID], None));
    it.refusal("402", &call(&json!({ "estimated_cost": 5 })));
    it.refusal("403_call", &call(&json!({ "model": "o3" })));
    it.refusal("429_call", &call(&json!({ "estimated_tokens": 40_000 })));
}

/// Refusals of servers that are pressed, or fail.
fn refuse_all(it: &mut Recorder<'_>) {
    let server = Server::start_with(|settings| {
        settings.server.deadlines.body = Duration::from_secs(1);
    });
    let head = "POST /api/session HTTP/1.1\r\nhost: localhost\r\nx-request-id: example\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    it.refusal("408", &exchange(server.client.port, head));
    let refused = |_| {
        let unknown = random_token(Kind::Management).unwrap();
        let stranger = server.client.with_key(unknown.reveal());
        stranger.send("GET", "/api/access-profiles", &[ID], None)
    };
    let throttled = (0..500).map(refused).find(|reply| reply.status == 429);
    it.refusal("429", &throttled.unwrap());
    // These two nobody can bring about from outside.
    let stopping = Problem::from(Error::Unavailable {
        code: "shutting_down",
        reason: "the server is shutting down".to_owned(),
    });
    for (status, problem) in [("500", Problem::panicked()), ("503", stopping)] {
        let body = problem.body("example");
        it.refusals.insert(status.to_owned(), body);
    }
}

/// A price of a model that no list has.
fn price(it: &mut Recorder<'_>) {
    let path = "/api/prices/openai/house-model";
    it.call("PUT", path, Some(&example("set_price")));
    it.call("GET", path, None);
    it.call("GET", "/api/prices?provider=openai&model=house-model", None);
    it.call("GET", "/api/upstreams", None);
    it.call("GET", "/api/settings", None);
    it.call("GET", "/api/status", None);
    it.call("DELETE", path, None);
}

/// A backup that is made and tried out.
fn backup(it: &mut Recorder<'_>) {
    let made = it.call("POST", "/api/backups", Some(&json!({})));
    let name = made["backup"]["name"].as_str().unwrap();
    let drill = format!("/api/backups/{name}/drill");
    it.call("POST", &drill, Some(&json!({})));
    it.call("GET", "/api/backups", None);
}

/// What the operator alone does: over the control socket, which no key opens.
fn operate(it: &mut Recorder<'_>, server: &Server) {
    operator_call(
        it,
        server,
        "create_sign_in_code",
        "/api/sign-in-codes",
        None,
    );
    let (store, now) = (&server.services.store, server.time.now());
    let anchor = store.directory().audit_anchor();
    std::fs::remove_file(&anchor).unwrap();
    let body = example("renew_audit_log");
    operator_call(
        it,
        server,
        "renew_audit_log",
        "/api/audit-log/renew",
        Some(&body),
    );
    // An anchor of a log that is longer than the one there is.
    let newer = format!(
        r#"{{"entries":1000,"head":"{}","anchored_at":"{now}"}}"#,
        "0".repeat(64)
    );
    std::fs::write(&anchor, newer).unwrap();
    let body = example("accept_audit_log");
    operator_call(
        it,
        server,
        "accept_audit_log",
        "/api/audit-log/accept",
        Some(&body),
    );
}

fn operator_call(
    it: &mut Recorder<'_>,
    server: &Server,
    operation: &str,
    path: &str,
    body: Option<&Value>,
) {
    let reply = server.operate("POST", path, body);
    assert!(reply.status < 300, "{}", reply.text);
    it.answers.insert(operation.to_owned(), reply.json());
}

fn take_away(it: &mut Recorder<'_>, user: &str) {
    let place = format!("/api/users/{user}");
    it.call(
        "POST",
        "/api/access-profiles/1/propagate",
        Some(&example("propagate")),
    );
    it.call("POST", "/api/access-profiles/1/versions/1/restore", None);
    let over = it.call("GET", &format!("{place}/access-profiles/1"), None);
    let budget = over["access_profile"]["budgets"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    it.call(
        "DELETE",
        &format!("{place}/access-profiles/1/budgets/{budget}/override"),
        None,
    );
    let keys = it.call("GET", &format!("{place}/virtual-keys"), None);
    let id = keys["virtual_keys"][1]["id"].as_str().unwrap().to_owned();
    it.call(
        "POST",
        &format!("/api/virtual-keys/{id}/rotate"),
        Some(&example("rotate_virtual_key")),
    );
    it.call(
        "DELETE",
        &format!("{place}/access-profiles/virtual-keys/{id}"),
        None,
    );
    it.call(
        "PUT",
        "/api/mcp/tool-groups/1",
        Some(&example("update_mcp_tool_group")),
    );
    it.call("DELETE", "/api/mcp/tool-groups/1", None);
    it.call(
        "PUT",
        &format!("{place}/role"),
        Some(&json!({ "role_id": 2 })),
    );
    it.call("DELETE", "/api/access-profiles/1/roles/1", None);
    it.call("DELETE", "/api/rbac/roles/1", None);
    it.call("DELETE", &place, None);
    it.call("DELETE", "/api/access-profiles/2", None);
    it.call("DELETE", "/api/api-keys/2", None);
}
