//! What a user may spend above a budget, for some windows or for good.
//!
//! What is stored is the window in which it was given. How many windows are left is derived from that, so that neither a restart nor
//! a missed window can revive or lose one.

use super::window::{Window, Windows};
use crate::domain::body::{Body, BodySchema, Form, ValueKind};
use crate::domain::values::money::{Money, read_money};

/// Most windows an override lasts, unless it lasts for good.
pub const MAX_CYCLES: i64 = 10_000;

/// An override as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetOverride {
    /// Where the budget counts (`limit_places`).
    pub place_id: i64,
    /// What is added to the budget's limit.
    pub amount: Money,
    /// Windows it lasts, the one in which it was given included; none for good.
    pub cycles: Option<i64>,
    /// When the window began in which it was given, in milliseconds since 1970.
    pub anchor_at: i64,
}

impl BudgetOverride {
    /// Whether it holds in the window `current` of the budget whose windows these are.
    pub fn in_force(&self, windows: &Windows, current: Window) -> bool {
        self.cycles.is_none() || self.remaining(windows, current).is_some()
    }

    /// Windows that are left in `current`, that one included; `None` when it is over or lasts for good.
    pub fn remaining(&self, windows: &Windows, current: Window) -> Option<i64> {
        let cycles = self.cycles?;
        // Both numbers are of the windows as they are now: they may have been others when it was given.
        let number = |at: i64| windows.at(at).number;
        let passed = number(current.starts_at) - number(self.anchor_at);
        let left = cycles.saturating_sub(passed.max(0));
        (left > 0).then_some(left)
    }

    /// How long it lasts, as it is shown.
    pub fn mode(&self) -> &'static str {
        if self.cycles.is_some() {
            CYCLES
        } else {
            FOREVER
        }
    }
}

const CYCLES: &str = "cycles";
const FOREVER: &str = "forever";

/// The budget of a copy that a user holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetPlace {
    /// The user.
    pub user_id: i64,
    /// The profile of which the copy is one.
    pub access_profile_id: i64,
    /// The budget, as the copy names it.
    pub budget_id: String,
}

/// What sets an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverrideInput {
    /// More than nothing.
    pub amount: Money,
    /// 1 to [`MAX_CYCLES`] windows; none for good.
    pub cycles: Option<i64>,
}

/// What an override takes.
pub const OVERRIDE: Body<OverrideInput> = Body::new(
    "OverrideBody",
    "What an override takes.",
    OverrideInput::read,
);

impl OverrideInput {
    fn read(form: &mut Form<'_>) -> Option<Self> {
        let amount = form.required(
            "amount",
            some_dollars(),
            "US dollars that are added to the limit; more than 0.",
        );
        let lasts = form.required(
            "mode",
            mode(),
            "For some windows, or for good; of a budget that never resets `forever` alone.",
        );
        let cycles = ValueKind::new(
            || BodySchema::integer(0..=MAX_CYCLES),
            |node| {
                if lasts? {
                    return node.integer(1..=MAX_CYCLES).map(Some);
                }
                // Some clients send nothing so.
                if node.integer(i64::MIN..=i64::MAX)? == 0 {
                    return Some(None);
                }
                node.refuse("cycles_without_mode", "is only for the mode \"cycles\"")
            },
        );
        let cycles = form.optional(
            "cycles",
            cycles,
            "Windows it lasts, the open one included; only with `cycles`, and required there. With `forever`: 0 or left out.",
        );
        if lasts == Some(true) && !form.gives("cycles") {
            form.refuse("cycles", "required", "is required");
        }
        Some(Self {
            amount: amount?,
            cycles: cycles.flatten(),
        })
    }
}

fn some_dollars() -> ValueKind<'static, Money> {
    ValueKind::new(
        || BodySchema::Number(1e-9..=1e9),
        |node| match read_money(node)? {
            Money::ZERO => node.refuse("out_of_range", "must be more than 0 dollars"),
            amount => Some(amount),
        },
    )
}

/// How long an override lasts: whether for some windows only.
fn mode() -> ValueKind<'static, bool> {
    ValueKind::new(
        || BodySchema::values([CYCLES, FOREVER]),
        |node| match node.string(usize::MAX)? {
            CYCLES => Some(true),
            FOREVER => Some(false),
            _ => node.refuse("invalid_value", "expected \"cycles\" or \"forever\""),
        },
    )
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::values::duration::ResetDuration;

    const DAY: i64 = 86_400_000;

    fn given(cycles: Option<i64>) -> BudgetOverride {
        BudgetOverride {
            place_id: 1,
            amount: Money::MAX,
            cycles,
            anchor_at: 0,
        }
    }

    #[test]
    fn the_window_it_was_given_in_is_the_first() {
        let windows = Windows::new(ResetDuration::MONTH, false, None, 0, &TimeZone::UTC);
        let left = |days: i64| given(Some(2)).remaining(&windows, windows.at(days * DAY));
        assert_eq!([left(0), left(29)], [Some(2), Some(2)]);
        assert_eq!([left(30), left(59)], [Some(1), Some(1)]);
        assert_eq!([left(60), left(3_000)], [None, None]);
        // A clock that went back gives nothing more.
        assert_eq!(left(-31), Some(2));
        assert!(given(None).in_force(&windows, windows.at(3_000 * DAY)));
        assert!(!given(Some(2)).in_force(&windows, windows.at(60 * DAY)));
    }

    #[test]
    fn windows_that_changed_since_are_counted_as_they_are_now() {
        let windows = Windows::new(ResetDuration::MONTH, true, None, 0, &TimeZone::UTC);
        // Given on 15 January 1970; February is the second cycle.
        let mid = BudgetOverride {
            anchor_at: 14 * DAY,
            ..given(Some(2))
        };
        let left = |days: i64| mid.remaining(&windows, windows.at(days * DAY));
        assert_eq!([left(20), left(31), left(59)], [Some(2), Some(1), None]);
    }
}
