//! What the operator can set about connections, decisions and virtual keys, with the defaults and the bounds.

mod backup;
pub mod changed_setting;
pub mod origin;
mod refusals;
pub mod upstream;
mod upstream_text;
pub(crate) mod values;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::backup::BackupSettings;
pub use self::refusals::{BudgetStatus, RefusalSettings};
use self::values::{as_bytes, as_span, bytes, dollars, span, whole};
use super::values::money::Money;

/// How long a client may keep the server waiting. Only the one for bodies has a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For a head, from its first byte; for the first one from the start of the connection.
    pub head: Duration,
    /// For a body.
    pub body: Duration,
    /// For an answer, each time that it is not read on.
    pub answer: Duration,
    /// For another request.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            idle: Duration::from_secs(75),
        }
    }
}

/// How decisions are made and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionSettings {
    /// What an acknowledged decision survives.
    pub durability: Durability,
    /// How long a reservation is held that asks for no time of its own.
    #[serde(deserialize_with = "span::<1, 86_400, _>", serialize_with = "as_span")]
    pub reservation_ttl: Duration,
    /// What becomes of a hold that is never settled.
    pub on_expiry: OnExpiry,
    /// The most that one call holds of a budget.
    #[serde(deserialize_with = "dollars")]
    pub max_hold: Option<Money>,
    /// How many days the usage history is kept.
    #[serde(deserialize_with = "whole::<1, 3_650, _, _>")]
    pub usage_retention_days: u32,
    /// Whether answers carry `RateLimit` and `RateLimit-Policy`.
    pub rate_limit_headers: bool,
    /// How many decisions may wait; further ones are refused with 503.
    #[serde(deserialize_with = "whole::<1, 1_000_000, _, _>")]
    pub queue: usize,
    /// How many reservations may be open that were made with one virtual key; further ones are refused with 429.
    #[serde(deserialize_with = "whole::<1, 1_000_000, _, _>")]
    pub max_open_per_virtual_key: u32,
    /// How many may be open that one management key made.
    #[serde(deserialize_with = "whole::<1, 1_000_000, _, _>")]
    pub max_open_per_management_key: u32,
}

impl Default for DecisionSettings {
    fn default() -> Self {
        Self {
            durability: Durability::Power,
            reservation_ttl: Duration::from_mins(10),
            on_expiry: OnExpiry::Charge,
            max_hold: None,
            usage_retention_days: 90,
            rate_limit_headers: false,
            queue: 4_096,
            max_open_per_virtual_key: 10_000,
            max_open_per_management_key: 250_000,
        }
    }
}

/// What an acknowledged decision survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power cut: it is on disk before it is answered.
    Power,
    /// The end of the process; a power cut may lose the last ones.
    Process,
}

/// What becomes of a hold that is never settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnExpiry {
    /// It is charged at its estimate.
    Charge,
    /// It is given back.
    Release,
}

/// How virtual keys are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VirtualKeySettings {
    /// How long the old secret works after a rotation.
    #[serde(
        deserialize_with = "span::<0, 2_592_000, _>",
        serialize_with = "as_span"
    )]
    pub rotation_grace: Duration,
}

impl Default for VirtualKeySettings {
    fn default() -> Self {
        Self {
            rotation_grace: Duration::from_hours(24),
        }
    }
}

/// How the proxy carries calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxySettings {
    /// Largest body of a call, in bytes.
    #[serde(
        deserialize_with = "bytes::<1_024, 1_073_741_824, _>",
        serialize_with = "as_bytes"
    )]
    pub max_body: usize,
    /// How long the answer to a caller who has gone is read on, to learn what it cost.
    #[serde(deserialize_with = "span::<0, 3_600, _>", serialize_with = "as_span")]
    pub read_on: Duration,
    /// The most output tokens that are expected of a call that sets no bound and whose model has none that is known.
    #[serde(deserialize_with = "whole::<1, 10_000_000, _, _>")]
    pub assumed_output: u32,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            max_body: 32 * 1024 * 1024,
            read_on: Duration::from_secs(30),
            assumed_output: 32_768,
        }
    }
}

/// What models cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceSettings {
    /// A file of prices that go before those of the list.
    pub file: Option<PathBuf>,
    /// What becomes of calls of models that have no price.
    pub unknown: UnknownPrice,
}

/// What becomes of calls of models that have no price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPrice {
    /// They are refused.
    #[default]
    Deny,
    /// They are charged in tokens alone.
    Tokens,
}
