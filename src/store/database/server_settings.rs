//! What was said last of the server's settings: at its start, or at SIGHUP.

use std::collections::BTreeMap;

use crate::domain::event::Event;
use crate::domain::settings::changed_setting::ChangedSetting;
use crate::error::{Error, Result};
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

/// What was said; none before the first start that keeps it.
pub fn find(reading: &Reading<'_>) -> Result<Option<BTreeMap<String, String>>> {
    reading.find(
        "reading the settings of the last start",
        "SELECT value FROM settings WHERE name = 'server_settings'",
        [],
        |row| row.json("value"),
    )
}

/// Keeps what is said now, and records what changed.
pub fn replace(
    work: &mut Work<'_>,
    said: &BTreeMap<String, String>,
    changes: Vec<ChangedSetting>,
) -> Result<()> {
    let text = serde_json::to_string(said)
        .map_err(|error| Error::internal("writing the settings of this start", error))?;
    work.run(
        "storing the settings of this start",
        "INSERT OR REPLACE INTO settings (name, value) VALUES ('server_settings', ?1)",
        [text],
    )?;
    for change in changes {
        work.record(Event::SettingChanged(change));
    }
    Ok(())
}
