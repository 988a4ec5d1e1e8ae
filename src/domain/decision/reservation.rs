//! The record of a reservation: the ledger counts by it, the journal stores it and a list shows it.

use std::sync::Arc;

use super::amounts::Amounts;
use super::particulars::Particulars;
use super::party::Party;
use super::reservation_id::ReservationId;
use crate::domain::credential::ID_LENGTH;

/// A reservation as it was made or last extended; what becomes of it in the end is none of its fields. Everything that knows a
/// reservation shares its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its public id.
    pub id: ReservationId,
    /// The key it was made with.
    pub virtual_key_id: i64,
    /// The user whose call it is.
    pub user_id: i64,
    /// The copy it is held on, which may be gone; 0 when no copy pays.
    pub copy_id: i64,
    /// The profile that granted it.
    pub access_profile_id: i64,
    /// The provider, as the profile names it.
    pub provider: Arc<str>,
    /// The model.
    pub model: Arc<str>,
    /// What else the gateway said of the call.
    pub particulars: Particulars,
    /// What is held: less than was expected where a cap says so.
    pub held: Amounts,
    /// The gateway's own id of the call.
    pub request_id: Option<Box<str>>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it expires, in milliseconds since 1970.
    pub expires_at: i64,
    /// How many requests it counts as: none when its call was counted before.
    pub requests: i64,
    /// Whose it is.
    pub owner: Party,
}

/// An open hold as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReservation {
    /// Its record.
    pub record: Arc<Reservation>,
    /// The public id of the virtual key; none once it was deleted.
    pub virtual_key: Option<[u8; ID_LENGTH]>,
}
