//! What a propagation would do: for whom what would change, and who would be over a limit at once. Writes nothing.

use std::collections::HashMap;

use super::Services;
use super::copies::uses;
use super::propagation::{Part, Plan};
use crate::domain::budget_override::BudgetOverride;
use crate::domain::copy_standing::limit_id;
use crate::domain::limit_rule::{LimitRule, Standing, Used};
use crate::domain::policy::{Place, PlaceKind};
use crate::domain::propagation::{
    Amount, Excess, Propagated, PropagationInput, SharedChange, UserChange, UserExcess,
};
use crate::error::Result;
use crate::ledger::Counted;
use crate::store::propagation::Selected;
use crate::store::{Reading, budget_overrides, policies};

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
    let counters = services.ledger.counters_of(&copy_ids(&plan), now_ms)?;
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
            let mut uses = used(counters.get(&copy.copy_id));
            if input.reset_usage {
                for used in uses.values_mut() {
                    used.used = 0;
                }
            }
            let standing = Standing {
                anchor_ms: copy.created_at,
                calendar_aligned: part.change.new.calendar_aligned,
                uses: &uses,
                overrides,
                zone: &services.time_zone,
                now_ms,
            };
            let limits = rules.exceeded(copy, standing);
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

/// What counts something: nothing else can be over a limit.
fn used(counters: Option<&Vec<Counted>>) -> HashMap<i64, Used> {
    let mut uses = uses(counters.map_or(&[], Vec::as_slice));
    uses.retain(|_, used| used.used > 0 || used.held > 0);
    uses
}

/// What would become of the limits of copies, by the place where each counts.
struct Rules {
    /// Those that they would have, and the place that names each.
    kept: HashMap<i64, (LimitRule, i64)>,
    /// Those that would be gone.
    gone: Vec<i64>,
}

impl Rules {
    fn read(reading: &Reading<'_>, part: &Part) -> Result<Self> {
        let mut kept = HashMap::new();
        for rule in part.change.new.limits() {
            // Where nothing ever counted, nothing is used.
            let Some(place_id) = policies::find_place_id(reading, &rule.place)? else {
                continue;
            };
            let shown = match rule.place.kind {
                PlaceKind::Budget => Some(place_id),
                _ => policies::find_place_id(
                    reading,
                    &Place {
                        kind: PlaceKind::RateLimit,
                        provider_key: rule.place.provider_key.clone(),
                        reset_duration: None,
                    },
                )?,
            };
            let suffix = shown.unwrap_or(place_id);
            kept.insert(place_id, (rule, suffix));
        }
        let gone = part.change.gone.iter();
        let gone = gone.filter_map(|place| policies::find_place_id(reading, place).transpose());
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
        lost.map(|over| limit_id(PlaceKind::Budget, copy.copy_id, over.place_id))
            .collect()
    }

    fn exceeded(&self, copy: &Selected, standing: Standing<'_>) -> Vec<Excess> {
        let one = |place_id: &i64| {
            let (rule, shown) = self.kept.get(place_id)?;
            let now = standing.of(
                *place_id,
                rule.reset_duration,
                rule.quarter_start_month,
                rule.max_limit,
            );
            let kind = rule.place.kind;
            now.is_exceeded().then(|| Excess {
                id: limit_id(kind, copy.copy_id, *shown),
                scope: rule.scope.clone(),
                kind: kind.name(),
                reset_duration: rule.reset_duration,
                used: Amount::of(kind, now.used.used),
                held: Amount::of(kind, now.used.held),
                effective_max_limit: Amount::of(kind, now.effective),
            })
        };
        let mut places: Vec<&i64> = standing.uses.keys().collect();
        places.sort_unstable();
        places.into_iter().filter_map(one).collect()
    }
}
