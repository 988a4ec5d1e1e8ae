//! Telling of a restore, once the database that was restored is open.

use crate::domain::audit::Actor;
use crate::domain::event::Event;
use crate::error::Result;
use crate::service::Services;

/// Has the audit log tell of a restore that was done since the last start. What can't be told now, as where the disk is full, is told by
/// a later start: it is worth no start that is refused.
pub fn tell(services: &Services) {
    if let Err(error) = try_to_tell(services) {
        log::error!("the audit log could not be told of a restore, a later start will: {error}");
    }
}

fn try_to_tell(services: &Services) -> Result<()> {
    let directory = services.store.directory();
    let Some(restoration) = directory.find_restoration()? else {
        return Ok(());
    };
    log::warn!(
        "this database was restored from {}, made at {}; what was there before is in {}",
        restoration.backup,
        restoration.made_at,
        directory.root().join(&restoration.kept).display()
    );
    services.write(Actor::server("restore"), move |work| {
        work.record(Event::BackupRestored(restoration));
        Ok(())
    })?;
    directory.forget_restoration()
}
