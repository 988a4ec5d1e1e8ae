//! Speaking to the server of a data directory over its control socket.
//!
//! If no server holds the directory, one is started inside this process that listens on the control socket alone, so a command
//! does the same thing through the same code either way.

use std::path::PathBuf;
use std::thread::JoinHandle;

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
use crate::store::directory::place;
use crate::store::directory::{DataDirectory, Owned};

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
        Self::open(settings, false)?.finish(done)
    }

    /// The same, on a directory that may get a database for it.
    pub fn with_new<T>(settings: &Settings, done: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        Self::open(settings, true)?.finish(done)
    }

    fn finish<T>(self, done: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let done = done(&self);
        self.close().and(done)
    }

    /// Finds the server of the data directory, or starts one for this command. `create` says whether a directory without a
    /// database may get one.
    fn open(settings: &Settings, create: bool) -> Result<Self> {
        let data_dir = &settings.storage.data_dir;
        if !create && !place::holds_database(data_dir) {
            return Err(Error::refused(format!(
                "there is no database in {}; start the server there first, or name another directory with --data-dir",
                data_dir.display()
            )));
        }
        let (root, own) = match DataDirectory::own(data_dir)? {
            Owned::Other { root, .. } => (root, None),
            Owned::Ours(directory) => {
                let root = directory.root().to_owned();
                drop(directory);
                let clock = Clock::new(jiff::Timestamp::now);
                let app = app::build(settings, clock, Reach::ControlSocket)?;
                let stopper = app.stopper();
                let thread = std::thread::spawn(move || app.run(|| {}));
                (root, Some((stopper, thread)))
            }
        };
        Ok(Self {
            socket: root.join("control.sock"),
            database: root.join("tollkeeper.db"),
            own,
        })
    }

    /// The database that commands change.
    pub fn database(&self) -> String {
        self.database.display().to_string()
    }

    /// Makes a call and answers its JSON body.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's own sentence when it refuses.
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        match self.answer(method, path, body)? {
            (status, answer) if status.is_success() => Ok(answer),
            (_, answer) => Err(refusal(&answer)),
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
            (_, answer) => Err(refusal(&answer)),
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
            Error::refused(format!(
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
fn refusal(answer: &Value) -> Error {
    if let Some(errors) = answer["extra_fields"]["errors"].as_array() {
        let messages: Vec<&str> = errors.iter().map(|error| text(&error["message"])).collect();
        return Error::refused(messages.join("\n  "));
    }
    let (message, param) = (
        text(&answer["error"]["message"]),
        text(&answer["error"]["param"]),
    );
    let alone = message
        .strip_prefix(param)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(message);
    if answer["type"] == "internal_error" {
        return Error::refused(format!("{alone}: {}", text(&answer["event_id"])));
    }
    Error::refused(alone)
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
