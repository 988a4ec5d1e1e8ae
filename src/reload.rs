//! What SIGHUP does: the settings are read again, and certificates, upstreams, prices and the level of the log follow them while calls go
//! on. A mistake anywhere keeps everything as it was.

use std::sync::Arc;

use log::LevelFilter;

use crate::config::{Settings, said};
use crate::domain::settings::UnknownPrice;
use crate::error::{Error, Result};
use crate::http::core::state::State;
use crate::prepared::Prepared;
use crate::service::changed_settings::{self, SettingsMoment};

/// What follows the settings; for the rest the server has to start anew.
const FOLLOWS: [&str; 4] = ["log.level", "prices.file", "prices.unknown", "upstreams"];
/// What follows them where TLS was served from the start on.
const FOLLOW_WITH_TLS: [&str; 2] = ["tls.certificate_file", "tls.key_file"];

/// Reads the settings as they were read at the start: the same file, variables and flags.
pub type ReadSettings = Box<dyn Fn() -> Result<Settings> + Send>;

/// Reads everything again and puts it in force.
pub struct Reloading {
    /// What reads the settings.
    pub read: ReadSettings,
    /// The settings that the server started with.
    pub started: Settings,
    /// The settings that were read last and could be put in force.
    pub in_force: Settings,
    /// Where upstreams, prices and certificates are.
    pub state: Arc<State>,
}

impl Reloading {
    /// Does so, and says in the log what changed, what needs a restart, or every mistake.
    pub fn run(&mut self) {
        log::info!("SIGHUP: reading the settings again");
        if let Err(error) = self.prepare().and_then(|prepared| self.take(prepared)) {
            for mistake in error.to_string().lines() {
                log::error!("settings: {}", mistake.trim());
            }
            log::error!(
                "settings: nothing was changed because of this; mend it and send SIGHUP again"
            );
        }
    }

    /// Reads and checks everything before anything is changed.
    fn prepare(&self) -> Result<(Settings, Prepared)> {
        let settings = (self.read)()?;
        self.check_file(&settings)?;
        let prepared = Prepared::read(&settings)?;
        Ok((settings, prepared))
    }

    /// A file that was found before by its default name and is gone is a mistake: without it, everything would be reset to defaults.
    fn check_file(&self, read: &Settings) -> Result<()> {
        let before = self.in_force.file.as_ref();
        let Some(file) = before.filter(|file| read.file.as_ref() != Some(*file)) else {
            return Ok(());
        };
        let fault = match file.try_exists() {
            Ok(true) => return Ok(()),
            Ok(false) => "is gone; put it back".to_owned(),
            Err(error) => format!("can't be looked at now: {error}; let this user reach it"),
        };
        Err(Error::refused(format!(
            "the settings file {} was read before and {fault}, or start the server anew to go on without it",
            file.display()
        )))
    }

    fn take(&mut self, (settings, prepared): (Settings, Prepared)) -> Result<()> {
        // What is said of a change is said at the more talkative of the two levels.
        let level_before = self.in_force.log.level;
        log::set_max_level(level_before.max(settings.log.level));
        // First, because it alone can fail: what was stored of prices is read again.
        let services = &self.state.services;
        let prices = services.prices.replace(prepared.prices, &services.store)?;
        let mut changed = Vec::new();
        if let Some(entries) = prices {
            let unknown = match settings.prices.unknown {
                UnknownPrice::Deny => "denied",
                UnknownPrice::Tokens => "charged in tokens alone",
            };
            changed.push(format!(
                "prices: {entries} of the file hold, and models without a price are {unknown}"
            ));
        }
        let differs = self.state.proxy.replace(prepared.upstreams);
        if !differs.is_empty() {
            changed.push(format!("upstreams: {}", differs.join(", ")));
        }
        let mut follows = FOLLOWS.to_vec();
        if let (Some(certificates), Some(read)) = (&self.state.certificates, prepared.certificate) {
            follows.extend(FOLLOW_WITH_TLS);
            let file = settings.tls.certificate_file.clone().unwrap_or_default();
            let is_other = certificates.replace(read);
            certificates.tell_end(services.clock.now());
            if is_other {
                changed.push(format!(
                    "tls: the certificate in {} is served",
                    file.display()
                ));
            }
        }
        let level = settings.log.level;
        if level != level_before {
            let (now, before) = (name(level), name(level_before));
            changed.push(format!("log.level: {now}, after {before}"));
        }
        let shown = self.started.followed_by(&settings, &follows);
        let waiting = shown.needs_restart.clone();
        changed_settings::tell(services, &said(&shown.settings), SettingsMoment::Reload);
        self.state.settings.replace(shown);
        for line in &changed {
            log::info!("settings: {line}");
        }
        for name in &waiting {
            log::warn!(
                "settings: {name} was changed, which takes effect when the server starts anew"
            );
        }
        if changed.is_empty() && waiting.is_empty() {
            log::info!("settings: everything is as it was");
        }
        self.in_force = settings;
        log::set_max_level(level);
        Ok(())
    }
}

fn name(level: LevelFilter) -> String {
    level.as_str().to_lowercase()
}
