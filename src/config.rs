//! Settings: defaults < config.toml < environment < flags. Nothing else reads the environment.
//!
//! The file and every variable are read into the same type, so a setting has one name, one type and one error.

mod names;

use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use self::names::Names;
use crate::domain::input::nearest;
use crate::error::{Error, Result};

/// Before every variable of ours.
const PREFIX: &str = "TOLLKEEPER_";
/// Names the settings file.
const CONFIG_VARIABLE: &str = "TOLLKEEPER_CONFIG";
/// Names a file that holds the first key.
const BOOTSTRAP_VARIABLE: &str = "TOLLKEEPER_BOOTSTRAP_KEY_FILE";
/// The settings file that is read when none is named, if it exists.
const DEFAULT_FILE: &str = "config.toml";

/// Everything that can be set, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Host names by which clients reach this server, beside the loopback names.
    pub allowed_hosts: Vec<String>,
    /// How long a request body may take.
    pub body_timeout: Duration,
    /// Connections at a time.
    pub max_connections: usize,
    /// Where everything is stored.
    pub data_dir: PathBuf,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The least severe log lines that are written.
    pub log_level: log::LevelFilter,
    /// A file that holds the first key, instead of a generated one.
    pub bootstrap_key_file: Option<PathBuf>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What flags can say; the rest of the settings have none.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--log-format`
    pub log_format: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Document {
    server: ServerTable,
    storage: StorageTable,
    log: LogTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ServerTable {
    listen: Option<String>,
    allowed_hosts: Option<Names>,
    body_timeout_seconds: Option<u64>,
    max_connections: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StorageTable {
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LogTable {
    format: Option<LogFormat>,
    level: Option<Level>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Every setting by its name in the file, for hints; a test keeps it equal to the tables above.
const NAMES: [&str; 7] = [
    "server.listen",
    "server.allowed_hosts",
    "server.body_timeout_seconds",
    "server.max_connections",
    "storage.data_dir",
    "log.format",
    "log.level",
];

impl Settings {
    /// Reads the settings. `environment` is every variable of the process.
    ///
    /// # Errors
    /// [`Error::Refused`] that names the file and line, or the variable, and what was expected.
    pub fn load(
        flags: Flags,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let variables: Vec<(String, String)> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let named = |wanted: &str| {
            variables
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| PathBuf::from(value))
        };
        let mut document = match flags.config.or_else(|| named(CONFIG_VARIABLE)) {
            Some(path) => Document::read(&path)?,
            None if Path::new(DEFAULT_FILE).exists() => Document::read(Path::new(DEFAULT_FILE))?,
            None => Document::default(),
        };
        for (name, value) in &variables {
            if name != CONFIG_VARIABLE && name != BOOTSTRAP_VARIABLE {
                document.set(name, value)?;
            }
        }
        let Document {
            server,
            storage,
            log,
        } = document;
        let listen = flags
            .listen
            .or(server.listen)
            .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        Ok(Self {
            listen: address(&listen)?,
            allowed_hosts: server.allowed_hosts.unwrap_or_default().0,
            body_timeout: seconds(
                "server.body_timeout_seconds",
                server.body_timeout_seconds.unwrap_or(10),
            )?,
            max_connections: connections(server.max_connections.unwrap_or(10_000))?,
            data_dir: flags
                .data_dir
                .or(storage.data_dir)
                .unwrap_or_else(|| PathBuf::from("data")),
            log_format: flags.log_format.or(log.format).unwrap_or(LogFormat::Text),
            log_level: log.level.unwrap_or(Level::Info).filter(),
            bootstrap_key_file: named(BOOTSTRAP_VARIABLE),
        })
    }
}

impl Document {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::refused(format!(
                "can't read the settings file {}: {error}",
                path.display()
            ))
        })?;
        toml::from_str(&text).map_err(|error| {
            let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
            let line = before.matches('\n').count() + 1;
            Error::refused(format!(
                "{}, line {line}: {}",
                path.display(),
                explain(&error)
            ))
        })
    }

    /// Sets one value from a variable such as `TOLLKEEPER_SERVER__LISTEN`.
    fn set(&mut self, variable: &str, value: &str) -> Result<()> {
        let unknown = || {
            let all: Vec<String> = NAMES.iter().map(|name| variable_of(name)).collect();
            let known = all
                .iter()
                .map(String::as_str)
                .chain([CONFIG_VARIABLE, BOOTSTRAP_VARIABLE]);
            let hint = nearest(variable, known.clone()).map_or_else(
                || format!("known: {}", known.collect::<Vec<_>>().join(", ")),
                |name| format!("did you mean {name}?"),
            );
            Error::refused(format!(
                "the environment variable {variable} is no setting; {hint}"
            ))
        };
        let name = NAMES
            .iter()
            .find(|name| variable_of(name) == variable)
            .ok_or_else(unknown)?;
        let (table, key) = name.split_once('.').ok_or_else(unknown)?;
        // What is no number or list to TOML is meant as text.
        let as_text = toml::Value::String(value.to_owned()).to_string();
        let read = |value: &str| toml::from_str::<Self>(&format!("[{table}]\n{key} = {value}\n"));
        let document = read(value).or_else(|_| read(&as_text)).map_err(|error| {
            Error::refused(format!(
                "the environment variable {variable}: {}",
                explain(&error)
            ))
        })?;
        self.overlay(document);
        Ok(())
    }

    fn overlay(&mut self, over: Self) {
        fn put<T>(under: &mut Option<T>, over: Option<T>) {
            if over.is_some() {
                *under = over;
            }
        }
        put(&mut self.server.listen, over.server.listen);
        put(&mut self.server.allowed_hosts, over.server.allowed_hosts);
        put(
            &mut self.server.body_timeout_seconds,
            over.server.body_timeout_seconds,
        );
        put(
            &mut self.server.max_connections,
            over.server.max_connections,
        );
        put(&mut self.storage.data_dir, over.storage.data_dir);
        put(&mut self.log.format, over.log.format);
        put(&mut self.log.level, over.log.level);
    }
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_uppercase())
}

/// The error of the parser, with the nearest known name where a name is wrong.
fn explain(error: &toml::de::Error) -> String {
    let message = error.message().trim().replace('\n', " ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((wrong, known)) if message.starts_with("unknown field") => {
            match nearest(wrong, known.iter().copied()) {
                Some(known) => format!("there is no setting {wrong:?}; did you mean {known:?}?"),
                None => format!(
                    "there is no setting {wrong:?}; known here: {}",
                    known.join(", ")
                ),
            }
        }
        _ => message,
    }
}

fn address(text: &str) -> Result<SocketAddr> {
    let expected = "expected an address and a port such as 127.0.0.1:8080";
    text.to_socket_addrs()
        .map_err(|error| {
            Error::refused(format!(
                "server.listen: {expected}, found {text:?} ({error})"
            ))
        })?
        .next()
        .ok_or_else(|| {
            Error::refused(format!(
                "server.listen: {text:?} is no address of this machine; {expected}"
            ))
        })
}

fn seconds(name: &str, value: u64) -> Result<Duration> {
    match value {
        1..=3_600 => Ok(Duration::from_secs(value)),
        _ => Err(Error::refused(format!(
            "{name}: must be from 1 to 3600, is {value}"
        ))),
    }
}

fn connections(value: usize) -> Result<usize> {
    match value {
        1..=100_000 => Ok(value),
        _ => Err(Error::refused(format!(
            "server.max_connections: must be from 1 to 100000, is {value}"
        ))),
    }
}

impl Level {
    fn filter(self) -> log::LevelFilter {
        match self {
            Self::Error => log::LevelFilter::Error,
            Self::Warn => log::LevelFilter::Warn,
            Self::Info => log::LevelFilter::Info,
            Self::Debug => log::LevelFilter::Debug,
            Self::Trace => log::LevelFilter::Trace,
        }
    }
}

#[cfg(test)]
mod tests;
