//! A reservation in memory: its record, and what it takes to count it.

use std::sync::Arc;

use crate::domain::decision::reservation::Reservation;
use crate::domain::decision::{Call, Presented};
use crate::domain::values::letter_case::fold;

/// A reservation that the limits of its copy count. There may be a million, so what is stored of it stands elsewhere, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedReservation {
    /// Its record.
    pub record: Arc<Reservation>,
    /// The provider without regard to case.
    pub provider_key: Arc<str>,
    /// Whether its user was deleted since, so that its time is over. Known in memory only.
    pub is_orphan: bool,
}

impl CountedReservation {
    /// A reservation that is made, with its provider without regard to case.
    pub fn new(record: Reservation, provider_key: Arc<str>) -> Self {
        Self {
            record: Arc::new(record),
            provider_key,
            is_orphan: false,
        }
    }

    /// The reservation of a record that was made before.
    pub fn of(record: Arc<Reservation>) -> Self {
        Self {
            provider_key: fold(&record.provider).into(),
            record,
            is_orphan: false,
        }
    }

    /// The number of the reservation.
    pub fn number(&self) -> i64 {
        self.record.id.number
    }

    /// The same reservation after it was changed.
    pub fn changed(&self, record: Reservation) -> Self {
        Self {
            record: Arc::new(record),
            ..self.clone()
        }
    }
}

/// The call that a reservation was made for, with the key as it is now.
pub fn call_of(record: &Reservation, key: Presented) -> Call {
    Call {
        key,
        provider: Some(record.provider.to_string()),
        model: Arc::clone(&record.model),
        particulars: record.particulars.clone(),
        offers: None,
        requests: 1,
        request: None,
        owner: record.owner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million of them may be open. The record stands behind the two counts of those who share it.
    #[test]
    fn an_open_reservation_takes_little_memory() {
        let counts = 2 * size_of::<usize>();
        let record = size_of::<Reservation>() + counts;
        assert!(record <= 224, "{record}");
        let counted = size_of::<CountedReservation>();
        assert!(counted <= 32, "{counted}");
    }
}
