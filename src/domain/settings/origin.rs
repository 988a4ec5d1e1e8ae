//! Where each setting has its value from, as operators are shown it.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// Where a setting has its value from; what is said later in this order holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SettingOrigin {
    /// Nobody said anything.
    #[default]
    Default,
    /// The settings file.
    File {
        /// Which.
        path: PathBuf,
        /// Where in it.
        line: usize,
    },
    /// A variable of the process.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl SettingOrigin {
    /// What kind of place it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Variable(_) => "variable",
            Self::Flag(_) => "flag",
        }
    }

    /// The place itself, where there is one.
    pub fn place(&self) -> Option<String> {
        (*self != Self::Default).then(|| self.to_string())
    }
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A setting as it is in force. Never a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownSetting {
    /// Its name in the settings file, with its table.
    pub name: String,
    /// Its value, as it could be written; null where there is none.
    pub value: Value,
    /// Where that is from.
    pub origin: SettingOrigin,
}

/// All settings of a running server.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownSettings {
    /// Each as it is in force.
    pub settings: Vec<ShownSetting>,
    /// The names of those that were changed where they stand, and hold from the next start on.
    pub needs_restart: Vec<String>,
}
