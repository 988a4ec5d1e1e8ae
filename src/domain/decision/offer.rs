//! What a call would take of each provider that can carry it, where more than one can, and we choose.

use std::sync::Arc;

use super::particulars::Particulars;
use crate::domain::values::money::Money;

/// What a call would take if this provider carried it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The provider, without regard to case.
    pub provider_key: Box<str>,
    /// How many tokens it will take at most.
    pub estimated_tokens: Option<i64>,
    /// What it will cost at most; none where no price is known.
    pub estimated_cost: Option<Money>,
    /// Whose price that is.
    pub priced_by: Option<Arc<str>>,
    /// By our own price it costs nothing, so that a budget which is used up lets it in; one of 0 does not.
    pub is_free: bool,
}

impl Offer {
    /// What is said of the call if this provider carries it.
    pub fn particulars(&self, of_call: &Particulars) -> Particulars {
        let mut particulars = Particulars {
            estimated_tokens: self.estimated_tokens,
            estimated_cost: self.estimated_cost,
            ..of_call.clone()
        };
        particulars.set_priced_by(self.priced_by.clone());
        particulars
    }
}
