//! The settings as they are written: the file whole, and each variable as a file that sets one name.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::names::Names;
use super::values::{Dollars, Span, Whole, Zone};
use super::{BOOTSTRAP_VARIABLE, CONFIG_VARIABLE, LogFormat, PREFIX};
use crate::domain::input::nearest;
use crate::domain::settings::{Durability, OnExpiry};
use crate::error::{Error, Result};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Document {
    pub(super) time_zone: Option<Zone>,
    pub(super) server: ServerTable,
    pub(super) storage: StorageTable,
    pub(super) decisions: DecisionTable,
    pub(super) virtual_keys: VirtualKeyTable,
    pub(super) log: LogTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerTable {
    pub(super) listen: Option<String>,
    pub(super) allowed_hosts: Option<Names>,
    pub(super) trusted_proxies: Option<Names>,
    pub(super) body_timeout_seconds: Option<Whole<1, 3_600>>,
    pub(super) max_connections: Option<Whole<1, 100_000>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StorageTable {
    pub(super) data_dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DecisionTable {
    pub(super) durability: Option<Durability>,
    pub(super) reservation_ttl: Option<Span<1, 86_400>>,
    pub(super) on_expiry: Option<OnExpiry>,
    pub(super) max_hold: Option<Dollars>,
    pub(super) usage_retention_days: Option<Whole<1, 3_650>>,
    pub(super) rate_limit_headers: Option<bool>,
    pub(super) queue: Option<Whole<1, 1_000_000>>,
    pub(super) max_open_per_virtual_key: Option<Whole<1, 1_000_000>>,
    pub(super) max_open_per_management_key: Option<Whole<1, 1_000_000>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct VirtualKeyTable {
    pub(super) rotation_grace: Option<Span<0, 2_592_000>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogTable {
    pub(super) format: Option<LogFormat>,
    pub(super) level: Option<Level>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Every setting by its name in the file, for hints; a test keeps it equal to the tables above.
pub(super) const NAMES: [&str; 19] = [
    "time_zone",
    "server.listen",
    "server.allowed_hosts",
    "server.trusted_proxies",
    "server.body_timeout_seconds",
    "server.max_connections",
    "storage.data_dir",
    "decisions.durability",
    "decisions.reservation_ttl",
    "decisions.on_expiry",
    "decisions.max_hold",
    "decisions.usage_retention_days",
    "decisions.rate_limit_headers",
    "decisions.queue",
    "decisions.max_open_per_virtual_key",
    "decisions.max_open_per_management_key",
    "virtual_keys.rotation_grace",
    "log.format",
    "log.level",
];

impl Document {
    pub(super) fn read(path: &Path) -> Result<Self> {
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
    pub(super) fn set(&mut self, variable: &str, value: &str) -> Result<()> {
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
        // Text without quotes is text; and a number may be meant as text, such as a folder named 2026.
        let as_text = toml::Value::String(value.to_owned()).to_string();
        let read = |value: &str| toml::from_str::<Self>(&format!("{name} = {value}\n"));
        let document = read(value).or_else(|first| {
            let is_toml = toml::from_str::<toml::Table>(&format!("x = {value}\n")).is_ok();
            read(&as_text).map_err(|second| {
                let error = if is_toml { first } else { second };
                Error::refused(format!(
                    "the environment variable {variable}: {}",
                    explain(&error)
                ))
            })
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
        put(&mut self.time_zone, over.time_zone);
        put(&mut self.server.listen, over.server.listen);
        put(&mut self.server.allowed_hosts, over.server.allowed_hosts);
        put(
            &mut self.server.trusted_proxies,
            over.server.trusted_proxies,
        );
        put(
            &mut self.server.body_timeout_seconds,
            over.server.body_timeout_seconds,
        );
        put(
            &mut self.server.max_connections,
            over.server.max_connections,
        );
        put(&mut self.storage.data_dir, over.storage.data_dir);
        put(&mut self.decisions.durability, over.decisions.durability);
        put(
            &mut self.decisions.reservation_ttl,
            over.decisions.reservation_ttl,
        );
        put(&mut self.decisions.on_expiry, over.decisions.on_expiry);
        put(&mut self.decisions.max_hold, over.decisions.max_hold);
        put(
            &mut self.decisions.usage_retention_days,
            over.decisions.usage_retention_days,
        );
        put(
            &mut self.decisions.rate_limit_headers,
            over.decisions.rate_limit_headers,
        );
        put(&mut self.decisions.queue, over.decisions.queue);
        put(
            &mut self.decisions.max_open_per_virtual_key,
            over.decisions.max_open_per_virtual_key,
        );
        put(
            &mut self.decisions.max_open_per_management_key,
            over.decisions.max_open_per_management_key,
        );
        put(
            &mut self.virtual_keys.rotation_grace,
            over.virtual_keys.rotation_grace,
        );
        put(&mut self.log.format, over.log.format);
        put(&mut self.log.level, over.log.level);
    }
}

pub(super) fn variable_of(name: &str) -> String {
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

impl Level {
    pub(super) fn filter(self) -> log::LevelFilter {
        match self {
            Self::Error => log::LevelFilter::Error,
            Self::Warn => log::LevelFilter::Warn,
            Self::Info => log::LevelFilter::Info,
            Self::Debug => log::LevelFilter::Debug,
            Self::Trace => log::LevelFilter::Trace,
        }
    }
}
