//! What limits count of calls, but for requests.

use std::sync::Arc;

use crate::domain::limits::limit::LimitKind;
use crate::domain::values::money::Money;

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

/// What a call has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens, of whatever kind.
    pub tokens: i64,
    /// US dollars.
    pub cost: Money,
    /// Which tokens these were, where that is known.
    pub split: TokenSplit,
}

/// What a call has used, and whose price its cost is; nobody's, where the gateway said what it cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PricedUse {
    /// What it has used.
    pub spent: Spent,
    /// The version of the list of prices, or the operator's own price over it.
    pub priced_by: Option<Arc<str>>,
}

impl From<Spent> for PricedUse {
    fn from(spent: Spent) -> Self {
        let priced_by = None;
        Self { spent, priced_by }
    }
}

/// Tokens by kind, as the history keeps them; all are 0 where only their sum was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenSplit {
    /// Input tokens, those that were read from a cache among them.
    pub input: i64,
    /// Of these, those that were read from a cache.
    pub cached_input: i64,
    /// Output tokens.
    pub output: i64,
}

impl Spent {
    /// Tokens of which nobody said what kind they are, and what they cost.
    pub fn of(tokens: i64, cost: Money) -> Self {
        Self {
            tokens,
            cost,
            split: TokenSplit::default(),
        }
    }

    /// What limits count of it.
    pub fn amounts(&self) -> Amounts {
        Amounts {
            tokens: self.tokens,
            cost: self.cost.nanodollars(),
        }
    }
}

impl TokenSplit {
    /// Both together; what has grown beyond every number stays there.
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached_input: self.cached_input.saturating_add(other.cached_input),
            output: self.output.saturating_add(other.output),
        }
    }
}
