//! Which limits are almost used up.

use std::cmp::{Ordering, Reverse};

use crate::domain::limits::limit_state::LimitState;
use crate::ledger::engine::state::LedgerState;

/// A limit that is almost used up, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearLimit {
    /// Who holds the copy.
    pub user_id: i64,
    /// How it stands.
    pub state: LimitState,
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

impl LedgerState {
    /// The limits of these copies (user, copy) that are almost used up at `now_ms`; of copies that have not expired.
    pub fn near_limits(&self, copies: &[(i64, i64)], now_ms: i64) -> Vec<NearLimit> {
        let mut near = Vec::new();
        for (user_id, copy_id) in copies {
            let Some(copy) = self.directory.copy(*user_id, *copy_id) else {
                continue;
            };
            if self.directory.is_over(copy, now_ms) {
                continue;
            }
            for limit in &copy.rules.limits {
                let untouched = copy.counters.last(limit.place_id).is_none();
                if untouched && limit.max > 0 {
                    continue;
                }
                let one = NearLimit {
                    user_id: *user_id,
                    state: copy.state(limit, now_ms, &self.zone),
                };
                if one.is_near() {
                    near.push(one);
                }
            }
        }
        near
    }
}
