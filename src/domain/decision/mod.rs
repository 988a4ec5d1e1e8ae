//! Decisions: what a gateway asks about a call, and what it is told. Amounts are nanodollars, tokens or requests; times are
//! milliseconds since 1970.

pub mod amounts;
pub mod call_size;
pub mod estimate;
pub mod explanation;
pub mod input;
pub mod journal;
pub mod offer;
pub mod particulars;
pub mod party;
pub mod refusal;
pub mod report;
pub mod reservation;
pub mod reservation_id;
pub mod usage;

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

pub use self::offer::Offer;
pub use self::particulars::{Aside, McpCall, Particulars};
pub use self::party::Party;
pub use self::refusal::{OutsidePolicy, Refusal, RefusalKind};
pub use self::reservation::{OpenReservation, Reservation};
pub use self::reservation_id::ReservationId;
use super::credential::{ID_LENGTH, Kind, Token};
pub use super::limits::limit_state::LimitState;
use super::values::money::Money;

/// Who calls: what can be told from a well-formed virtual key without knowing it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// The public id.
    pub public_id: [u8; ID_LENGTH],
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
}

impl Presented {
    /// What `token` presents, if it is a virtual key.
    pub fn of(token: &Token) -> Option<Self> {
        (token.kind() == Kind::Virtual).then_some(())?;
        Some(Self {
            public_id: token.id().as_bytes().try_into().ok()?,
            secret_hash: token.secret_hash(),
        })
    }
}

/// A call that a gateway is about to make, or has made.
#[derive(Clone)]
pub struct Call {
    /// Whose call it is.
    pub key: Presented,
    /// The provider; without one, the first that allows the model.
    pub provider: Option<String>,
    /// The model; never empty.
    pub model: Arc<str>,
    /// What else the gateway says of it.
    pub particulars: Particulars,
    /// The providers that can carry it, each with what it would take, where we choose; others are not asked.
    pub offers: Option<Arc<[Offer]>>,
    /// How many requests it counts as: 1, or 0 when it was counted before.
    pub requests: i64,
    /// Makes the call count once, however often it is sent.
    pub request: Option<RequestId>,
    /// Whose the reservation will be.
    pub owner: Party,
}

impl Call {
    /// The same without what it was expected to use.
    #[must_use]
    pub fn without_estimates(self) -> Self {
        let mcp = self.particulars.aside.and_then(|aside| aside.mcp);
        let particulars = Particulars {
            aside: Aside::if_any(mcp, None),
            ..Particulars::default()
        };
        Self {
            particulars,
            ..self
        }
    }
}

/// The gateway's own id of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    /// Unique among the calls of a virtual key for 24 hours.
    pub id: String,
    /// SHA-256 of everything that makes two calls the same: the kind of request and its body.
    pub body_hash: [u8; 32],
}

/// A reservation that was made, or prolonged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Its id.
    pub reservation: ReservationId,
    /// When it expires if it is neither settled nor extended.
    pub expires_at_ms: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The profile that granted it.
    pub access_profile_id: i64,
    /// The user's copy of it.
    pub copy_id: i64,
    /// The provider, as the profile names it.
    pub provider: Arc<str>,
    /// Every limit that it is held on, as it is now.
    pub limits: Vec<LimitState>,
    /// Whether this is the answer to an earlier request with the same request id.
    pub repeated: bool,
}

/// A reservation that was settled, or use that was charged without one. It is stored as a list of its fields in this order; a
/// new one comes last and has a default, as in [`LimitState`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Settled {
    /// Its id.
    pub reservation: ReservationId,
    /// Whose it is.
    pub user_id: i64,
    /// The profile that it was charged to.
    pub access_profile_id: i64,
    /// The user's copy of it.
    pub copy_id: i64,
    /// The provider, as the profile names it.
    pub provider: Arc<str>,
    /// What was charged.
    pub tokens: i64,
    /// What was charged.
    pub cost: Money,
    /// Every limit that it was charged to, as it is now; none when the user's copy is gone.
    pub limits: Vec<LimitState>,
    /// What would have refused the call, if anything.
    #[serde(default)]
    pub outside_policy: Option<Box<OutsidePolicy>>,
    /// Whose price that is, where the gateway left it to us.
    #[serde(default)]
    pub priced_by: Option<Arc<str>>,
    /// Whether it had been charged before, and now was not.
    #[serde(skip)]
    pub repeated: bool,
}

impl Serialize for Settled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let charged = (
            self.reservation,
            self.user_id,
            self.access_profile_id,
            self.copy_id,
            &self.provider,
            self.tokens,
            self.cost,
            &self.limits,
        );
        let (outside, priced_by) = (&self.outside_policy, &self.priced_by);
        if outside.is_none() && priced_by.is_none() {
            return charged.serialize(serializer);
        }
        let (id, user_id, profile_id, copy_id, provider, tokens, cost, limits) = charged;
        (
            id, user_id, profile_id, copy_id, provider, tokens, cost, limits, outside, priced_by,
        )
            .serialize(serializer)
    }
}

/// A call that was let in and counted as one request, with nothing held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The key's public id.
    pub public_id: [u8; ID_LENGTH],
    /// Whose call it is.
    pub user_id: i64,
    /// The profile that lets it in.
    pub access_profile_id: i64,
    /// The user's copy of it.
    pub copy_id: i64,
    /// The provider, as the profile names it.
    pub provider: Arc<str>,
    /// Every limit that applies, as it is now.
    pub limits: Vec<LimitState>,
}

/// A virtual key that is known, and what its user holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key's number (`virtual_keys.id`).
    pub virtual_key_id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The user's copies in the order of assignment, expired ones too.
    pub copies: Vec<i64>,
    /// Whether any of them is in force.
    pub holds_any: bool,
}

/// The tools of an MCP server that a key may call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantedTools {
    /// Every tool may be called, but those excluded.
    pub all_tools: bool,
    /// The tools that are granted by name, sorted.
    pub tools: Vec<String>,
    /// The tools that may not be called although all are granted, sorted.
    pub excluded_tools: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a request id was answered is stored for a day, so what an earlier version stored is read too.
    #[test]
    fn what_was_settled_reads_back_as_itself_in_both_forms_it_was_stored_in() {
        let short = r#"[{"number":7,"nonce":-3},1,2,3,"openai",950,0.0098,
            [[2,3,"budget",5,6,"provider:openai","1d",10000000000,12000000000,9800000,0,1780272000000,1780358400000]]]"#;
        let long = r#"{"reservation":{"number":7,"nonce":-3},"user_id":1,"access_profile_id":2,"copy_id":3,"provider":"openai",
            "tokens":950,"cost":0.0098,"limits":[{"access_profile_id":2,"copy_id":3,"kind":"budget","place_id":5,
            "named_place_id":6,"scope":"provider:openai","reset_duration":"1d","max_limit":10000000000,
            "effective_max_limit":12000000000,"used":9800000,"held":0,"starts_at":1780272000000,"resets_at":1780358400000}]}"#;
        let read: Settled = serde_json::from_str(short).unwrap();
        assert_eq!(read, serde_json::from_str(long).unwrap());
        assert_eq!(
            (read.tokens, read.limits[0].used, read.limits[0].held),
            (950, 9_800_000, 0)
        );
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(written, short.replace([' ', '\n'], ""));
    }
}
