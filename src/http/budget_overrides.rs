//! Handlers of overrides of budgets.

use super::answer::{Answer, ok};
use super::call::{Call, blocking};
use super::guard::{AccessProfiles, Caller, Delete, Update};
use super::holding_schemas::OverrideAnswer;
use super::path_values::{held_profile_id, user_id};
use crate::domain::budget_override::OverrideInput;
use crate::error::Result;
use crate::service;
use crate::service::budget_overrides::BudgetPlace;

/// `PUT P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override`
///
/// # Errors
/// 400 with every violation, 404 when there is no such user, copy or budget.
pub async fn put(caller: Caller<Update, AccessProfiles>, call: Call) -> Answer {
    let place = place(&call)?;
    let input = call.json(OverrideInput::parse).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let put = move || service::budget_overrides::put(&services, actor, &place, input);
    ok(&OverrideAnswer::from(blocking(put).await?))
}

/// `DELETE P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override`
///
/// # Errors
/// 400, 404 when there is no such user, copy or budget, or no override.
pub async fn delete(caller: Caller<Delete, AccessProfiles>, call: Call) -> Answer {
    let place = place(&call)?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let delete = move || service::budget_overrides::delete(&services, actor, &place);
    ok(&OverrideAnswer::from(blocking(delete).await?))
}

fn place(call: &Call) -> Result<BudgetPlace> {
    Ok(BudgetPlace {
        user_id: user_id(call, "user_id")?,
        access_profile_id: held_profile_id(call)?,
        budget_id: call.segment("budget_id"),
    })
}
