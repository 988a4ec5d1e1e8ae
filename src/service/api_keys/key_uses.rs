//! Writing down when keys were used: now and then, because each request uses one.

use crate::domain::audit::Actor;
use crate::error::Result;
use crate::service::Services;
use crate::store::api_keys;
use crate::store::api_keys::hints;

/// How exactly the last use of a key is kept: no more than one write for each key in this time.
const USE_STEP_MILLISECONDS: i64 = 60_000;

/// Writes down when keys were last used, at most once a minute for each, and the hints of tokens that were right.
///
/// # Errors
/// When the database can't be written; it is kept for the next time.
pub fn write(services: &Services) -> Result<()> {
    let keyring = &services.keyring;
    let (uses, hints) = {
        let mut remembered = keyring.change();
        let uses: Vec<_> = remembered.last_uses().into_iter().collect();
        remembered.uses.clear();
        (uses, std::mem::take(&mut remembered.hints.new))
    };
    if uses.is_empty() && hints.is_empty() {
        return Ok(());
    }
    let attempted = (uses.clone(), hints.clone());
    let written = services.write(Actor::server("key-uses"), move |work| {
        api_keys::note_uses(work, &uses, USE_STEP_MILLISECONDS)?;
        hints::note(work, &hints)
    });
    if written.is_err() {
        let mut remembered = keyring.change();
        remembered.uses.extend(attempted.0);
        remembered.hints.new.extend(attempted.1);
    }
    written
}
