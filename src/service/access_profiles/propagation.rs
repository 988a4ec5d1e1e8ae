//! Pushing parts of an access profile to its copies: all of them in one transaction, or none.
//!
//! Copies that share a policy change together, so that ten thousand of them take a few statements, and nobody waits long.

use std::collections::{BTreeMap, HashSet};

use crate::domain::access_profile::policy::Policy;
use crate::domain::access_profile::propagation::{PolicyChange, Propagated, PropagationInput};
use crate::domain::audit::Actor;
use crate::domain::event::Event;
use crate::domain::idempotency::Once;
use crate::error::{Error, Result, absences};
use crate::service::{Services, once};
use crate::store::access_profiles::policies;
use crate::store::access_profiles::propagation::{Selected, Together, select};
use crate::store::idempotency::StoredAnswer;
use crate::store::people::{roles, user_access_profiles};
use crate::store::{Reading, WorkInTurn, access_profiles};

/// What a propagation does.
pub(in crate::service) struct Plan {
    /// The version of the profile that is pushed.
    version: i64,
    /// The copies that change, by the policy they share.
    pub(in crate::service) parts: Vec<Part>,
    /// The users whose copies change, in the order of assignment.
    affected: Vec<i64>,
    /// How many copies were chosen and stay as they are.
    skipped: usize,
}

/// Copies that share a policy and change together.
pub(in crate::service) struct Part {
    policy_id: i64,
    /// What becomes of the policy.
    pub(in crate::service) change: PolicyChange,
    /// The copies.
    pub(in crate::service) copies: Vec<Selected>,
}

impl Plan {
    /// Works out what a propagation does.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFound`] for the profile, a role that does not exist, or a user who does not hold it.
    pub(in crate::service) fn work_out(
        reading: &Reading<'_>,
        profile_id: i64,
        input: &PropagationInput,
    ) -> Result<Self> {
        let profile = access_profiles::get_current(reading, profile_id)?.profile()?;
        let template = Policy::of(&profile);
        absences(input.unknown_groups.iter().map(|(at, group)| {
            let absent: Result<()> = Err(Error::not_found("role", group));
            absent.map_err(|error| error.named_at(format_args!("group_ids[{at}]")))
        }))?;
        roles::get_all(reading, &input.role_ids, "group_ids")?;
        let selected = select(reading, profile_id, &input.user_ids, &input.role_ids)?;
        refuse_who_holds_nothing(reading, profile_id, &input.user_ids, &selected)?;
        let mut sharing: BTreeMap<i64, Vec<Selected>> = BTreeMap::new();
        for copy in &selected {
            sharing.entry(copy.policy_id).or_default().push(*copy);
        }
        let mut parts = Vec::new();
        let mut changing = HashSet::new();
        for (policy_id, copies) in sharing {
            let old = policies::get(reading, policy_id)?;
            let change = PolicyChange::work_out(old, &template, &input.fields);
            if !change.changed.is_empty() || input.reset_usage {
                changing.insert(policy_id);
                parts.push(Part {
                    policy_id,
                    change,
                    copies,
                });
            }
        }
        let changes = |copy: &&Selected| changing.contains(&copy.policy_id);
        let affected: Vec<i64> = selected
            .iter()
            .filter(changes)
            .map(|copy| copy.user_id)
            .collect();
        Ok(Self {
            version: profile.version,
            parts,
            skipped: selected.len() - affected.len(),
            affected,
        })
    }

    /// What is answered about it.
    pub(in crate::service) fn outcome(&self, input: &PropagationInput) -> Propagated {
        Propagated {
            affected_users: self.affected.len(),
            failed_users: 0,
            skipped_users: self.skipped,
            user_ids: self.affected.iter().map(i64::to_string).collect(),
            fields: input.field_names(),
            applied: !input.dry_run,
            vk_sync_errors: Vec::new(),
            changes: Vec::new(),
            policy_changes: Vec::new(),
            changes_total: 0,
            would_exceed: Vec::new(),
            would_exceed_total: 0,
        }
    }
}

fn refuse_who_holds_nothing(
    reading: &Reading<'_>,
    profile_id: i64,
    user_ids: &[i64],
    selected: &[Selected],
) -> Result<()> {
    let holders: HashSet<i64> = selected.iter().map(|copy| copy.user_id).collect();
    let wanted = user_ids.iter().enumerate();
    let without = wanted.filter(|(_, id)| !holders.contains(id));
    absences(without.map(|(at, id)| {
        let copy = user_access_profiles::get(reading, *id, profile_id);
        copy.map_err(|error| error.named_at(format_args!("user_ids[{at}]")))
    }))
}

/// Pushes parts of a profile to its copies. `render` puts the answer together inside the transaction, so that it can be stored with
/// it.
///
/// # Errors
/// [`crate::error::Error::NotFound`] for the profile, a role, or a user who does not hold it; see also [`once::run`].
pub fn propagate(
    services: &Services,
    actor: Actor,
    profile_id: i64,
    input: PropagationInput,
    once: Option<Once>,
    render: impl FnOnce(&Propagated) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    services.change(actor, move |work| {
        once::run(work, once.as_ref(), |work| {
            let plan = Plan::work_out(work, profile_id, &input)?;
            for part in &plan.parts {
                apply(work, part, plan.version, input.reset_usage)?;
            }
            if !plan.affected.is_empty() {
                work.record(Event::Propagated {
                    access_profile_id: profile_id,
                    version: plan.version,
                    fields: input.field_names(),
                    affected_users: plan.affected.len(),
                    reset_usage: input.reset_usage,
                });
            }
            render(&plan.outcome(&input))
        })
    })
}

fn apply(work: &mut WorkInTurn<'_>, part: &Part, version: i64, reset_usage: bool) -> Result<()> {
    let copies = part.copies.iter().map(|copy| (copy.user_id, copy.copy_id));
    let together = Together::of(copies.collect());
    let policy_id = policies::intern(work, &part.change.new)?;
    together.follow(work, policy_id, version, reset_usage)?;
    for place in &part.change.gone {
        let place_id = policies::get_place_id(work, place)?;
        together.forget_place(work, place_id)?;
    }
    policies::forget_unused(work, part.policy_id)
}
