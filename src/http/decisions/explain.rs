//! `POST /v1/explain`: a decision and every step that led to it, with nothing counted.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::StatusCode;

use super::KEY_FIELD;
use super::explanation_views::{
    CopyView, ExplainAnswer, ExplainedKey, McpView, ProviderView, StepView,
};
use super::limits;
use super::refusal::{PRICE_UNKNOWN, no_key, status_of};
use crate::domain::decision::estimate::{Estimate, EstimatedCost, OutputBound};
use crate::domain::decision::explanation::{ExplainedCopy, ExplainedLimit, Explanation, KeyStatus};
use crate::domain::decision::input::{EXPLANATION, NoKey};
use crate::domain::decision::{Refusal, RefusalKind};
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::{Caller, Create, Decisions};
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::service;
use crate::service::decisions::pricing;
use crate::store::explained_names::ExplainedNames;

/// What an allowed call would be answered with.
const ALLOWED: u16 = 201;

/// `POST /v1/explain`
///
/// # Errors
/// 400 with every violation. A refusal is what is explained, so it is 200.
pub async fn explain(_: Caller<Create, Decisions>, request: Request) -> Answer {
    let (input, _) = request.decision(&EXPLANATION).await?;
    let size = input.call.size;
    ok(&match input.call.into_call() {
        Ok(mut asked) => {
            let state = request.state();
            let assumed = state.proxy.settings.assumed_output;
            let estimate = pricing::estimate(&state.services, &mut asked, size, assumed);
            let model = Arc::clone(&asked.model);
            let mut answer = explained(&request, asked, input.by_id).await?;
            if let Some(estimate) = estimate {
                estimated(&mut answer, &model, &estimate);
            }
            answer
        }
        Err(why) => without_key(why),
    })
}

async fn explained(
    request: &Request,
    asked: crate::domain::decision::Call,
    by_id: bool,
) -> Result<ExplainAnswer, Problem> {
    let services = &request.state().services;
    let generation = services.store.generation().cast_signed();
    let explanation = service::decisions::explain::explain(services, asked, by_id).await?;
    let names = names(request, generation, &explanation).await?;
    Ok(answer(explanation, &names))
}

/// The names that the explanation shows. A key and what its user holds change only with the generation of the store.
async fn names(
    request: &Request,
    generation: i64,
    explanation: &Explanation,
) -> Result<Arc<ExplainedNames>, Problem> {
    let Some(key) = explanation.virtual_key_id else {
        return Ok(Arc::default());
    };
    let kept = &request.state().explained_names;
    if let Some(names) = kept.find_as_of(&key, generation) {
        return Ok(names);
    }
    let profiles: Vec<i64> = explanation
        .copies
        .iter()
        .map(|copy| copy.access_profile_id)
        .collect();
    let names = request
        .aside(move |services| service::decisions::explain::names(services, key, &profiles))
        .await?;
    let names = Arc::new(names);
    kept.keep(key, generation, names.bytes(), Arc::clone(&names));
    Ok(names)
}

/// What was estimated is the step after that of the key; a call without a price is refused where nothing else refuses it.
fn estimated(answer: &mut ExplainAnswer, model: &str, estimate: &Estimate) {
    let bound = match estimate.bound {
        OutputBound::Sent => "max_tokens as sent",
        OutputBound::Model => "the greatest output of the model",
        OutputBound::Assumed => {
            "[proxy] assumed_output, because the greatest output of the model is not known"
        }
    };
    let (input, output) = (estimate.input_tokens, estimate.output_tokens);
    let tokens = format!("{input} input and at most {output} output tokens ({bound})");
    let (outcome, cost) = match &estimate.cost {
        EstimatedCost::Sent => ("estimated", "estimated_cost as sent".to_owned()),
        EstimatedCost::Priced { most, priced_by } => {
            ("estimated", format!("at most ${most} by {priced_by}"))
        }
        EstimatedCost::NoProvider => (
            "estimated",
            "the cost is not known, because no provider is named".to_owned(),
        ),
        EstimatedCost::TokensOnly => (
            "estimated",
            "the cost is not known, and [prices] unknown counts such calls in tokens".to_owned(),
        ),
        EstimatedCost::Refused(sentence) => (PRICE_UNKNOWN, sentence.clone()),
    };
    if outcome == PRICE_UNKNOWN && answer.allowed {
        answer.allowed = false;
        answer.status_code = StatusCode::FORBIDDEN.as_u16();
        answer.r#type = Some(PRICE_UNKNOWN);
        answer.message.clone_from(&cost);
    }
    let step = StepView {
        step: "estimate",
        access_profile_id: None,
        subject: model.to_owned(),
        outcome,
        detail: format!("{tokens}: {cost}"),
    };
    answer.steps.insert(1.min(answer.steps.len()), step);
}

/// There is nothing to look up.
fn without_key(why: NoKey) -> ExplainAnswer {
    let refusal = no_key(why, KEY_FIELD);
    ExplainAnswer {
        allowed: false,
        status_code: status_of(refusal.kind).as_u16(),
        r#type: Some(refusal.kind.code()),
        message: refusal.message.clone(),
        virtual_key: None,
        user_id: None,
        access_profile_id: None,
        provider: None,
        steps: vec![StepView {
            step: "virtual_key",
            access_profile_id: None,
            subject: String::new(),
            outcome: refusal.kind.code(),
            detail: refusal.message,
        }],
        access_profiles: Vec::new(),
    }
}

