//! The names that an explanation shows beside ids.

use std::collections::HashMap;

use super::sql::Reading;
use crate::error::Result;

/// Names by id.
#[derive(Debug, Default)]
pub struct ExplainedNames {
    /// The name of the virtual key, if it is still there.
    pub virtual_key: Option<String>,
    /// The names of access profiles.
    pub profiles: HashMap<i64, String>,
}

impl ExplainedNames {
    /// What they take in memory, in bytes, roughly.
    pub fn bytes(&self) -> usize {
        let names = self.virtual_key.iter().chain(self.profiles.values());
        names
            .map(|name| name.len() + size_of::<(i64, String)>())
            .sum()
    }
}

/// The names of a virtual key (`virtual_keys.id`) and of access profiles.
pub fn find(
    reading: &Reading<'_>,
    virtual_key_id: i64,
    profiles: &[i64],
) -> Result<ExplainedNames> {
    const DOING: &str = "reading names for an explanation";
    let key = "SELECT name FROM virtual_keys WHERE id = ?1";
    let profile = "SELECT name FROM access_profiles WHERE id = ?1";
    let mut names = ExplainedNames {
        virtual_key: reading.find_value(DOING, key, [virtual_key_id])?,
        ..ExplainedNames::default()
    };
    for id in profiles {
        let name = reading.find_value(DOING, profile, [id])?;
        names.profiles.extend(name.map(|name| (*id, name)));
    }
    Ok(names)
}
