//! Settings: defaults < config.toml < environment < flags. Nothing else reads the environment.
//!
//! One struct is the file: its fields are the names, its `Default` says what they are when nothing is said, and its readers what they
//! may be. A variable is a value of that file.

mod changes;
mod listen;
mod names;
mod sources;
mod upstream_keys;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use self::changes::said;
pub use self::listen::{Listen, OpenListen};
use self::sources::Sources;
use crate::domain::body::violation::Violation;
use crate::domain::settings::origin::{SettingOrigin, ShownSetting};
use crate::domain::settings::upstream::{UpstreamSettings, upstreams};
use crate::domain::settings::values::whole;
use crate::domain::settings::{
    BackupSettings, Deadlines, DecisionSettings, PriceSettings, ProxySettings, RefusalSettings,
    VirtualKeySettings,
};
use crate::error::{Error, Result};

/// Before every variable of ours.
const PREFIX: &str = "TOLLKEEPER_";
/// Names the settings file.
const CONFIG_VARIABLE: &str = "TOLLKEEPER_CONFIG";
/// Names a file that holds the first key.
const BOOTSTRAP_VARIABLE: &str = "TOLLKEEPER_BOOTSTRAP_KEY_FILE";
/// The settings files of which the first that exists is read when none is named: that of the working directory, and that of the machine.
const DEFAULT_FILES: [&str; 2] = ["config.toml", "/etc/tollkeeper/config.toml"];

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The zone in which days, weeks, months, quarters and years begin.
    #[serde(
        deserialize_with = "values::time_zone",
        serialize_with = "values::as_time_zone"
    )]
    pub time_zone: TimeZone,
    /// How others reach this server.
    pub server: ServerSettings,
    /// What connections are encrypted with.
    pub tls: TlsSettings,
    /// Where everything lies.
    pub storage: StorageSettings,
    /// How decisions are made and kept.
    pub decisions: DecisionSettings,
    /// How virtual keys are kept.
    pub virtual_keys: VirtualKeySettings,
    /// Providers that the proxy may call.
    #[serde(deserialize_with = "upstreams")]
    pub upstreams: Vec<UpstreamSettings>,
    /// How the proxy carries calls.
    pub proxy: ProxySettings,
    /// What models cost.
    pub prices: PriceSettings,
    /// What callers are told who are refused.
    pub refusals: RefusalSettings,
    /// Where what is measured is shown.
    pub metrics: MetricsSettings,
    /// When backups are made, where, and how they are kept.
    pub backup: BackupSettings,
    /// What is logged.
    pub log: LogSettings,
    /// A file that holds the first key, instead of a generated one. A variable alone.
    #[serde(skip)]
    pub bootstrap_key_file: Option<PathBuf>,
    /// The file that was read, if one was.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// What is wrong with the keys of upstreams: a server minds, and commands do without them.
    #[serde(skip)]
    missing_keys: Vec<Violation>,
    /// Where each setting has its value from, by its name; what is not here has its default.
    #[serde(skip)]
    pub origins: BTreeMap<String, SettingOrigin>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            server: ServerSettings::default(),
            tls: TlsSettings::default(),
            storage: StorageSettings::default(),
            decisions: DecisionSettings::default(),
            virtual_keys: VirtualKeySettings::default(),
            upstreams: Vec::new(),
            proxy: ProxySettings::default(),
            prices: PriceSettings::default(),
            refusals: RefusalSettings::default(),
            metrics: MetricsSettings::default(),
            backup: BackupSettings::default(),
            log: LogSettings::default(),
            bootstrap_key_file: None,
            file: None,
            missing_keys: Vec::new(),
            origins: BTreeMap::new(),
        }
    }
}

/// How others reach this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Where to listen; never empty.
    #[serde(
        deserialize_with = "listen::listens",
        serialize_with = "listen::as_listens"
    )]
    pub listen: Vec<Listen>,
    /// The mode of Unix sockets among these: who may connect.
    #[serde(deserialize_with = "listen::mode", serialize_with = "listen::as_mode")]
    pub socket_mode: u32,
    /// Whether addresses that other machines reach may be served without TLS.
    pub plaintext: bool,
    /// The path below which clients find everything; empty, or with a slash before it and none behind it.
    #[serde(deserialize_with = "values::base_path")]
    pub base_path: String,
    /// Host names by which clients reach this server, beside the loopback names.
    #[serde(deserialize_with = "values::names")]
    pub allowed_hosts: Vec<String>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    #[serde(
        deserialize_with = "values::networks",
        serialize_with = "values::as_networks"
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// How long a client may keep the server waiting; only the time for a body can be set.
    #[serde(
        rename = "body_timeout_seconds",
        deserialize_with = "values::body_deadline::<1, 3_600, _>",
        serialize_with = "values::as_body_deadline"
    )]
    pub deadlines: Deadlines,
    /// Connections at a time.
    #[serde(deserialize_with = "whole::<1, 100_000, _, _>")]
    pub max_connections: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: vec![Listen::Address {
                address: ([127, 0, 0, 1], 8080).into(),
                encrypted: false,
            }],
            socket_mode: 0o660,
            plaintext: false,
            base_path: String::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            deadlines: Deadlines::default(),
            max_connections: 10_000,
        }
    }
}

