//! What the machine gives at best, for what the server gives to stand beside: the same HTTP library with handlers that decide and keep
//! nothing, in a process of its own as the server is, and a loop that commits row after row.

use std::path::Path;
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use super::process::{LISTENING, Process};
use super::server::command;
use super::settings::Settings;

/// What a handler does with a body before it answers the same bytes to everything.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Reading {
    Nothing,
    /// Any JSON object.
    Json,
    /// A reservation, as a handler without any rules would read it.
    Call,
}

impl Reading {
    fn accepts(self, body: &[u8]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Json => serde_json::from_slice(body).is_ok_and(|body: Value| body.is_object()),
            Self::Call => serde_json::from_slice::<CallBody>(body).is_ok(),
        }
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only read")]
struct CallBody {
    virtual_key: String,
    provider: Option<String>,
    model: String,
    mcp_server: Option<String>,
    mcp_tool: Option<String>,
    estimated_tokens: Option<i64>,
    estimated_cost: Option<f64>,
    request_id: Option<String>,
}

/// Starts this tool as such a server, whose answers have so many bytes.
pub fn start(settings: &Settings, reading: &str, bytes: usize) -> Process {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(&settings.wrapper(), &std::env::current_exe().unwrap());
    command.args(["ceiling", reading, &bytes.to_string()]);
    // It listens by then, and what it says later nobody needs.
    Process::start(command, &directory.path().join("log"))
}

/// Serves until the process is killed.
pub fn serve(reading: Reading, bytes: usize) {
    let body = Bytes::from(vec![b'x'; bytes]);
    let server = HttpServer::new(move || {
        let answer = body.clone();
        let handler = move |body: Bytes| {
            let answer = if reading.accepts(&body) {
                let answer = answer.clone();
                HttpResponse::Ok()
                    .content_type("application/json")
                    .body(answer)
            } else {
                HttpResponse::BadRequest().finish()
            };
            async move { answer }
        };
        App::new().default_service(web::to(handler))
    });
    let processors = std::thread::available_parallelism().unwrap().get();
    let server = server.workers(processors).bind("127.0.0.1:0").unwrap();
    eprintln!("{LISTENING}{}", server.addrs()[0].port());
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}

/// How many rows with a profile's JSON a database of its own in this directory takes a second, each in a commit with its sync.
pub fn commits(directory: &Path, profile: &str) -> f64 {
    const FOR: Duration = Duration::from_secs(2);
    let connection = Connection::open(directory.join("commits.db")).unwrap();
    let schema = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
        CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;";
    connection.execute_batch(schema).unwrap();
    let mut insert = connection
        .prepare("INSERT INTO rows (name, json) VALUES (?1, ?2)")
        .unwrap();
    let (began, mut rows) = (Instant::now(), 0);
    while began.elapsed() < FOR {
        rows += 1;
        insert.execute((format!("row {rows}"), profile)).unwrap();
    }
    f64::from(rows) / began.elapsed().as_secs_f64()
}
