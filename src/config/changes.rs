//! What differs between two readings of the settings, by name.

use super::Settings;

impl Settings {
    /// The names of the settings that hold another value in `other`. A default that was written down is no other value.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let both = self.shown().into_iter().zip(other.shown());
        let changed = both.filter(|(own, other)| own.value != other.value);
        changed.map(|(own, _)| own.name).collect()
    }
}
