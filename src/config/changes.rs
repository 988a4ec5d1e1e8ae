//! What differs between two readings of the settings, by name, and what is kept of one for the next start.

use std::collections::BTreeMap;

use super::Settings;
use crate::domain::settings::origin::SettingOrigin;

impl Settings {
    /// The names of the settings that hold another value in `other`. A default that was written down is no other value.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let both = self.shown().into_iter().zip(other.shown());
        let changed = both.filter(|(own, other)| own.value != other.value);
        changed.map(|(own, _)| own.name).collect()
    }

    /// What holds of each setting that has not its default, as JSON, by its name. Nothing of it is secret.
    pub fn said(&self) -> BTreeMap<String, String> {
        let said = self.shown().into_iter();
        let said = said.filter(|one| one.origin != SettingOrigin::Default);
        said.map(|one| (one.name, one.value.to_string())).collect()
    }
}
