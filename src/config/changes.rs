//! What differs between two readings of the settings, by name.

use serde::Deserialize;
use toml::{Table, Value};

use super::Settings;
use super::sources::{alone, names};

impl Settings {
    /// The names of the settings that hold another value in `other`. A default that was written down is no other value.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let differs = |name: &String| {
            let path: Vec<&str> = name.split('.').collect();
            read_alone(&path, self.said.value(&path)) != read_alone(&path, other.said.value(&path))
        };
        names().into_iter().filter(differs).collect()
    }
}

/// The settings if nothing but this were said.
fn read_alone(path: &[&str], value: Option<&Value>) -> Settings {
    let said = value.map_or_else(Table::new, |value| alone(path, value.clone()));
    // It was read before.
    Settings::deserialize(said).unwrap_or_default()
}
