//! What differs between two readings of the settings, and what is kept of them for the next one.

use std::collections::BTreeMap;

use super::Settings;
use crate::domain::settings::origin::{ShownSetting, ShownSettings};

/// What holds of each setting that has not its default value, as JSON, by its name. Nothing of it is secret.
pub fn said(settings: &[ShownSetting]) -> BTreeMap<String, String> {
    let defaults = Settings::default().shown();
    let is_default = |one: &ShownSetting| {
        let mut defaults = defaults.iter();
        defaults.any(|known| known.name == one.name && known.value == one.value)
    };
    let said = settings.iter().filter(|one| !is_default(one));
    said.map(|one| (one.name.clone(), one.value.to_string()))
        .collect()
}

impl Settings {
    /// What is in force of a server that started with these, after it has read others: of those the settings that `follow` at once, by
    /// name. A default that was written down is no change.
    pub fn followed_by(&self, read: &Self, follow: &[&str]) -> ShownSettings {
        let (mut settings, mut needs_restart) = (Vec::new(), Vec::new());
        for (started, read) in self.shown().into_iter().zip(read.shown()) {
            if started.value == read.value || follow.contains(&read.name.as_str()) {
                settings.push(read);
            } else {
                needs_restart.push(read.name);
                settings.push(started);
            }
        }
        ShownSettings {
            settings,
            needs_restart,
        }
    }
}