fn answer(explanation: Explanation, names: &ExplainedNames) -> ExplainAnswer {
    let refusal = explanation.refusal.as_ref();
    let id = String::from_utf8_lossy(&explanation.public_id).into_owned();
    let profile_name = |id: i64| names.profiles.get(&id).cloned().unwrap_or_default();
    let mut steps = vec![key_step(&explanation, &id)];
    for copy in &explanation.copies {
        steps.extend(steps_of(copy, &names.profiles));
    }
    ExplainAnswer {
        allowed: refusal.is_none(),
        status_code: refusal.map_or(ALLOWED, |refusal| status_of(refusal.kind).as_u16()),
        r#type: code(refusal),
        message: refusal.map_or_else(
            || "the call is allowed and has room".to_owned(),
            |refusal| refusal.message.clone(),
        ),
        virtual_key: Some(ExplainedKey {
            id,
            name: names.virtual_key.clone(),
            status: explanation.key.name(),
        }),
        user_id: explanation.user_id.map(|id| id.to_string()),
        access_profile_id: explanation.access_profile_id,
        provider: explanation.provider.as_deref().map(str::to_owned),
        steps,
        access_profiles: explanation
            .copies
            .into_iter()
            .map(|copy| copy_view(&copy, profile_name(copy.access_profile_id)))
            .collect(),
    }
}

fn code(refusal: Option<&Refusal>) -> Option<&'static str> {
    refusal.map(|refusal| refusal.kind.code())
}

fn copy_view(copy: &ExplainedCopy, name: String) -> CopyView {
    CopyView {
        access_profile_id: copy.access_profile_id,
        id: copy.copy_id,
        name,
        template_version: copy.template_version,
        is_active: copy.is_active,
        expires_at: copy.expires_at_ms.map(super::views::time),
        outcome: code(copy.refusal.as_ref()).unwrap_or("granted"),
        message: copy.refusal.as_ref().map(|refusal| refusal.message.clone()),
        provider: copy.provider.as_deref().map(str::to_owned),
        providers: copy
            .providers
            .iter()
            .map(|line| ProviderView {
                provider: line.provider.to_string(),
                outcome: line.refusal.map_or("granted", RefusalKind::code),
                rule: line.rule,
                pattern: line.pattern.as_deref().map(str::to_owned),
                matched_name: line.matched_name.clone(),
            })
            .collect(),
        mcp: copy.mcp.map(|mcp| McpView {
            outcome: mcp_outcome(mcp.allowed),
            rule: mcp.rule,
        }),
        limits: copy.limits.iter().filter_map(limits::explained).collect(),
    }
}

fn mcp_outcome(allowed: bool) -> &'static str {
    if allowed {
        "granted"
    } else {
        RefusalKind::McpToolBlocked.code()
    }
}

fn key_step(explanation: &Explanation, id: &str) -> StepView {
    let (outcome, detail) = match explanation.key {
        KeyStatus::Active => ("granted", "it works"),
        KeyStatus::Previous => (
            "granted",
            "it is the secret before the last rotation, in its grace period",
        ),
        KeyStatus::Expired => (RefusalKind::AccessBlocked.code(), "it has expired"),
        KeyStatus::Unknown => (
            RefusalKind::AccessNotFound.code(),
            "there is no such key, or its secret is another",
        ),
    };
    StepView {
        step: "virtual_key",
        access_profile_id: None,
        subject: id.to_owned(),
        outcome,
        detail: detail.to_owned(),
    }
}

/// What one profile says, from the profile itself to its last limit, in the order in which it is asked.
fn steps_of(copy: &ExplainedCopy, names: &HashMap<i64, String>) -> Vec<StepView> {
    let step = |step, subject: String, outcome, detail: String| StepView {
        step,
        access_profile_id: Some(copy.access_profile_id),
        subject,
        outcome,
        detail,
    };
    let name = names
        .get(&copy.access_profile_id)
        .cloned()
        .unwrap_or_default();
    let state = if copy.is_active {
        "granted"
    } else {
        RefusalKind::AccessBlocked.code()
    };
    let until = copy.expires_at_ms.map_or_else(String::new, |at| {
        format!(", expires at {}", super::views::time(at))
    });
    let mut steps = vec![step(
        "access_profile",
        name,
        state,
        format!("version {}{until}", copy.template_version),
    )];
    for line in &copy.providers {
        let detail = match (line.rule, &line.pattern) {
            (Some(rule), Some(pattern)) => match &line.matched_name {
                Some(name) => {
                    format!("{rule}: {pattern} covers {name:?}, the name without its prefix")
                }
                None => format!("{rule}: {pattern}"),
            },
            (Some(rule), None) => rule.to_owned(),
            (None, _) => String::new(),
        };
        let outcome = line.refusal.map_or("granted", RefusalKind::code);
        steps.push(step("provider", line.provider.to_string(), outcome, detail));
    }
    if let Some(mcp) = copy.mcp {
        let outcome = mcp_outcome(mcp.allowed);
        steps.push(step("mcp", String::new(), outcome, mcp.rule.to_owned()));
    }
    for limit in &copy.limits {
        let outcome = if limit.fits { "fits" } else { "exceeded" };
        let subject = format!("{} {}", limit.state.kind.name(), limit.state.scope);
        steps.push(step("limit", subject, outcome, limit_detail(limit)));
    }
    steps
}

fn limit_detail(limit: &ExplainedLimit) -> String {
    let state = &limit.state;
    let amount = |value| limits::amount(state.kind, value);
    let end = state.resets_at.map_or_else(
        || ", never resets".to_owned(),
        |at| {
            format!(
                " per {}, resets at {}",
                state.reset_duration,
                super::views::time(at)
            )
        },
    );
    format!(
        "{} used + {} held + {} asked of {}{end}",
        amount(state.used),
        amount(state.held),
        amount(limit.asked),
        amount(state.effective_max_limit),
    )
}
