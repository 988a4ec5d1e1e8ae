//! The settings that are in force, for those who are shown them.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::settings::origin::{ShownSetting, ShownSettings};

/// The settings that are in force. SIGHUP replaces them.
pub struct SettingsInForce(RwLock<Arc<ShownSettings>>);

impl SettingsInForce {
    /// Those of a start.
    pub fn new(settings: Vec<ShownSetting>) -> Self {
        Self(RwLock::new(Arc::new(ShownSettings {
            settings,
            needs_restart: Vec::new(),
        })))
    }

    /// Those that are in force now.
    pub fn shown(&self) -> Arc<ShownSettings> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown)
    }

    /// Puts others in their place.
    pub fn replace(&self, shown: ShownSettings) {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *now = Arc::new(shown);
    }
}
