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
    Amount, Excess, Propagated, PropagationInput, UserChange, UserExcess,
};
use crate::error::Result;
use crate::ledger::Counted;
use crate::store::propagation::Selected;
use crate::store::{Reading, budget_overrides, policies};

/// Most users that are listed one by one.
const MAX_LISTED: usize = 500;

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
        let fields: Vec<_> = part
            .change
            .changed
            .iter()
            .map(|field| field.name())
            .collect();
        for copy in &part.copies {
            if outcome.changes.len() < MAX_LISTED && !fields.is_empty() {
                outcome.changes.push(UserChange {
                    user_id: copy.user_id.to_string(),
                    fields: fields.clone(),
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
                overrides: of_copy.get(&copy.copy_id).map_or(&[], Vec::as_slice),
                zone: &services.time_zone,
                now_ms,
            };
            let limits = rules.exceeded(copy, standing);
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

/// The limits that copies would have, by the place where each counts.
struct Rules(HashMap<i64, (LimitRule, i64)>);

impl Rules {
    fn read(reading: &Reading<'_>, part: &Part) -> Result<Self> {
        let mut rules = HashMap::new();
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
            rules.insert(place_id, (rule, suffix));
        }
        Ok(Self(rules))
    }

    fn exceeded(&self, copy: &Selected, standing: Standing<'_>) -> Vec<Excess> {
        let one = |place_id: &i64| {
            let (rule, shown) = self.0.get(place_id)?;
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
