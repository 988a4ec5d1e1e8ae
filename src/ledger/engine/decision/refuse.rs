//! The sentences of refusals.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::demand::{Demand, Obstacle, RefusalStage, RefusedCall, Terms};
use crate::domain::decision::amounts::Amounts;
use crate::domain::decision::explanation::ExplainedCopy;
use crate::domain::decision::{LimitState, Refusal, RefusalKind};
use crate::domain::limits::limit::LimitKind;
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::money::Money;
use crate::ledger::engine::directory::key::Key;
use crate::ledger::engine::directory::user_profile::UserProfile;

/// A refusal before any copy is asked.
pub fn before_copies(kind: RefusalKind, user_id: Option<i64>) -> Box<RefusedCall> {
    let message = match kind {
        RefusalKind::AccessNotFound => Refusal::unknown_key().message,
        _ => "the user of this virtual key holds no access profile".to_owned(),
    };
    refused(user_id, kind, message)
}

/// The refusal of a key that has expired.
pub fn expired_key(key: &Key) -> Box<RefusedCall> {
    let message = format!("this virtual key expired at {}", time(key.expires_at));
    refused(Some(key.user_id), RefusalKind::AccessBlocked, message)
}

/// The refusal of a user's key that was deleted since.
pub fn revoked_key(user_id: i64) -> Box<RefusedCall> {
    let message = "the virtual key of the reservation was deleted";
    refused(
        Some(user_id),
        RefusalKind::AccessNotFound,
        message.to_owned(),
    )
}

/// The refusal of a user's copy.
pub fn in_copy(
    user_id: i64,
    copy: &UserProfile,
    demand: &Demand<'_>,
    obstacle: &Obstacle,
    now_ms: i64,
    zone: &TimeZone,
) -> Box<RefusedCall> {
    let line = obstacle
        .line
        .filter(|_| obstacle.stage > RefusalStage::Model);
    Box::new(RefusedCall {
        user_id: Some(user_id),
        refusal: by_copy(copy, demand, obstacle, now_ms, zone),
        provider: line.map(|line| Arc::clone(&copy.rules.lines[line].name)),
        furthest: None,
    })
}

fn refused(user_id: Option<i64>, kind: RefusalKind, message: String) -> Box<RefusedCall> {
    Box::new(RefusedCall {
        user_id,
        refusal: Refusal::new(kind, message),
        provider: None,
        furthest: None,
    })
}

/// What one copy says to a call that it refuses.
pub fn by_copy(
    copy: &UserProfile,
    demand: &Demand<'_>,
    obstacle: &Obstacle,
    now_ms: i64,
    zone: &TimeZone,
) -> Refusal {
    let call = demand.call;
    let limit = obstacle.limit.map(|dry| {
        let limit = &copy.rules.limits[dry.at];
        let then = demand.let_in_as();
        let then = then.and_then(|number| copy.balance_of(limit, number, zone));
        let balance = then.unwrap_or_else(|| copy.balance(limit, now_ms, zone));
        copy.limited(zone).state(limit, balance)
    });
    let message = match obstacle.kind {
        RefusalKind::ProviderBlocked => match &call.provider {
            Some(provider) => {
                format!("the access profile does not allow the provider {provider:?}")
            }
            None => match &call.offers {
                Some(offers) => {
                    let able: Vec<&str> = offers.iter().map(|offer| &*offer.provider_key).collect();
                    format!(
                        "the access profile allows none of the providers that can carry this call here: {}",
                        able.join(", ")
                    )
                }
                None => "the access profile allows no provider".to_owned(),
            },
        },
        RefusalKind::ModelBlocked => match &call.provider {
            Some(provider) => format!(
                "the access profile does not allow the model {:?} of the provider {provider:?}",
                call.model
            ),
            None => format!(
                "the access profile does not allow the model {:?}",
                call.model
            ),
        },
        RefusalKind::McpToolBlocked => match call.particulars.mcp() {
            Some(mcp) => match &mcp.tool {
                Some(tool) => format!(
                    "the access profile does not grant the tool {tool:?} of the MCP server {:?}",
                    mcp.server
                ),
                None => format!(
                    "the access profile grants no tool of the MCP server {:?}",
                    mcp.server
                ),
            },
            None => "the access profile does not grant the tool".to_owned(),
        },
        _ => match &limit {
            Some(limit) => {
                let line = obstacle.line.map(|line| &*copy.rules.lines[line].key);
                no_room(limit, line.and_then(|line| demand.terms_of(line)))
            }
            None => format!(
                "the user's copy of the access profile expired at {}",
                time(copy.expires_at)
            ),
        },
    };
    Refusal {
        kind: obstacle.kind,
        message,
        access_profile_id: Some(copy.access_profile_id),
        retry_after_ms: obstacle
            .limit
            .and_then(|dry| dry.room_at)
            .map(|room_at| (room_at - now_ms).max(0)),
        limit,
    }
}

