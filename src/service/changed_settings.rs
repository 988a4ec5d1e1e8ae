//! Telling what was set otherwise at this start than at the last one, in the log and in the audit log.

use std::collections::BTreeMap;

use super::Services;
use crate::domain::audit::Actor;
use crate::domain::settings::changed_setting::{ChangedSetting, changed};
use crate::error::Result;
use crate::store::database::server_settings;

/// Compares what is said of settings with what was said at the last start, tells what changed, and keeps it for the next start. The first
/// one has nothing to compare with. What can't be told stands in nobody's way.
pub fn tell(services: &Services, said: &BTreeMap<String, String>) {
    if let Err(error) = compare(services, said) {
        log::warn!("comparing the settings with those of the last start: {error}");
    }
}

fn compare(services: &Services, said: &BTreeMap<String, String>) -> Result<()> {
    let before = services.store.read(server_settings::find)?;
    if before.as_ref() == Some(said) {
        return Ok(());
    }
    let changes = before.map_or_else(Vec::new, |before| changed(&before, said));
    let (kept, told) = (said.clone(), changes.clone());
    services.write(Actor::server("start"), move |work| {
        server_settings::replace(work, &kept, told)
    })?;
    for ChangedSetting {
        name,
        before,
        after,
    } in changes
    {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "default".to_owned());
        log::info!(
            setting = name.as_str(),
            before = shown(&before).as_str(),
            after = shown(&after).as_str();
            "a setting is another one than at the last start"
        );
    }
    Ok(())
}
