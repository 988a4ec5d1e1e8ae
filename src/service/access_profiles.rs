//! Writes of access profiles.

use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_input::AccessProfileInput;
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::error::Result;
use crate::service::Services;
use crate::store::access_profiles::{self, Snapshot};
use crate::store::{audit, sequences};

/// Creates a profile: the row, its first version and the audit entry.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when the name is taken.
pub fn create(
    services: &Services,
    actor: Actor,
    input: AccessProfileInput,
) -> Result<(i64, Snapshot)> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        let id = access_profiles::next_id(writing)?;
        let profile = sequences::with_policy_parts(writing, |next| {
            AccessProfile::create(id, input, next, now)
        })?;
        let json = access_profiles::insert(writing, &profile, &actor.name)?;
        audit::append(
            writing,
            now,
            &NewAuditEntry {
                actor,
                action: "access_profile.create",
                subject_kind: "access_profile",
                subject_id: id.to_string(),
                access_profile_id: Some(id),
                user_id: None,
                previous_value: None,
                new_value: Some(json.clone()),
            },
        )?;
        Ok((
            id,
            Snapshot {
                version: profile.version,
                json,
            },
        ))
    })
}
