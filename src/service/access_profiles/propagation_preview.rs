//! What a propagation would do: for whom what would change, and who would be over a limit at once. Writes nothing.

use std::collections::HashMap;

use super::propagation::{Part, Plan};
use crate::domain::access_profile::propagation::{
    Amount, Excess, Propagated, PropagationInput, SharedChange, UserChange, UserExcess,
};
use crate::domain::limits::budget_override::BudgetOverride;
use crate::domain::limits::limit::{Limit, LimitKind};
use crate::domain::limits::limit_state::{Count, LimitedCopy, limit_id};
use crate::error::Result;
use crate::ledger::Counts;
use crate::service::Services;
use crate::store::Reading;
use crate::store::access_profiles::policies;
use crate::store::access_profiles::propagation::Selected;
use crate::store::people::budget_overrides;

/// Most users that are listed one by one.
const MAX_LISTED: usize = 500;
/// Most policies whose changes are shown.
const MAX_POLICIES: usize = 100;

/// Says what a propagation would do.
///
/// # Errors
/// [`crate::error::Error::NotFound`] for the profile, a role, or a user who does not hold it.
pub fn preview(
    services: &Services,
    profile_id: i64,
    input: &PropagationInput,
) -> Result<Propagated> {
    let now_ms = services.clock.now().as_millisecond();
    let (plan, rules, overrides) = services.store.read(|reading| {
        let plan = Plan::work_out(reading, profile_id, input)?;
        let rules: Vec<Rules> = plan
            .parts
            .iter()
            .map(|part| Rules::read(reading, part))
            .collect::<Result<_>>()?;
        let ids = copy_ids(&plan);
        let overrides = budget_overrides::list_of_copies(reading, &ids)?;
        Ok((plan, rules, overrides))
    })?;
    let mut of_copy: HashMap<i64, Vec<BudgetOverride>> = HashMap::new();
    for (copy_id, over) in overrides {
        of_copy.entry(copy_id).or_default().push(over);
    }
    let copies = plan.parts.iter().flat_map(|part| &part.copies);
    let copies = copies.map(|copy| (copy.user_id, copy.copy_id)).collect();
    let counts: HashMap<i64, Counts> = services.ledger.counts_of(copies, now_ms)?;
    let mut outcome = plan.outcome(input);
    for (part, rules) in plan.parts.iter().zip(&rules) {
        let shown = outcome.policy_changes.len();
        let policy_change =
            (shown < MAX_POLICIES && !part.change.changed.is_empty()).then_some(shown);
        if policy_change.is_some() {
            outcome.policy_changes.push(SharedChange {
                users: part.copies.len(),
                patch: part.change.patch()?,
            });
        }
        let fields: Vec<_> = part
            .change
            .changed
            .iter()
            .map(|field| field.name())
            .collect();
        for copy in &part.copies {
            let overrides = of_copy.get(&copy.copy_id).map_or(&[][..], Vec::as_slice);
            outcome.changes_total += usize::from(!fields.is_empty());
            if outcome.changes.len() < MAX_LISTED && !fields.is_empty() {
                outcome.changes.push(UserChange {
                    user_id: copy.user_id.to_string(),
                    fields: fields.clone(),
                    policy_change,
                    lost_overrides: rules.lost(copy, overrides),
                });
            }
            let limited = LimitedCopy {
                access_profile_id: profile_id,
                copy_id: copy.copy_id,
                created_at: copy.created_at,
                overrides,
                zone: &services.time_zone,
            };
            let counts = counts.get(&copy.copy_id).map_or(&[][..], Vec::as_slice);
            let limits = rules.exceeded(limited, counts, input.reset_usage);
            outcome.would_exceed_total += usize::from(!limits.is_empty());
            if outcome.would_exceed.len() < MAX_LISTED && !limits.is_empty() {
                outcome.would_exceed.push(UserExcess {
                    user_id: copy.user_id.to_string(),
                    limits,
                });
            }
        }
    }
    Ok(outcome)
}

fn copy_ids(plan: &Plan) -> Vec<i64> {
    let copies = plan.parts.iter().flat_map(|part| &part.copies);
    copies.map(|copy| copy.copy_id).collect()
}

/// What would become of the limits of copies.
struct Rules {
    /// Those that they would have, by place.
    kept: HashMap<i64, Limit>,
    /// The places of those that would be gone.
    gone: Vec<i64>,
}

impl Rules {
    fn read(reading: &Reading<'_>, part: &Part) -> Result<Self> {
        let mut kept = HashMap::new();
        for limit in part.change.new.limits() {
            // Where nothing ever counted, nothing is used.
            if let Some(limit) = policies::find_limit(reading, limit)? {
                kept.insert(limit.place_id, limit);
            }
        }
        let gone = part.change.gone.iter();
        let gone = gone.filter_map(|key| policies::find_place_id(reading, key).transpose());
        Ok(Self {
            kept,
            gone: gone.collect::<Result<_>>()?,
        })
    }

    /// The budgets of a copy that would be gone with the override they have.
    fn lost(&self, copy: &Selected, overrides: &[BudgetOverride]) -> Vec<String> {
        let lost = overrides
            .iter()
            .filter(|over| self.gone.contains(&over.place_id));
        lost.map(|over| limit_id(LimitKind::Budget, copy.copy_id, over.place_id))
            .collect()
    }

    /// The limits of a copy that would be over at once, by what it counts now; what counts nothing can't be.
    fn exceeded(
        &self,
        limited: LimitedCopy<'_>,
        counts: &[(i64, Count)],
        reset_usage: bool,
    ) -> Vec<Excess> {
        let one = |(place_id, count): &(i64, Count)| {
            let limit = self.kept.get(place_id)?;
            let used = if reset_usage { 0 } else { count.used };
            let count = Count { used, ..*count };
            let state = limited.state(limit, limited.balance(limit, count));
            state.is_exceeded().then(|| Excess {
                id: state.id(),
                scope: state.scope.to_string(),
                kind: state.kind.name(),
                reset_duration: state.reset_duration,
                used: Amount::of(state.kind, state.used),
                held: Amount::of(state.kind, state.held),
                effective_max_limit: Amount::of(state.kind, state.effective_max_limit),
            })
        };
        let counts = counts.iter();
        let mut counted: Vec<_> = counts
            .filter(|(_, count)| count.used > 0 || count.held > 0)
            .collect();
        counted.sort_unstable_by_key(|(place_id, _)| *place_id);
        counted.into_iter().filter_map(one).collect()
    }
}
