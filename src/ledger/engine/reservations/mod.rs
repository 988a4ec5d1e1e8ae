//! What is open: reservations by number, when they expire, and how many each key has.

pub(super) mod counted_reservation;
pub(super) mod extend;
pub(super) mod reserve;
pub(super) mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use foldhash::HashMap;

use self::counted_reservation::CountedReservation;
use super::directory::Directory;
use crate::domain::decision::{OpenReservation, Party};
use crate::domain::settings::DecisionSettings;
use crate::error::{Error, Result};

/// Reservations that may be open in all: gateways that never settle must not take all memory.
const MAX_OPEN: usize = 1_000_000;
/// When whoever has too many open may ask again, in seconds: any of them may be settled by then.
const RETRY_AFTER_SECONDS: u64 = 1;
/// Reservations that are looked at, at once.
const SLICE: usize = 2_000;

/// Open reservations.
#[derive(Default)]
pub struct Reservations {
    /// By number, so the oldest first.
    open: BTreeMap<i64, CountedReservation>,
    /// When they expire, with their numbers; but for those that are set aside.
    expiries: BTreeSet<(i64, i64)>,
    /// How many there are, by `virtual_keys.id`; who has none is not here.
    of_virtual_keys: HashMap<i64, u32>,
    /// How many there are, by `api_keys.id`; who has none is not here.
    of_api_keys: HashMap<i64, u32>,
    /// Nanodollars that all hold together.
    held: i128,
}

impl Reservations {
    /// The open reservation with this number.
    pub fn get(&self, number: i64) -> Option<&CountedReservation> {
        self.open.get(&number)
    }

    /// All, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &CountedReservation> {
        self.open.values()
    }

    /// The number of the oldest.
    pub fn oldest(&self) -> Option<i64> {
        self.open.first_key_value().map(|(number, _)| *number)
    }

    /// Adds one.
    pub fn insert(&mut self, reservation: CountedReservation) {
        let record = &*reservation.record;
        let of_key = self.of_virtual_keys.entry(record.virtual_key_id);
        *of_key.or_default() += 1;
        if let Party::ApiKey(id) = record.owner {
            *self.of_api_keys.entry(id).or_default() += 1;
        }
        let number = record.id.number;
        self.held += i128::from(record.held.cost);
        self.expiries.insert((record.expires_at, number));
        self.open.insert(number, reservation);
    }

    /// Takes one away.
    pub fn remove(&mut self, number: i64) -> Option<CountedReservation> {
        let reservation = self.open.remove(&number)?;
        let record = &*reservation.record;
        self.expiries.remove(&(record.expires_at, number));
        self.held -= i128::from(record.held.cost);
        remove_one(&mut self.of_virtual_keys, record.virtual_key_id);
        if let Party::ApiKey(id) = record.owner {
            remove_one(&mut self.of_api_keys, id);
        }
        Some(reservation)
    }

    /// How many there are, and the nanodollars that they hold together.
    pub fn holds(&self) -> (usize, i128) {
        (self.open.len(), self.held)
    }

    /// Whether any of them expires.
    pub fn any_expires(&self) -> bool {
        !self.expiries.is_empty()
    }

    /// The next whose time is up at `now_ms`; it is not answered again.
    pub fn next_expired(&mut self, now_ms: i64) -> Option<i64> {
        let (expires_at, number) = *self.expiries.first()?;
        if expires_at > now_ms {
            return None;
        }
        self.expiries.pop_first();
        Some(number)
    }

    /// Leaves a reservation that can't be ended open and held, and does not try again by itself: it may still be settled, cancelled
    /// or extended.
    pub fn set_aside(&mut self, number: i64) {
        if let Some(reservation) = self.open.get(&number) {
            self.expiries
                .remove(&(reservation.record.expires_at, number));
        }
    }

    /// Ends the time of what these users hold, who were deleted: it ends as what expires does. Answers whether they hold anything.
    pub fn orphan(&mut self, deleted: &BTreeSet<i64>, now_ms: i64) -> bool {
        if deleted.is_empty() {
            return false;
        }
        let held = self.open.values_mut();
        let mut any = false;
        for reservation in held.filter(|one| deleted.contains(&one.record.user_id)) {
            let record = Arc::make_mut(&mut reservation.record);
            let number = record.id.number;
            self.expiries.remove(&(record.expires_at, number));
            record.expires_at = record.expires_at.min(now_ms);
            self.expiries.insert((record.expires_at, number));
            reservation.is_orphan = true;
            any = true;
        }
        any
    }

    /// Whether one more may be opened with this virtual key by this owner.
    ///
    /// # Errors
    /// [`Error::TooMany`] when one of them has as many as it may have, [`Error::Unavailable`] when all together have.
    pub fn check_room(
        &self,
        settings: &DecisionSettings,
        virtual_key_id: i64,
        owner: Party,
    ) -> Result<()> {
        let has = |counts: &HashMap<i64, u32>, id| counts.get(&id).copied().unwrap_or(0);
        let most = settings.max_open_per_virtual_key;
        if has(&self.of_virtual_keys, virtual_key_id) >= most {
            return Err(too_many(
                most,
                "were made with this virtual key",
                "max_open_per_virtual_key",
            ));
        }
        let most = settings.max_open_per_management_key;
        if let Party::ApiKey(id) = owner
            && has(&self.of_api_keys, id) >= most
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

    /// Looks at the next open reservations after the one with the number `after`.
    pub fn slice(&self, query: OpenQuery, after: i64, directory: &Directory) -> OpenSlice {
        let mut slice = OpenSlice {
            open: self.open.len(),
            ..OpenSlice::default()
        };
        let rest = self.open.range((Excluded(after), Unbounded));
        for (looked, (number, one)) in rest.enumerate() {
            if looked == SLICE {
                return slice;
            }
            slice.next = Some(*number);
            let record = &one.record;
            if query
                .user_id
                .is_some_and(|user_id| user_id != record.user_id)
                || query
                    .own_of
                    .is_some_and(|key| !record.owner.is_own_of(Party::ApiKey(key)))
            {
                continue;
            }
            if slice.matching >= query.offset && slice.found.len() < query.limit {
                let key = directory.key_of(record.user_id, record.virtual_key_id);
                slice.found.push(OpenReservation {
                    record: Arc::clone(record),
                    virtual_key: key.map(|(public_id, _)| public_id),
                });
            }
            slice.matching += 1;
        }
        slice.next = None;
        slice
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

/// Which open reservations to list, the oldest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenQuery {
    /// Only those of this user.
    pub user_id: Option<i64>,
    /// Only those that are this management key's own.
    pub own_of: Option<i64>,
    /// How many to skip.
    pub offset: usize,
    /// How many to list.
    pub limit: usize,
}

/// What was found in one slice.
#[derive(Debug, Default)]
pub struct OpenSlice {
    /// Those of the page.
    pub found: Vec<OpenReservation>,
    /// How many are asked about, on the page or not.
    pub matching: usize,
    /// How many are open, whoever holds them.
    pub open: usize,
    /// The number after which to go on; none at the end.
    pub next: Option<i64>,
}
