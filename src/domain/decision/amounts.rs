//! What limits count of calls, but for requests.

use crate::domain::limits::limit::LimitKind;

/// What a call asks of limits, what is held for it, or what it used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Tokens.
    pub tokens: i64,
    /// Nanodollars.
    pub cost: i64,
}

impl Amounts {
    /// What is asked of a limit of this kind, with so many requests.
    pub fn of(self, kind: LimitKind, requests: i64) -> i64 {
        match kind {
            LimitKind::Budget => self.cost,
            LimitKind::Tokens => self.tokens,
            LimitKind::Requests => requests,
        }
    }

    /// What is left when `others` are taken away; below zero where they are more.
    pub fn less(self, others: Self) -> Self {
        Self {
            tokens: self.tokens - others.tokens,
            cost: self.cost - others.cost,
        }
    }

    /// What these are above `others`, 0 where they are not.
    pub fn above(self, others: Self) -> Self {
        Self {
            tokens: (self.tokens - others.tokens).max(0),
            cost: (self.cost - others.cost).max(0),
        }
    }
}
