//! Writes of prices: calls that are let in after they return cost what they say.

use super::Services;
use crate::domain::audit::Actor;
use crate::domain::price::entry::PriceEntry;
use crate::domain::price::stored::{PricedModel, StoredPrice};
use crate::domain::validator::IfMatch;
use crate::error::Result;
use crate::store::prices;

/// Gives a price.
///
/// # Errors
/// As [`prices::set`].
pub fn set(
    services: &Services,
    actor: Actor,
    new: PriceEntry,
    if_match: IfMatch,
) -> Result<StoredPrice> {
    services.write(actor, move |work| prices::set(work, new, &if_match))
}

/// Deletes all prices that were given for a model over the API; answers them.
///
/// # Errors
/// As [`prices::delete`].
pub fn delete(
    services: &Services,
    actor: Actor,
    of: PricedModel,
    if_match: IfMatch,
) -> Result<StoredPrice> {
    services.write(actor, move |work| prices::delete(work, &of, &if_match))
}
