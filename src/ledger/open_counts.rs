//! How many reservations each virtual key and each management key has open, and whether it may have one more.

use foldhash::HashMap;

use super::directory::State;
use super::reservation::Reservation;
use crate::domain::decision::Party;
use crate::error::{Error, Result};

/// Reservations that may be open in all: gateways that never settle must not take all memory.
const MAX_OPEN: usize = 1_000_000;
/// When whoever has too many open may ask again, in seconds: any of them may be settled by then.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Open reservations, counted; who has none is not here.
#[derive(Default)]
pub struct OpenCounts {
    /// By `virtual_keys.id`.
    virtual_keys: HashMap<i64, u32>,
    /// By `api_keys.id`.
    api_keys: HashMap<i64, u32>,
}

impl OpenCounts {
    /// Counts one that was opened.
    pub fn add(&mut self, reservation: &Reservation) {
        *self.virtual_keys.entry(reservation.key_id).or_default() += 1;
        if let Party::ApiKey(id) = reservation.owner {
            *self.api_keys.entry(id).or_default() += 1;
        }
    }

    /// Counts one less.
    pub fn remove(&mut self, reservation: &Reservation) {
        remove_one(&mut self.virtual_keys, reservation.key_id);
        if let Party::ApiKey(id) = reservation.owner {
            remove_one(&mut self.api_keys, id);
        }
    }
}

fn remove_one(counts: &mut HashMap<i64, u32>, id: i64) {
    if let Some(count) = counts.get_mut(&id) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&id);
        }
    }
}

impl State {
    /// Whether one more may be opened with this virtual key by this owner.
    ///
    /// # Errors
    /// [`Error::TooMany`] when one of them has as many as it may have, [`Error::Unavailable`] when all together have.
    pub fn has_room_for_open(&self, virtual_key_id: i64, owner: Party) -> Result<()> {
        let has = |counts: &HashMap<i64, u32>, id| counts.get(&id).copied().unwrap_or(0);
        let most = self.settings.max_open_per_virtual_key;
        if has(&self.open_counts.virtual_keys, virtual_key_id) >= most {
            return Err(too_many(
                most,
                "were made with this virtual key",
                "max_open_per_virtual_key",
            ));
        }
        let most = self.settings.max_open_per_management_key;
        if let Party::ApiKey(id) = owner
            && has(&self.open_counts.api_keys, id) >= most
        {
            return Err(too_many(
                most,
                "were made by this management key",
                "max_open_per_management_key",
            ));
        }
        if self.open.len() >= MAX_OPEN {
            return Err(Error::Unavailable {
                code: "overloaded",
                reason: format!("{MAX_OPEN} reservations are open already; settle or cancel some"),
            });
        }
        Ok(())
    }
}

fn too_many(most: u32, whose: &str, setting: &str) -> Error {
    Error::TooMany {
        code: "too_many_open_reservations",
        message: format!(
            "{most} open reservations {whose}, and no more may be open at a time ([decisions] {setting}); settle or cancel those that \
             are over, or wait until they expire"
        ),
        retry_after_seconds: RETRY_AFTER_SECONDS,
    }
}
