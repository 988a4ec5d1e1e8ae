//! Settings: defaults < config.toml < environment < flags. Nothing else reads the environment.
//!
//! The file and every variable are read into the same type, so a setting has one name, one type and one error.

mod document;
mod names;
mod values;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use serde::Deserialize;

use self::document::{DecisionTable, Document, Level, ServerTable, VirtualKeyTable};
use crate::domain::settings::{Deadlines, DecisionSettings, VirtualKeySettings};
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
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a client may keep the server waiting.
    pub deadlines: Deadlines,
    /// Connections at a time.
    pub max_connections: usize,
    /// Where everything is stored.
    pub data_dir: PathBuf,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The least severe log lines that are written.
    pub log_level: log::LevelFilter,
    /// The zone in which days, weeks, months, quarters and years begin.
    pub time_zone: TimeZone,
    /// How decisions are made and kept.
    pub decisions: DecisionSettings,
    /// How virtual keys are kept.
    pub virtual_keys: VirtualKeySettings,
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
            time_zone,
            server,
            storage,
            decisions,
            virtual_keys,
            log,
        } = document;
        let deadlines = server.deadlines();
        let listen = flags
            .listen
            .or(server.listen)
            .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        Ok(Self {
            listen: address(&listen)?,
            allowed_hosts: server.allowed_hosts.unwrap_or_default().0,
            trusted_proxies: networks(&server.trusted_proxies.unwrap_or_default().0)?,
            deadlines,
            max_connections: server
                .max_connections
                .map_or(10_000, |value| value.0 as usize),
            data_dir: flags
                .data_dir
                .or(storage.data_dir)
                .unwrap_or_else(|| PathBuf::from("data")),
            log_format: flags.log_format.or(log.format).unwrap_or(LogFormat::Text),
            log_level: log.level.unwrap_or(Level::Info).filter(),
            time_zone: time_zone.map_or(TimeZone::UTC, |zone| zone.0),
            decisions: decisions.settings(),
            virtual_keys: virtual_keys.settings(),
            bootstrap_key_file: named(BOOTSTRAP_VARIABLE),
        })
    }
}

impl ServerTable {
    fn deadlines(&self) -> Deadlines {
        let default = Deadlines::default();
        Deadlines {
            body: self
                .body_timeout_seconds
                .as_ref()
                .map_or(default.body, |value| Duration::from_secs(value.0.into())),
            ..default
        }
    }
}

impl DecisionTable {
    fn settings(self) -> DecisionSettings {
        let default = DecisionSettings::default();
        DecisionSettings {
            durability: self.durability.unwrap_or(default.durability),
            reservation_ttl: self
                .reservation_ttl
                .map_or(default.reservation_ttl, |span| span.0),
            on_expiry: self.on_expiry.unwrap_or(default.on_expiry),
            max_hold: self.max_hold.map(|dollars| dollars.0),
            usage_retention_days: self
                .usage_retention_days
                .map_or(default.usage_retention_days, |days| days.0),
            rate_limit_headers: self
                .rate_limit_headers
                .unwrap_or(default.rate_limit_headers),
            queue: self.queue.map_or(default.queue, |length| length.0 as usize),
            max_open_per_virtual_key: self
                .max_open_per_virtual_key
                .map_or(default.max_open_per_virtual_key, |most| most.0),
            max_open_per_management_key: self
                .max_open_per_management_key
                .map_or(default.max_open_per_management_key, |most| most.0),
        }
    }
}

impl VirtualKeyTable {
    fn settings(self) -> VirtualKeySettings {
        let default = VirtualKeySettings::default();
        VirtualKeySettings {
            rotation_grace: self
                .rotation_grace
                .map_or(default.rotation_grace, |span| span.0),
        }
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

fn networks(names: &[String]) -> Result<Vec<IpNet>> {
    let read = |name: &String| {
        let alone = || name.parse::<IpAddr>().map(IpNet::from);
        name.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
            let expected = "expected addresses or networks such as 10.0.0.0/8";
            Error::refused(format!(
                "server.trusted_proxies: {expected}, found {name:?}"
            ))
        })
    };
    names.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
