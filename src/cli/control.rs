//! Speaking to the server of a data directory over its control socket.
//!
//! If no server holds the directory, one is started inside this process that listens on a socket of its own, so a command does the
//! same thing through the same code either way. While another command does that, this one waits for it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::app::{self, Reach, Stopper};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::service::Clock;
use crate::store::directory::files::{CONTROL_SOCKET, DATABASE};
use crate::store::directory::owner::not_ours;
use crate::store::directory::place;
use crate::store::directory::{DataDirectory, Owned};

/// How long a command waits for others that hold the directory, or for a server that starts or stops there.
const MOST_WAITED: Duration = Duration::from_secs(30);
/// After how long it says so.
const QUIET: Duration = Duration::from_secs(1);
/// How often it looks.
const BETWEEN: Duration = Duration::from_millis(25);

/// The way to the server of a data directory.
pub struct Control {
    socket: PathBuf,
    database: PathBuf,
    own: Option<(Stopper, JoinHandle<Result<()>>)>,
}

impl Control {
    /// Does something with the server of the data directory, and ends the one that was started for it, so that everything is on disk.
    ///
    /// # Errors
    /// What stopped it, or one sentence when the directory can't be used.
    pub fn with<T>(settings: &Settings, done: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let control = Self::open(settings)?;
        let done = done(&control);
        control.close().and(done)
    }

    /// Finds the server of the data directory, or starts one for this command. Nothing but a server makes a database.
    fn open(settings: &Settings) -> Result<Self> {
        let data_dir = &settings.storage.data_dir;
        if !place::holds_database(data_dir)? {
            return Err(Error::unreachable(format!(
                "there is no database in {}; start the server there first, or name another directory with --data-dir",
                data_dir.display()
            )));
        }
        if let Some(owner) = place::other_owner(data_dir)? {
            let root = place::find(data_dir);
            // Its own user's server, or one of root's.
            let server = Self::of_server(&root)?;
            let server = server.filter(|it| place::is_socket_of(&it.socket, &[owner, 0]));
            return server.ok_or_else(|| not_ours(&root, owner));
        }
        let began = Instant::now();
        let mut has_told = false;
        loop {
            let (process, root) = match DataDirectory::own(data_dir)? {
                Owned::Ours(directory) => return Self::serve(settings, directory),
                Owned::Other { process, root } => (process, root),
            };
            if let Some(server) = Self::of_server(&root)? {
                return Ok(server);
            }
            let who = process.map_or_else(
                || "another process".to_owned(),
                |process| format!("process {process}"),
            );
            if began.elapsed() > MOST_WAITED {
                let seconds = MOST_WAITED.as_secs();
                return Err(Error::unreachable(format!(
                    "{who} holds {} and has not answered for {seconds} s; look what it is, and try again",
                    root.display()
                )));
            }
            if began.elapsed() > QUIET && !has_told {
                has_told = true;
                eprintln!(
                    "tollkeeper: waiting for {who}, which holds {}",
                    root.display()
                );
            }
            std::thread::sleep(BETWEEN);
        }
    }

    /// The way to a server that answers there.
    fn of_server(root: &Path) -> Result<Option<Self>> {
        let socket = root.join(CONTROL_SOCKET);
        match std::os::unix::net::UnixStream::connect(&socket) {
            Ok(_) => Ok(Some(Self {
                socket,
                database: root.join(DATABASE),
                own: None,
            })),
            Err(error)
                if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) =>
            {
                Ok(None)
            }
            Err(error) => Err(place::unusable(&socket, &error)),
        }
    }

    /// Starts a server for this command alone.
    fn serve(settings: &Settings, directory: DataDirectory) -> Result<Self> {
        let (socket, database) = (directory.command_socket(), directory.database());
        let clock = Clock::new(jiff::Timestamp::now);
        let app = app::build(settings, clock, Reach::Command(directory))?;
        let stopper = app.stopper();
        let thread = std::thread::spawn(move || app.run(|| {}));
        Ok(Self {
            socket,
            database,
            own: Some((stopper, thread)),
        })
    }

    /// The database that commands change.
    pub fn database(&self) -> String {
        self.database.display().to_string()
    }

    /// Makes a call and answers its JSON body.
    ///
    /// # Errors
    /// [`Error::Answered`] with the server's own sentence when it refuses.
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        match self.answer(method, path, body)? {
            (status, answer) if status.is_success() => Ok(answer),
            (_, answer) => Err(refusal(answer)),
        }
    }

    /// Reads what is at a path, if there is anything.
    ///
    /// # Errors
    /// As [`Control::call`].
    pub fn find(&self, path: &str) -> Result<Option<Value>> {
        match self.answer(Method::GET, path, None)? {
            (status, answer) if status.is_success() => Ok(Some(answer)),
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (_, answer) => Err(refusal(answer)),
        }
    }

    fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal("starting to call the server", error))?;
        runtime.block_on(self.exchange(method, path, body))
    }

    /// Every item of a list, page by page. `path` has a query already.
    ///
    /// # Errors
    /// As [`Control::call`].
    pub fn every(&self, items: &str, path: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let page = self.call(Method::GET, &format!("{path}&offset={}", all.len()), None)?;
            let found = page[items].as_array().cloned().unwrap_or_default();
            all.extend(found.iter().cloned());
            if found.is_empty() || page["total_count"].as_u64() <= u64::try_from(all.len()).ok() {
                return Ok(all);
            }
        }
    }

    /// Every item of a list that is searched, or all of it.
    ///
    /// # Errors
    /// As [`Control::call`].
    pub fn searched(&self, items: &str, path: &str, search: Option<&str>) -> Result<Vec<Value>> {
        let search = search.map(|text| format!("&search={}", encoded(text)));
        let path = format!("{path}?limit=500{}", search.unwrap_or_default());
        self.every(items, &path)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let unreachable = |error: &dyn std::fmt::Display| {
            Error::unreachable(format!(
                "a server holds the data directory, but {} does not answer: {error}",
                self.socket.display()
            ))
        };
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| unreachable(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(&error))?;
        tokio::spawn(connection);
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(text)))
            .map_err(|error| Error::internal("calling the server", error))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| unreachable(&error))?;
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|error| unreachable(&error))?
            .to_bytes();
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| unreachable(&error))?;
        Ok((status, answer))
    }

    /// Ends the server that was started for this command, if any.
    fn close(self) -> Result<()> {
        let Some((stopper, thread)) = self.own else {
            return Ok(());
        };
        stopper.stop();
        thread
            .join()
            .unwrap_or_else(|_| Err(Error::refused("the command's own server panicked")))
    }
}

/// What the server says against a call. Violations name their fields; a sentence that stands alone needs no path of a body before it.
fn refusal(answer: Value) -> Error {
    let (message, param) = (
        text(&answer["error"]["message"]),
        text(&answer["error"]["param"]),
    );
    let alone = message
        .strip_prefix(param)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(message);
    let message = if let Some(errors) = answer["extra_fields"]["errors"].as_array() {
        let messages: Vec<&str> = errors.iter().map(|error| text(&error["message"])).collect();
        messages.join("\n  ")
    } else if answer["type"] == "internal_error" {
        format!("{alone}: {}", text(&answer["event_id"]))
    } else {
        alone.to_owned()
    };
    Error::Answered {
        message,
        answer: Box::new(answer),
    }
}

/// A text as it may stand in a path or a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A field that is text; nothing when it is not.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
