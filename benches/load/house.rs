//! A house with people in it, made through the API: by whichever binary is asked, so that an older one can be measured too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::client::request;
use super::generator::{Load, Pace, run};
use super::script::{Script, member};
use super::server::Server;

/// What everybody's profile allows; its limits are never reached.
const POLICY: &str = r#"{"name":"everybody",
    "provider_configs":[{"provider_name":"openai","allowed_models":["gpt-4*","o3","gpt-5*","lab-*"]}],
    "budgets":[{"max_limit":1000000000,"reset_duration":"1M"}],
    "rate_limit":{"request_max_limit":9007199254740991,"request_reset_duration":"1h",
        "token_max_limit":9007199254740991,"token_reset_duration":"1h"}}"#;
/// Connections that make things.
const CONNECTIONS: usize = 64;
/// How long making things may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// Somebody with a copy of the profile and a virtual key.
#[derive(Clone)]
pub struct Person {
    pub user: String,
    pub key: String,
}

/// Makes the profile and so many people who hold it.
pub fn make_people(server: &Server, number: usize) -> Vec<Person> {
    let made = server.ask("POST", "/api/access-profiles", POLICY);
    assert_eq!(made.status, 201, "{}", made.body);
    let operator = server.operator.clone();
    let users = make(
        server,
        number,
        move |n| {
            let body = format!(r#"{{"name":"Person {n}","email":"person{n}@example.org"}}"#);
            request("POST", "/api/users", &operator, &body)
        },
        |answer| member(answer, "id").map(str::to_owned),
    );
    let operator = server.operator.clone();
    make(
        server,
        number,
        move |n| {
            let path = format!("/api/users/{}/access-profiles", users[n]);
            request("POST", &path, &operator, r#"{"access_profile_id":1}"#)
        },
        |answer| {
            let [user, key] = ["user_id", "value"].map(|name| member(answer, name));
            Some(Person {
                user: user?.to_owned(),
                key: key?.to_owned(),
            })
        },
    )
}

/// Makes so many profiles.
pub fn make_profiles(server: &Server, number: usize, body: fn(usize) -> String) {
    let operator = server.operator.clone();
    let profile = move |n| request("POST", "/api/access-profiles", &operator, &body(n));
    make(server, number, profile, |_| Some(()));
}

/// Sends as many requests as things are wanted, and takes from each answer what was made; in any order.
fn make<T: Send + 'static>(
    server: &Server,
    number: usize,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    take: fn(&[u8]) -> Option<T>,
) -> Vec<T> {
    let making = Making {
        asked: Arc::default(),
        number,
        request: Arc::new(request),
        take,
        made: Arc::default(),
    };
    let load = Load {
        connections: CONNECTIONS.min(number),
        pace: Pace::AsAnswered,
        duration: PATIENCE,
    };
    run(server.process.port, load, || Box::new(making.clone()));
    let made = std::mem::take(&mut *making.made.lock().unwrap());
    assert_eq!(made.len(), number, "everything is made");
    made
}

struct Making<T> {
    asked: Arc<AtomicUsize>,
    number: usize,
    request: Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>,
    take: fn(&[u8]) -> Option<T>,
    made: Arc<Mutex<Vec<T>>>,
}

impl<T> Clone for Making<T> {
    fn clone(&self) -> Self {
        Self {
            asked: Arc::clone(&self.asked),
            number: self.number,
            request: Arc::clone(&self.request),
            take: self.take,
            made: Arc::clone(&self.made),
        }
    }
}

impl<T: Send> Script for Making<T> {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        if number < self.number {
            *request = (self.request)(number);
        }
        number < self.number
    }

    fn answered(&mut self, status: u16, body: &[u8]) {
        let made = (self.take)(body).filter(|_| status < 300);
        let said = || panic!("{status} {}", String::from_utf8_lossy(body));
        self.made.lock().unwrap().push(made.unwrap_or_else(said));
    }
}

/// Makes a management key with these permissions; answers the header that it authenticates with, and its id.
pub fn make_key(server: &Server, name: &str, permissions: &[&str]) -> (String, String) {
    let body = serde_json::json!({ "name": name, "scopes": permissions });
    let made = server.ask("POST", "/api/api-keys", &body.to_string());
    let made = value(&made.body);
    let key = made["key"]
        .as_str()
        .expect("a management key is shown once");
    (
        format!("Authorization: Bearer {key}"),
        made["api_key"]["id"].to_string().replace('"', ""),
    )
}

/// The body of a reservation.
pub fn call(key: &str, model: &str) -> String {
    format!(
        r#"{{"virtual_key":"{key}","provider":"openai","model":"{model}","estimated_tokens":1200,"estimated_cost":0.0125}}"#
    )
}

pub fn value(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or(Value::Null)
}
