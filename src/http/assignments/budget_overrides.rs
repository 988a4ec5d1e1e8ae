//! Handlers of overrides of budgets.

use super::tagged;
use super::views::OverrideAnswer;
use crate::domain::limits::budget_override::{BudgetPlace, OVERRIDE};
use crate::domain::people::user_copy::CopyBudget;
use crate::error::Result;
use crate::http::core::answer::{Answer, ok_tagged, to_json};
use crate::http::core::guard::{AccessProfiles, Caller, Delete, Update};
use crate::http::core::path_values::{held_profile_id, user_id};
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::service::people::assignments::Held;

/// `PUT P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override`
///
/// # Errors
/// 400 with every violation, 404 when there is no such user, copy or budget, 412.
pub async fn put(caller: Caller<Update, AccessProfiles>, request: Request) -> Answer {
    let (place, if_match) = (place(&request)?, request.if_match()?);
    let (input, _) = request.json(&OVERRIDE).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let put =
        move || service::people::budget_overrides::put(&services, actor, &place, input, &if_match);
    answer(blocking(put).await?)
}

/// `DELETE P/users/{user_id}/access-profiles/{profile_id}/budgets/{budget_id}/override`
///
/// # Errors
/// 400, 404 when there is no such user, copy or budget, 412.
pub async fn delete(caller: Caller<Delete, AccessProfiles>, request: Request) -> Answer {
    let (place, if_match) = (place(&request)?, request.if_match()?);
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete =
        move || service::people::budget_overrides::delete(&services, actor, &place, &if_match);
    answer(blocking(delete).await?)
}

/// The budget, with the validator of the copy that it is in: an override is a part of that.
fn answer((budget, held): (CopyBudget, Held)) -> Answer {
    let (tag, _) = tagged(&held)?;
    let answer = OverrideAnswer::of(budget, &held.copy);
    Ok(ok_tagged(&tag, to_json(&answer)?))
}

fn place(request: &Request) -> Result<BudgetPlace> {
    Ok(BudgetPlace {
        user_id: user_id(request, "user_id")?,
        access_profile_id: held_profile_id(request)?,
        budget_id: request.segment("budget_id"),
    })
}
