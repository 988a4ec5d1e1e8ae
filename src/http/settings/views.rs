//! Answers about settings.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::settings::origin::ShownSetting;

/// The settings that are in force, in the order of the settings file.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingList {
    /// The settings.
    pub settings: Vec<SettingView>,
    /// The names of those that were changed where they stand and read again by SIGHUP, and hold from the next start on.
    pub needs_restart: Vec<String>,
}

/// A setting. Never a secret: of upstreams not their keys, nor the values of their headers.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingView {
    /// Its name, with its table before it: `server.listen`.
    pub name: String,
    /// Its value, as it could be written; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Where the value is from: `default`, `file`, `variable` or `flag`.
    pub origin: &'static str,
    /// The file with its line, the variable or the flag; left out for a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl From<&ShownSetting> for SettingView {
    fn from(setting: &ShownSetting) -> Self {
        Self {
            name: setting.name.clone(),
            value: Some(setting.value.clone()).filter(|value| !value.is_null()),
            origin: setting.origin.kind(),
            place: setting.origin.place(),
        }
    }
}
