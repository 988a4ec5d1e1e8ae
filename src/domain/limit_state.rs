//! How a limit stands, as answers show it.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::duration::ResetDuration;
use super::policy::PlaceKind;

/// One limit of a copy at a moment. Amounts are nanodollars, tokens or requests.
///
/// It is stored as a list of its fields in this order: one is kept for every limit of every call with a request id. A new field comes
/// last and has a default, so that what was stored before is still read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LimitState {
    /// The profile.
    pub access_profile_id: i64,
    /// The copy.
    pub copy_id: i64,
    /// What is counted: a budget, tokens or requests.
    pub kind: PlaceKind,
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// The place that its id names: its own for a budget, that of the whole rate limit for tokens and requests.
    pub named_place_id: i64,
    /// `total` or `provider:<name>`.
    pub scope: Arc<str>,
    /// How often it starts anew.
    pub reset_duration: ResetDuration,
    /// What the policy allows in a window.
    pub max_limit: i64,
    /// That and what an override adds.
    pub effective_max_limit: i64,
    /// Used in the window.
    pub used: i64,
    /// Held by open reservations.
    pub held: i64,
    /// When the window began.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
}

impl Serialize for LimitState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (
            self.access_profile_id,
            self.copy_id,
            self.kind,
            self.place_id,
            self.named_place_id,
            &self.scope,
            self.reset_duration,
            self.max_limit,
            self.effective_max_limit,
            self.used,
            self.held,
            self.starts_at,
            self.resets_at,
        )
            .serialize(serializer)
    }
}

impl LimitState {
    /// What is left, 0 when it is overdrawn.
    pub fn remaining(&self) -> i64 {
        self.effective_max_limit
            .saturating_sub(self.used)
            .saturating_sub(self.held)
            .max(0)
    }

    /// The id of the budget or rate limit: `budget-<copy>-<place>`, `rate-limit-<copy>-<place>`.
    pub fn id(&self) -> String {
        let mut id = String::new();
        self.write_id(&mut id);
        id
    }

    /// Writes that id.
    pub fn write_id(&self, out: &mut String) {
        out.push_str(match self.kind {
            PlaceKind::Budget => "budget-",
            PlaceKind::RateLimit | PlaceKind::Tokens | PlaceKind::Requests => "rate-limit-",
        });
        let mut number = itoa::Buffer::new();
        out.push_str(number.format(self.copy_id));
        out.push('-');
        out.push_str(number.format(self.named_place_id));
    }
}
