//! Handlers of overrides of budgets.

use super::answer::{Answer, ok_tagged, to_json};
use super::assignments::tagged;
use super::call::{Call, blocking};
use super::guard::{AccessProfiles, Caller, Delete, Update};
use super::holding_schemas::OverrideAnswer;
use super::path_values::{held_profile_id, user_id};
use crate::domain::budget_override::{BudgetPlace, OVERRIDE};
use crate::domain::user_copy::CopyBudget;
use crate::error::Result;
use crate::service;
use crate::service::assignments::Held;

/// `PUT P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override`
///
/// # Errors
/// 400 with every violation, 404 when there is no such user, copy or budget, 412.
pub async fn put(caller: Caller<Update, AccessProfiles>, call: Call) -> Answer {
    let (place, if_match) = (place(&call)?, call.if_match()?);
    let (input, _) = call.json(&OVERRIDE).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let put = move || service::budget_overrides::put(&services, actor, &place, input, &if_match);
    answer(blocking(put).await?)
}

/// `DELETE P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override`
///
/// # Errors
/// 400, 404 when there is no such user, copy or budget, 412.
pub async fn delete(caller: Caller<Delete, AccessProfiles>, call: Call) -> Answer {
    let (place, if_match) = (place(&call)?, call.if_match()?);
    let (services, actor) = (call.services(), caller.actor(&call));
    let delete = move || service::budget_overrides::delete(&services, actor, &place, &if_match);
    answer(blocking(delete).await?)
}

/// The budget, with the validator of the copy that it is in: an override is a part of that.
fn answer((budget, held): (CopyBudget, Held)) -> Answer {
    let (tag, _) = tagged(&held)?;
    Ok(ok_tagged(&tag, to_json(&OverrideAnswer::from(budget))?))
}

fn place(call: &Call) -> Result<BudgetPlace> {
    Ok(BudgetPlace {
        user_id: user_id(call, "user_id")?,
        access_profile_id: held_profile_id(call)?,
        budget_id: call.segment("budget_id"),
    })
}