/// What connections are encrypted with, on the addresses that begin with `https://`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate, and after it those that it was signed with, in PEM.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key_file: Option<PathBuf>,
}

/// Where everything lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSettings {
    /// The directory of everything that is stored.
    #[serde(serialize_with = "values::as_path")]
    pub data_dir: PathBuf,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
        }
    }
}

/// Where what is measured is shown beside the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// Where to listen for whoever reads metrics and nothing else, without a key.
    #[serde(deserialize_with = "values::optional_address")]
    pub listen: Option<SocketAddr>,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// How log lines look.
    pub format: LogFormat,
    /// The least severe log lines that are written.
    #[serde(
        deserialize_with = "values::level",
        serialize_with = "values::as_level"
    )]
    pub level: log::LevelFilter,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: log::LevelFilter::Info,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    pub log_format: Option<String>,
}

impl Settings {
    /// Reads the settings. `environment` is every variable of the process.
    ///
    /// # Errors
    /// [`Error::Settings`] with every mistake: the file and line, variable or flag, and what was expected.
    pub fn load(
        flags: Flags,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        // An empty variable is as if unset: that is how unit and compose files take one away.
        let set: Vec<(String, String)> = environment
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let ours = set.iter().filter(|(name, _)| name.starts_with(PREFIX));
        let variables: Vec<_> = ours.cloned().collect();
        let named = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| PathBuf::from(value))
        };
        let mut sources = Sources::default();
        let default_file = || {
            let known = DEFAULT_FILES.iter().map(Path::new);
            known
                .filter(|path| path.exists())
                .map(Path::to_owned)
                .next()
        };
        let file = flags.config.or_else(|| named(CONFIG_VARIABLE));
        let file = file.or_else(default_file);
        if let Some(path) = &file {
            sources.file(path);
        }
        for (name, value) in &variables {
            if name != CONFIG_VARIABLE && name != BOOTSTRAP_VARIABLE {
                sources.variable(name, value);
            }
        }
        for (flag, name, text) in [
            ("--listen", "server.listen", &flags.listen),
            ("--log-format", "log.format", &flags.log_format),
        ] {
            if let Some(text) = text {
                sources.flag(flag, name, text);
            }
        }
        let (mut settings, mut mistakes) = sources.settings();
        settings.missing_keys = upstream_keys::read(&mut settings.upstreams, &set);
        mistakes.extend(settings.backup.read_variable(&set));
        if !mistakes.is_empty() {
            return Err(Error::Settings(mistakes));
        }
        settings.file = file;
        settings.bootstrap_key_file = named(BOOTSTRAP_VARIABLE);
        if let Some(data_dir) = flags.data_dir {
            // A path need not be text.
            settings.storage.data_dir = data_dir;
            let origin = SettingOrigin::Flag("--data-dir");
            settings
                .origins
                .insert("storage.data_dir".to_owned(), origin);
        }
        Ok(settings)
    }

    /// Every setting as it is in force, with where it is from. No secret is among them.
    pub fn shown(&self) -> Vec<ShownSetting> {
        let values = serde_json::to_value(self).unwrap_or_default();
        let named = names::names().into_iter().map(|name| ShownSetting {
            value: values
                .pointer(&format!("/{}", name.replace('.', "/")))
                .cloned()
                .unwrap_or_default(),
            origin: self.origins.get(&name).cloned().unwrap_or_default(),
            name,
        });
        let key_file = self.bootstrap_key_file.iter().map(|path| ShownSetting {
            name: "bootstrap_key_file".to_owned(),
            value: path.to_string_lossy().into(),
            origin: SettingOrigin::Variable(BOOTSTRAP_VARIABLE.to_owned()),
        });
        named.chain(key_file).collect()
    }
}

#[cfg(test)]
mod tests;
