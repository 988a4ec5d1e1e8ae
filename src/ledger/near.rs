//! Which limits are almost used up, over everybody. Asked in slices, so that decisions are never held up for long.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Ledger;
use super::directory::State;
use super::message::{Message, stopped};
use crate::domain::decision::LimitState;
use crate::error::Result;
use crate::store::user_access_profiles;

/// Copies that are looked through at once.
const SLICE: i64 = 2_000;

/// A limit that is almost used up, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearLimit {
    /// Who holds the copy.
    pub user_id: i64,
    /// How it stands.
    pub state: LimitState,
}

/// The fullest limits, and how many are almost used up in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NearLimits {
    /// The fullest first; what is equally full in the order of assignment.
    pub limits: Vec<NearLimit>,
    /// How many there are.
    pub total: usize,
}

/// Whose limits are meant; everybody's, where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearQuery {
    /// Of this user only.
    pub user_id: Option<i64>,
    /// Of this access profile only.
    pub access_profile_id: Option<i64>,
}

impl NearLimit {
    /// What is used and held of it, as a part of what it allows; a limit of 0 is full.
    pub fn share(&self) -> f64 {
        let (spent, limit) = self.parts();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share is shown, not counted with"
        )]
        let share = spent as f64 / limit as f64;
        share
    }

    fn parts(&self) -> (i128, i128) {
        let state = &self.state;
        if state.effective_max_limit <= 0 {
            return (1, 1);
        }
        let spent = i128::from(state.used) + i128::from(state.held);
        (spent, i128::from(state.effective_max_limit))
    }

    /// Whether four fifths of it are gone.
    fn is_near(&self) -> bool {
        let (spent, limit) = self.parts();
        spent * 5 >= limit * 4
    }
}

impl Ord for NearLimit {
    /// The fuller one is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        let ((spent, limit), (others, of)) = (self.parts(), other.parts());
        let place = |one: &Self| Reverse((one.state.copy_id, one.state.place_id));
        (spent * of)
            .cmp(&(others * limit))
            .then_with(|| place(self).cmp(&place(other)))
    }
}

impl PartialOrd for NearLimit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl State {
    /// The limits of these copies (user, copy) that are almost used up at `now_ms`; of copies that have not expired.
    pub fn near_limits(&self, copies: &[(i64, i64)], now_ms: i64) -> Vec<NearLimit> {
        let mut near = Vec::new();
        for (user_id, copy_id) in copies {
            let Some(copy) = self.copy(*user_id, *copy_id) else {
                continue;
            };
            if self.is_over(copy, now_ms) {
                continue;
            }
            for limit in &copy.rules.limits {
                let untouched = copy.held.is_empty() && copy.counter(limit.place_id).is_none();
                if untouched && limit.max > 0 {
                    continue;
                }
                let one = NearLimit {
                    user_id: *user_id,
                    state: copy.state(limit, copy.standing(limit, now_ms, &self.zone)),
                };
                if one.is_near() {
                    near.push(one);
                }
            }
        }
        near
    }
}

impl Ledger {
    /// The `keep` fullest of the limits that are meant and almost used up at `now_ms`. Blocks.
    ///
    /// # Errors
    /// When the database can't be read, or the ledger is stopping.
    pub fn near_limits(&self, query: NearQuery, keep: usize, now_ms: i64) -> Result<NearLimits> {
        let (mut fullest, mut total, mut after) = (BinaryHeap::new(), 0, 0);
        loop {
            let mut copies = self
                .store
                .read(|reading| user_access_profiles::list_ids_after(reading, after, SLICE))?;
            let Some((_, last)) = copies.last() else {
                break;
            };
            after = *last;
            copies.retain(|(user_id, _)| query.user_id.is_none_or(|wanted| wanted == *user_id));
            if copies.is_empty() {
                continue;
            }
            for one in self.near_slice(copies, now_ms)? {
                let profile_id = one.state.access_profile_id;
                if query
                    .access_profile_id
                    .is_some_and(|wanted| wanted != profile_id)
                {
                    continue;
                }
                total += 1;
                fullest.push(Reverse(one));
                if fullest.len() > keep {
                    fullest.pop();
                }
            }
        }
        let limits = fullest.into_sorted_vec();
        Ok(NearLimits {
            limits: limits.into_iter().map(|Reverse(one)| one).collect(),
            total,
        })
    }

    fn near_slice(&self, copies: Vec<(i64, i64)>, now_ms: i64) -> Result<Vec<NearLimit>> {
        let (reply, receiver) = tokio::sync::oneshot::channel();
        self.queue
            .send(Message::Near(copies, now_ms, reply))
            .map_err(|_| stopped())?;
        receiver.blocking_recv().unwrap_or_else(|_| Err(stopped()))
    }
}
