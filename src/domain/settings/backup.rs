//! When backups are made, where, how many are kept, and how they are encrypted.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::values::{as_span, span, whole};
use crate::domain::backup::passphrase::BackupPassphrase;
use crate::domain::body::violation::Violation;

/// The shortest time between two backups, in seconds.
const SHORTEST: u64 = 600;

/// When backups are made, where, how many are kept, and how they are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupSettings {
    /// Where they go; the folder `backups` in the data directory when it is not said.
    pub directory: Option<PathBuf>,
    /// How often one is made by itself; zero is never.
    #[serde(deserialize_with = "every", serialize_with = "as_span")]
    pub every: Duration,
    /// How many are kept of those that were made by themselves, and of those that somebody asked for.
    #[serde(deserialize_with = "whole::<1, 1_000, _, _>")]
    pub keep: usize,
    /// For whom they are encrypted: a public key of age.
    pub recipient: Option<String>,
    /// A file with the passphrase that they are encrypted with.
    pub passphrase_file: Option<PathBuf>,
    /// The variable that holds it.
    pub passphrase_variable: Option<String>,
    /// What that variable says.
    #[serde(skip)]
    pub passphrase: Option<BackupPassphrase>,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            directory: None,
            every: Duration::from_hours(24),
            keep: 7,
            recipient: None,
            passphrase_file: None,
            passphrase_variable: None,
            passphrase: None,
        }
    }
}

impl BackupSettings {
    /// The time between two that are made by themselves; none when none is.
    pub fn interval(&self) -> Option<Duration> {
        (!self.every.is_zero()).then_some(self.every)
    }

    /// Reads the passphrase from its variable, if that is named and set. Answers what is wrong with it.
    pub fn read_variable(&mut self, variables: &[(String, String)]) -> Option<Violation> {
        let name = self.passphrase_variable.as_ref()?;
        let (_, text) = variables.iter().find(|(known, _)| known == name)?;
        match BackupPassphrase::read(text) {
            Ok(passphrase) => {
                self.passphrase = Some(passphrase);
                None
            }
            Err(what) => Some(Violation {
                param: "backup.passphrase_variable".to_owned(),
                code: "wrong_setting",
                message: format!(
                    "[backup] passphrase_variable: the passphrase in the environment variable {name} {what}"
                ),
            }),
        }
    }
}

fn every<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    let every = span::<0, 31_536_000, _>(deserializer)?;
    if (1..SHORTEST).contains(&every.as_secs()) {
        let sentence = "must be \"0\", for never, or from 10m to 365d";
        return Err(D::Error::custom(sentence));
    }
    Ok(every)
}
