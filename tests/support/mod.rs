//! A real server for tests: in this process on a fresh directory and port 0, or the real binary as a process of its own.
#![allow(dead_code, reason = "every test binary uses another part of this")]

pub mod body_tricks;
pub mod exposition;
pub mod holders;
pub mod holdings;
pub mod operator;
pub mod people;
pub mod process;
pub mod refusal;
pub mod tls;
pub mod upstream;
pub mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tollkeeper::app::{self, Reach, Stopper};
use tollkeeper::config::{Flags, Settings};
use tollkeeper::error::Result;
use tollkeeper::service::{Clock, Services};

/// A running server on a data directory of its own. Dropping it stops it in order.
pub struct Server {
    // First, so that it has stopped before its directory goes.
    running: Running,
    pub directory: TempDir,
    pub client: Client,
    pub services: Arc<Services>,
    pub time: TestTime,
    pub metrics_port: Option<u16>,
}

struct Running {
    stopper: Stopper,
    thread: Option<JoinHandle<Result<()>>>,
}

/// The time that an in-process server sees; stands still until it is moved.
#[derive(Clone)]
pub struct TestTime(Arc<AtomicI64>);

impl TestTime {
    pub fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(
            text.parse::<Timestamp>().unwrap().as_millisecond(),
        )))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || time.now())
    }
}

impl Server {
    /// A server on an empty directory, at noon of 1 June 2026.
    pub fn start() -> Self {
        Self::start_on(
            tempfile::tempdir().unwrap(),
            TestTime::at("2026-06-01T12:00:00Z"),
        )
    }

    /// A server on an empty directory with other settings.
    pub fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(&directory.path().join("data"));
        change(&mut settings);
        Self::start_set(directory, TestTime::at("2026-06-01T12:00:00Z"), &settings)
    }

    pub fn start_on(directory: TempDir, time: TestTime) -> Self {
        let settings = settings(&directory.path().join("data"));
        Self::start_set(directory, time, &settings)
    }

    pub fn start_set(directory: TempDir, time: TestTime, settings: &Settings) -> Self {
        let app = app::build(settings, time.clock(), Reach::Network).unwrap();
        let key =
            std::fs::read_to_string(directory.path().join("data/initial-key")).unwrap_or_default();
        let client = Client::new(app.port(), key.trim());
        let metrics_port = app.metrics_port();
        let (services, stopper) = (Arc::clone(app.services()), app.stopper());
        let thread = Some(std::thread::spawn(move || app.run(|| {})));
        Self {
            running: Running { stopper, thread },
            directory,
            client,
            services,
            time,
            metrics_port,
        }
    }

    /// Stops in order and starts again on the same directory and at the same time.
    pub fn restart(mut self) -> Self {
        self.stop();
        // Whoever holds the services holds the lock of the directory.
        drop(self.services);
        Self::start_on(self.directory, self.time)
    }

    /// The same with other settings.
    pub fn restart_with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        self.stop();
        drop(self.services);
        let mut settings = settings(&self.directory.path().join("data"));
        change(&mut settings);
        Self::start_set(self.directory, self.time, &settings)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn stop(&mut self) {
        self.running.stop();
    }
}

impl Running {
    fn stop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// Settings for a directory: port 0, defaults otherwise.
pub fn settings(data_dir: &Path) -> Settings {
    let flags = Flags {
        data_dir: Some(data_dir.to_owned()),
        listen: Some("127.0.0.1:0".to_owned()),
        ..Flags::default()
    };
    Settings::load(flags, []).unwrap()
}

/// Speaks HTTP with one key.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    pub port: u16,
    pub key: String,
}

/// An answer: status, headers (names in lower case) and body.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of the refusal.
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Every violation as `param code`, sorted.
    pub fn violations(&self) -> Vec<String> {
        let body = self.json();
        let mut all: Vec<String> = body["extra_fields"]["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("no violations: {self:?}"))
            .iter()
            .map(|one| {
                format!(
                    "{} {}",
                    one["param"].as_str().unwrap_or("-"),
                    one["code"].as_str().unwrap()
                )
            })
            .collect();
        all.sort();
        all
    }

    /// The same answer, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Client {
    pub fn new(port: u16, key: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Self {
            agent,
            port,
            key: key.to_owned(),
        }
    }

    /// The same client with another key; none when empty.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// A call with exactly these headers, beside Host.
    pub fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        self.try_raw(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// A POST that finds no server, or loses it on the way, has no answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Reply> {
        let bearer = format!("Bearer {}", self.key);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        self.try_raw("POST", path, &headers, Some(body.to_string().as_bytes()))
            .ok()
    }

    /// A DELETE that finds no server, or loses it on the way, has no answer.
    pub fn try_delete(&self, path: &str) -> Option<Reply> {
        let bearer = format!("Bearer {}", self.key);
        let headers = [("authorization", bearer.as_str())];
        self.try_raw("DELETE", path, &headers, None).ok()
    }

    fn try_raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> std::result::Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body.to_vec()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX);
        // Some files are sent compressed, whatever was asked for.
        let text = String::from_utf8_lossy(&body.read_to_vec()?).into_owned();
        Ok(Reply {
            status,
            headers,
            text,
        })
    }

    /// A call with this client's key and further headers.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = extra.to_vec();
        if !self.key.is_empty() {
            headers.push(("authorization", &bearer));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.raw(
            method,
            path,
            &headers,
            body.map(Value::to_string).as_ref().map(String::as_bytes),
        )
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[], Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, &[], Some(body))
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], None)
    }

    /// Makes a key with these permissions; answers its id and a client that uses it.
    pub fn make_key(&self, name: &str, scopes: &[&str]) -> (i64, Self) {
        let made = self
            .post("/api/api-keys", &json!({ "name": name, "scopes": scopes }))
            .expect(200)
            .json();
        (
            made["api_key"]["id"].as_i64().unwrap(),
            self.with_key(made["key"].as_str().unwrap()),
        )
    }

    /// Creates a profile; answers it.
    pub fn create_profile(&self, body: &Value) -> Value {
        self.post("/api/access-profiles", body).expect(201).json()["access_profile"].clone()
    }
}
