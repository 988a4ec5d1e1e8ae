//! Telling what was set otherwise at this start or by SIGHUP than before, in the log and in the audit log.

use std::collections::BTreeMap;

use super::Services;
use crate::domain::audit::Actor;
use crate::domain::settings::changed_setting::{ChangedSetting, changed};
use crate::error::Result;
use crate::store::database::server_settings;

/// When settings come into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsMoment {
    /// At a start.
    Start,
    /// At SIGHUP.
    Reload,
}

/// Compares what is said of settings with what was said before, tells what changed, and keeps it for the next time. The first
/// start has nothing to compare with. What can't be told stands in nobody's way.
pub fn tell(services: &Services, said: &BTreeMap<String, String>, moment: SettingsMoment) {
    if let Err(error) = compare(services, said, moment) {
        log::warn!(
            "comparing the settings with those of before: {error}; the next start does it again"
        );
    }
}

fn compare(
    services: &Services,
    said: &BTreeMap<String, String>,
    moment: SettingsMoment,
) -> Result<()> {
    let before = services.store.read(server_settings::find)?;
    if before.as_ref() == Some(said) {
        return Ok(());
    }
    let changes = before.map_or_else(Vec::new, |before| changed(&before, said));
    let (kept, told) = (said.clone(), changes.clone());
    let (actor, sentence) = match moment {
        SettingsMoment::Start => ("start", "a setting is another one than at the last start"),
        SettingsMoment::Reload => ("reload", "a setting was put in force by SIGHUP"),
    };
    services.write(Actor::server(actor), move |work| {
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
            "{sentence}"
        );
    }
    Ok(())
}
