//! Which expressions over model names a change needs compiled before it is made.

use crate::domain::access_profile::policy::Policy;
use crate::error::{Error, Result};
use crate::ledger::ReadyExpressions;
use crate::service::Services;
use crate::store::access_profiles::{attachments, versions};
use crate::store::{Reading, access_profiles};

/// What a change gives to somebody.
#[derive(Debug, Clone, Copy)]
pub enum Given {
    /// This profile.
    Profile(i64),
    /// The profiles that are defaults in this role.
    DefaultsOf(i64),
}

/// The expressions of what is given, as far as they are compiled. What there is not is for the change to say.
pub fn find(services: &Services, given: Given) -> Result<ReadyExpressions> {
    let policies: Vec<Policy> = services.store.read(|reading| {
        let ids = match given {
            Given::Profile(id) => vec![id],
            Given::DefaultsOf(role) => attachments::list_defaults(reading, role)?,
        };
        let policies = ids.into_iter().map(|id| find_policy(reading, id));
        let policies: Result<Vec<_>> = policies.collect();
        Ok(policies?.into_iter().flatten().collect())
    })?;
    Ok(services.ledger.expressions().look_up(&policies))
}

/// The policy of a profile that has expressions.
fn find_policy(reading: &Reading<'_>, id: i64) -> Result<Option<Policy>> {
    let current = match access_profiles::get_current(reading, id) {
        Err(Error::NotFound { .. }) => return Ok(None),
        current => current?,
    };
    if !current.json.contains(STORED) {
        return Ok(None);
    }
    Ok(Some(Policy::of(&current.profile()?)))
}

/// How a pattern that is an expression begins in what is stored.
const STORED: &str = "\"regex:";

/// Whether a version of a profile has expressions.
///
/// # Errors
/// [`Error::NotFound`]; when the database can't be read.
pub fn are_in_version(services: &Services, (id, number): (i64, i64)) -> Result<bool> {
    services.store.read(|reading| {
        let version = versions::get(reading, id, number)?;
        Ok(version.snapshot.contains(STORED))
    })
}
