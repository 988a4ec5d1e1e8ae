//! Which holds are open. Looked through in slices, so that decisions are never held up for long.

use std::ops::Bound::{Excluded, Unbounded};

use super::Ledger;
use super::directory::State;
use super::message::{Message, stopped};
use crate::domain::decision::OpenReservation;
use crate::error::Result;

/// Reservations that are looked at, at once.
const SLICE: usize = 2_000;

/// Which open reservations to list, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A page of open reservations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReservations {
    /// Those of the page.
    pub reservations: Vec<OpenReservation>,
    /// How many there are in all.
    pub total: usize,
}

/// What was found in one slice.
#[derive(Debug, Default)]
pub struct OpenSlice {
    /// Those of the page.
    found: Vec<OpenReservation>,
    /// How many are asked about, on the page or not.
    matching: usize,
    /// How many are open, whoever holds them.
    open: usize,
    /// The number after which to go on; none at the end.
    next: Option<i64>,
}

impl State {
    /// Looks at the next open reservations after the one with the number `after`.
    pub fn open_slice(&self, query: OpenQuery, after: i64) -> OpenSlice {
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
            if query.user_id.is_some_and(|user_id| user_id != one.user_id)
                || query.own_of.is_some_and(|key| !one.owner.is_own_of(key))
            {
                continue;
            }
            if slice.matching >= query.offset && slice.found.len() < query.limit {
                let key = self.key_of(one.user_id, one.key_id);
                slice
                    .found
                    .push(one.shown(key.map(|(public_id, _)| public_id)));
            }
            slice.matching += 1;
        }
        slice.next = None;
        slice
    }
}

impl Ledger {
    /// A page of open reservations, the oldest first. Blocks.
    ///
    /// # Errors
    /// When the ledger is stopping.
    pub fn open_reservations(&self, query: OpenQuery) -> Result<OpenReservations> {
        let (mut page, mut left, mut after) = (OpenReservations::default(), query, Some(0));
        while let Some(from) = after {
            let slice = self.open_slice(left, from)?;
            left.offset = left.offset.saturating_sub(slice.matching);
            left.limit -= slice.found.len();
            page.total += slice.matching;
            page.reservations.extend(slice.found);
            after = slice.next;
            // How many there are of everybody is known without counting.
            let past = query.offset >= slice.open || left.limit == 0;
            if query.user_id.is_none() && query.own_of.is_none() && past {
                page.total = slice.open;
                break;
            }
        }
        Ok(page)
    }

    fn open_slice(&self, query: OpenQuery, after: i64) -> Result<OpenSlice> {
        let (reply, receiver) = tokio::sync::oneshot::channel();
        self.queue
            .send(Message::Open(query, after, reply))
            .map_err(|_| stopped())?;
        receiver.blocking_recv().unwrap_or_else(|_| Err(stopped()))
    }
}
