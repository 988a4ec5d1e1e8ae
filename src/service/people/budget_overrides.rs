//! Letting a user spend more than a budget says, for some windows or for good.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::assignments::{Held, show};
use crate::domain::audit::Actor;
use crate::domain::body::violation::{Path, Violation};
use crate::domain::limits::budget_override::{BudgetOverride, BudgetPlace, OverrideInput};
use crate::domain::limits::limit::{Limit, LimitKind};
use crate::domain::limits::limit_state::limit_id;
use crate::domain::limits::window::Window;
use crate::domain::people::holding::UserAccessProfile;
use crate::domain::people::user_copy::CopyBudget;
use crate::domain::validator::IfMatch;
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::money::Money;
use crate::error::{Error, Result};
use crate::service::Services;
use crate::store::Reading;
use crate::store::access_profiles::policies;
use crate::store::people::{budget_overrides, user_access_profiles};

/// Puts an override in place of the one before, if there was one; the window that is open is its first. Answers the budget and the
/// copy that it is in.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user, copy or budget, [`Error::Stale`], and [`Error::Invalid`] when the limit would be more
/// than one can be, and for some windows of a budget that never resets.
pub fn put(
    services: &Services,
    actor: Actor,
    place: &BudgetPlace,
    input: OverrideInput,
    if_match: &IfMatch,
) -> Result<(CopyBudget, Held)> {
    change(services, actor, place, if_match, Some(input))
}

/// Takes an override away; without one it changes nothing. Answers the budget and the copy that it is in.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user, copy or budget, [`Error::Stale`].
pub fn delete(
    services: &Services,
    actor: Actor,
    place: &BudgetPlace,
    if_match: &IfMatch,
) -> Result<(CopyBudget, Held)> {
    change(services, actor, place, if_match, None)
}

fn change(
    services: &Services,
    actor: Actor,
    place: &BudgetPlace,
    if_match: &IfMatch,
    input: Option<OverrideInput>,
) -> Result<(CopyBudget, Held)> {
    let now = services.clock.now();
    let zone = services.time_zone.clone();
    let (at, if_match) = (place.clone(), if_match.clone());
    services.change(actor, move |work| {
        let found = Found::of(work, &at)?;
        if_match.check(&found.copy.entity_tag(&found.overrides, ""))?;
        let (copy_id, before) = (found.copy.id, found.current().copied());
        let Some(input) = input else {
            return budget_overrides::delete(work, copy_id, at, found.limit.place_id, before);
        };
        let is_endless = found.limit.key.reset_duration == ResetDuration::Never;
        if is_endless && input.cycles.is_some() {
            let path = Path::root().field("mode");
            let sentence = "expected \"forever\": this budget never resets, so it has no windows to count; take the override away \
                            when it shall end";
            return Err(Violation::alone(&path, "cycles_without_reset", sentence));
        }
        if exceeds(input.amount, found.limit.max) {
            let path = Path::root().field("amount");
            let sentence =
                "together with the limit of the budget it must be at most 1000000000 dollars";
            return Err(Violation::alone(&path, "limit_out_of_range", sentence));
        }
        let after = BudgetOverride {
            place_id: found.limit.place_id,
            amount: input.amount,
            cycles: input.cycles,
            anchor_at: found.open_since(work, &zone, work.now())?,
        };
        budget_overrides::put(work, copy_id, at, before, after)
    })?;
    let held = show(services, place.user_id, place.access_profile_id, now)?;
    let budget = held.copy.budget(&place.budget_id).cloned();
    budget
        .map(|budget| (budget, held))
        .ok_or_else(|| no_budget(&place.budget_id))
}

/// A budget that was found.
struct Found {
    copy: UserAccessProfile,
    overrides: Vec<BudgetOverride>,
    limit: Limit,
}

impl Found {
    fn of(reading: &Reading<'_>, at: &BudgetPlace) -> Result<Self> {
        let copy = user_access_profiles::get(reading, at.user_id, at.access_profile_id)?;
        let policy = policies::get(reading, copy.policy_id)?;
        let is_meant = |limit: &Limit| {
            let kind = limit.key.kind;
            kind == LimitKind::Budget && limit_id(kind, copy.id, limit.place_id) == at.budget_id
        };
        let limits = policies::get_limits(reading, &policy)?;
        let limit = limits.into_iter().find(is_meant);
        Ok(Self {
            limit: limit.ok_or_else(|| no_budget(&at.budget_id))?,
            overrides: budget_overrides::list_of_copy(reading, copy.id)?,
            copy,
        })
    }

    /// When the window began that is open.
    fn open_since(&self, reading: &Reading<'_>, zone: &TimeZone, now: Timestamp) -> Result<i64> {
        let windows = self
            .limit
            .windows(self.copy.created_at.as_millisecond(), zone);
        let now_ms = now.as_millisecond();
        let counted = budget_overrides::find_window(reading, self.copy.id, self.limit.place_id)?;
        let open = counted.map_or_else(
            || windows.at(now_ms),
            |(starts_at, resets_at)| {
                let last = Window {
                    starts_at,
                    resets_at,
                    number: windows.at(starts_at).number,
                };
                windows.follow(last, now_ms)
            },
        );
        Ok(open.starts_at)
    }

    fn current(&self) -> Option<&BudgetOverride> {
        let mut all = self.overrides.iter();
        all.find(|over| over.place_id == self.limit.place_id)
    }
}

/// Whether a limit would be more than one can be with an amount that is added to it.
fn exceeds(amount: Money, limit: i64) -> bool {
    amount.nanodollars() > Money::MAX.nanodollars() - limit
}

/// Whoever took the id from the profile is told where the right one is.
fn no_budget(id: &str) -> Error {
    let shown: String = id.chars().take(100).collect();
    let of_template = id
        .strip_prefix("budget-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let hint = if of_template {
        ": that is the id of a budget of the access profile itself; the user's copy has ids of its own, which GET …/access-profiles of \
         the user shows"
    } else {
        ""
    };
    Error::absent(format!("there is no budget {shown} in this copy{hint}"))
}
