//! What users hold who were deleted: its time is over, and it ends as what expires does.

use std::collections::BTreeSet;

use super::directory::State;
use crate::error::Result;
use crate::store::{Reading, decision_rows};

impl State {
    /// Ends the time of what these users hold, who were deleted. Answers whether they hold anything.
    pub fn orphan(&mut self, deleted: &BTreeSet<i64>, now_ms: i64) -> bool {
        if deleted.is_empty() {
            return false;
        }
        let held = self.open.values_mut();
        let mut any = false;
        for reservation in held.filter(|one| deleted.contains(&one.user_id)) {
            let number = reservation.id.number;
            self.expiries.remove(&(reservation.expires_at, number));
            reservation.expires_at = reservation.expires_at.min(now_ms);
            reservation.is_orphan = true;
            self.expiries.insert((reservation.expires_at, number));
            any = true;
        }
        any
    }

    /// The same at a start: the last process may have ended after a user was deleted and before all that was held had ended.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn orphan_stored(&mut self, reading: &Reading<'_>, now_ms: i64) -> Result<()> {
        let held = self.open.values().map(|one| one.user_id);
        let unknown: BTreeSet<i64> = held.filter(|id| !self.users.contains_key(id)).collect();
        let mut deleted = BTreeSet::new();
        for user_id in unknown {
            if !decision_rows::is_user(reading, user_id)? {
                deleted.insert(user_id);
            }
        }
        self.orphan(&deleted, now_ms);
        Ok(())
    }
}
