//! Who manages: makes people, gives them the profile, changes it, and takes most of them away again.

use super::PEOPLE;
use super::books::Finding;
use super::callers::Caller;
use crate::client::request;
use crate::house::{call, value};
use crate::server::Server;

/// One of so many people stays.
const STAYS: usize = 10;
/// So many people are made with one management key, of which the answers to 10,000 requests with an idempotency key are kept.
const PEOPLE_A_KEY: usize = 4_000;

/// What should be there in the end.
#[derive(Default)]
pub struct Kept {
    people: usize,
    /// Keys of those who stayed, and of the last who were deleted.
    keys: Vec<String>,
    gone: Vec<String>,
    description: String,
}

/// Manages until the time is over.
pub fn manage(mut caller: Caller<'_>) -> Kept {
    let mut kept = Kept::default();
    let mut number = 0;
    let mut operator = caller.house.operator.clone();
    while let Some((id, _)) = caller.next() {
        number += 1;
        if number % PEOPLE_A_KEY == 0 {
            let body = format!(r#"{{"name":"manager {number}","scopes":["*"]}}"#);
            let made = caller.ask_for("POST", "/api/api-keys", &body);
            if caller.expect("making a management key", &made, &[200]) {
                let key = value(&made.body)["key"].clone();
                operator = format!("Authorization: Bearer {}", key.as_str().unwrap_or_default());
            }
        }
        let once = format!("{operator}\r\nIdempotency-Key: ");
        let body = format!(r#"{{"name":"{id}","email":"{id}@example.org"}}"#);
        let question = request("POST", "/api/users", &format!("{once}user-{id}"), &body);
        let made = caller.ask(&question);
        if !caller.expect("making a user", &made, &[200]) {
            continue;
        }
        let user = value(&made.body)["user"]["id"].to_string().replace('"', "");
        let path = format!("/api/users/{user}/access-profiles");
        let body = r#"{"access_profile_id":1}"#;
        let given = caller.ask(&request("POST", &path, &format!("{once}copy-{id}"), body));
        if !caller.expect("assigning", &given, &[201]) {
            continue;
        }
        let key = value(&given.body)["virtual_key"]["value"].clone();
        let key = key.as_str().unwrap_or_default().to_owned();
        let description = format!("As of {id}");
        let body = format!(r#"{{"description":"{description}"}}"#);
        let changed = caller.ask_for("PUT", "/api/access-profiles/1", &body);
        if caller.expect("changing the profile", &changed, &[200]) {
            kept.description = description;
        }
        let decided = caller.ask_for("POST", "/v1/explain", &call(&key, "gpt-5"));
        caller.expect("explaining", &decided, &[200]);
        if number % STAYS == 0 {
            kept.people += 1;
            kept.keys.push(key);
            continue;
        }
        let deleted = caller.ask_for("DELETE", &format!("/api/users/{user}"), "");
        // What was not answered the first time may be done all the same.
        if caller.expect("deleting a user", &deleted, &[200, 404]) {
            kept.gone.push(key);
        }
    }
    kept
}

impl Kept {
    /// Whether the server has all that was acknowledged, and none of what was taken away.
    pub fn compare(&self, server: &Server) -> Vec<Finding> {
        let users = value(&server.ask("GET", "/api/governance/users?limit=1", "").body);
        let expected = PEOPLE + self.people;
        let users = &users["total_count"];
        let profile = value(&server.ask("GET", "/api/access-profiles/1", "").body);
        let description = &profile["access_profile"]["description"];
        let statuses = |keys: &[String], wanted: u16| {
            let ask = |key: &String| server.ask("POST", "/v1/reservations", &call(key, "gpt-5"));
            let statuses = keys.iter().map(|key| ask(key).status);
            statuses.filter(|status| *status != wanted).count()
        };
        let (silent, alive) = (statuses(&self.keys, 201), statuses(&self.gone, 401));
        vec![
            (
                format!("users: {expected}"),
                (*users != expected).then(|| format!("there are {users}")),
            ),
            (
                "the last change of the profile".to_owned(),
                (*description != *self.description).then(|| format!("is {description}")),
            ),
            (
                format!("keys of who stayed: {}", self.keys.len()),
                (silent > 0).then(|| format!("{silent} don't work")),
            ),
            (
                format!("keys of who was deleted: {}", self.gone.len()),
                (alive > 0).then(|| format!("{alive} still work")),
            ),
        ]
    }
}
