//! Explanations of decisions, with the names of what they are about.

use crate::domain::decision::Call;
use crate::domain::decision::explanation::Explanation;
use crate::error::Result;
use crate::service::Services;
use crate::store::explained_names::{self, ExplainedNames};

/// What would be decided on a call; by a key of which the id alone is known, if `by_id`.
///
/// # Errors
/// [`crate::error::Error::Unavailable`] when the ledger is overloaded or stopping.
pub async fn explain(services: &Services, call: Call, by_id: bool) -> Result<Explanation> {
    if by_id {
        services.ledger.explain_known(call).await
    } else {
        services.ledger.explain(call).await
    }
}

/// The names that the explanation of a decision on a key (`virtual_keys.id`) shows, whose user's copies are of these profiles.
pub fn names(services: &Services, virtual_key_id: i64, profiles: &[i64]) -> Result<ExplainedNames> {
    services
        .store
        .read(|reading| explained_names::find(reading, virtual_key_id, profiles))
}