/// The refusal that a call would have met whose use takes a limit beyond what it allows; `limits` count it already.
pub fn beyond(limits: &[LimitState], used: Amounts) -> Option<Refusal> {
    let limit = limits.iter().find(|limit| {
        let spent = i128::from(limit.used) + i128::from(limit.held);
        used.of(limit.kind, 0) > 0 && spent > i128::from(limit.effective_max_limit)
    })?;
    let kind = match limit.kind {
        LimitKind::Budget => RefusalKind::BudgetExceeded,
        _ => RefusalKind::TokenLimited,
    };
    let message = format!(
        "the call takes {} beyond it: {} used, {} held; {}",
        named(limit),
        amount_text(limit.kind, limit.used),
        amount_text(limit.kind, limit.held),
        end_of(limit)
    );
    Some(Refusal::new(kind, message))
}

fn what_of(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Budget => "budget",
        LimitKind::Tokens => "token limit",
        LimitKind::Requests => "request limit",
    }
}

/// A limit with the article, what it allows, how often, and where.
fn named(limit: &LimitState) -> String {
    let (what, scope) = (what_of(limit.kind), &limit.scope);
    let most = amount_text(limit.kind, limit.effective_max_limit);
    match limit.reset_duration {
        ResetDuration::Every(period) => format!("the {what} of {most} every {period} ({scope})"),
        ResetDuration::Never => format!("the prepaid {what} of {most} ({scope})"),
    }
}

/// When a limit has room again.
fn end_of(limit: &LimitState) -> String {
    limit.resets_at.map_or_else(
        || "it never resets: have it raised".to_owned(),
        |resets_at| format!("it resets at {}", time(resets_at)),
    )
}

/// Which limit has no room for what was asked, what is used and held of it, and when it resets or why waiting is in vain.
fn no_room(limit: &LimitState, terms: Option<Terms>) -> String {
    let amount = |amount: i64| amount_text(limit.kind, amount);
    let shown = match limit.kind {
        LimitKind::Requests => String::new(),
        _ => terms
            .and_then(|terms| terms.asked(limit.kind))
            .map_or_else(String::new, |asked| {
                format!(", {} asked for", amount(asked))
            }),
    };
    let whole = terms.and_then(|terms| terms.whole(limit.kind));
    let above = whole.unwrap_or(0) - limit.effective_max_limit;
    let end = if limit.effective_max_limit == 0 {
        "it lets nothing in, however long one waits: have it raised".to_owned()
    } else if above > 0 {
        format!(
            "the call takes {} more than the whole limit and never fits: ask for less, or have the limit raised",
            amount(above)
        )
    } else if let Some(resets_at) = limit.resets_at
        && terms.is_some_and(|terms| terms.let_in_as().is_some())
    {
        format!(
            "what is added stays in the window in which the call was let in, until {}, and no later one gives it room: make a new \
             reservation for the rest",
            time(resets_at)
        )
    } else {
        end_of(limit)
    };
    let spent = i128::from(limit.used) + i128::from(limit.held);
    let how = if limit.effective_max_limit > 0 && spent >= i128::from(limit.effective_max_limit) {
        "is used up"
    } else {
        "has no room"
    };
    format!(
        "{} {how}: {} used, {} held{shown}; {end}",
        named(limit),
        amount(limit.used),
        amount(limit.held),
    )
}

fn amount_text(kind: LimitKind, amount: i64) -> String {
    match kind {
        LimitKind::Budget => match Money::from_nanodollars(amount) {
            Some(money) => format!("${money}"),
            // Beyond the largest single amount, cents do.
            None => format!("${}", amount / 1_000_000_000),
        },
        _ => amount.to_string(),
    }
}

fn time(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| "never".to_owned(), |at| at.to_string())
}

/// What is known of a copy before it is asked.
pub fn note(copy: &UserProfile, is_active: bool) -> ExplainedCopy {
    ExplainedCopy {
        access_profile_id: copy.access_profile_id,
        copy_id: copy.id,
        template_version: copy.template_version,
        expires_at_ms: (copy.expires_at != i64::MAX).then_some(copy.expires_at),
        is_active,
        refusal: None,
        providers: Vec::new(),
        provider: None,
        mcp: None,
        limits: Vec::new(),
    }
}
