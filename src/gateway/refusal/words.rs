//! What a refusal says to the person who reads it: what ran out, when it comes back, whom to ask. No word of an operator's.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::credential::redacted;
use crate::domain::decision::{Refusal, RefusalKind};
use crate::domain::limits::limit::LimitKind;
use crate::domain::limits::limit_state::LimitState;
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::money::write_dollars;
use crate::domain::values::period::{Period, Unit};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The sentences of a refusal.
pub fn sentences(refusal: &Refusal, model: Option<&str>, now_ms: i64, zone: &TimeZone) -> String {
    let what = match refusal.kind {
        RefusalKind::BudgetExceeded
        | RefusalKind::TokenLimited
        | RefusalKind::RequestLimited
        | RefusalKind::RateLimited => match &refusal.limit {
            Some(limit) => dry(limit, refusal.retry_after_ms, now_ms, zone),
            None => "There is no room for this call at the moment.".to_owned(),
        },
        RefusalKind::ModelBlocked => match model {
            Some(model) => format!("You may not use the model {model}."),
            None => "You may not use this model.".to_owned(),
        },
        RefusalKind::ProviderBlocked => match model {
            Some(model) => format!("You may not use the model {model} with this provider."),
            None => "You may not use this provider.".to_owned(),
        },
        RefusalKind::McpToolBlocked => "You may not use this tool.".to_owned(),
        RefusalKind::AccessBlocked => {
            "Your access to AI models has ended, or is not set up yet.".to_owned()
        }
        // These say already what to send instead.
        RefusalKind::VirtualKeyRequired | RefusalKind::AccessNotFound => {
            format!("{}.", capital(&refusal.message))
        }
    };
    redacted(&what).into_owned()
}

/// Whom to ask and where to look.
pub fn where_to_turn(contact: Option<&str>, link: Option<&str>) -> String {
    let ask = contact.map(|contact| format!(" Ask {contact} if you need more."));
    let look = link.map(|link| format!(" See {link}"));
    [ask, look].into_iter().flatten().collect()
}

/// The first letter as a capital one.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn dry(limit: &LimitState, wait_ms: Option<i64>, now_ms: i64, zone: &TimeZone) -> String {
    let name = limit_name(limit);
    let most = limit.effective_max_limit;
    if most <= 0 {
        let of = match limit.kind {
            LimitKind::Budget => "budget",
            LimitKind::Tokens => "limit of tokens",
            LimitKind::Requests => "limit of requests",
        };
        return format!("Your {of} is set to 0, so nothing can be called.");
    }
    let Some(wait_ms) = wait_ms else {
        return if limit.used >= most {
            format!(
                "{} is used up, and it does not come back by itself.",
                capital(&name)
            )
        } else if limit.resets_at.is_none() {
            let kept = if limit.held > 0 {
                "kept for calls that are still running, or "
            } else {
                ""
            };
            format!(
                "What is left of {name} is {kept}too little for this call, and it does not come back by itself."
            )
        } else {
            format!(
                "This call may need more than all of {name}. Ask for a shorter answer, or send less."
            )
        };
    };
    let back = when(now_ms, now_ms.saturating_add(wait_ms.max(0)), zone);
    if limit.used >= most {
        format!("{} is used up. It comes back {back}.", capital(&name))
    } else if limit.kind == LimitKind::Requests {
        format!("{} is used up for now. Try again {back}.", capital(&name))
    } else if limit.held > 0 {
        format!(
            "What is left of {name} is kept for calls that are still running, or too little for this one. Try again {back}."
        )
    } else {
        format!("What is left of {name} is too little for this call. It comes back {back}.")
    }
}

/// A limit as its holder knows it: `your budget of $20 a month`, `your limit of 60 requests a minute for openai`.
fn limit_name(limit: &LimitState) -> String {
    let most = limit.effective_max_limit;
    let amount = match limit.kind {
        LimitKind::Budget => format!("budget of ${}", dollars(most)),
        LimitKind::Tokens => format!("limit of {}", some(most, "token")),
        LimitKind::Requests => format!("limit of {}", some(most, "request")),
    };
    let of = limit.scope.strip_prefix("provider:");
    let of = of
        .map(|provider| format!(" for {provider}"))
        .unwrap_or_default();
    match limit.reset_duration {
        ResetDuration::Every(period) => format!("your {amount} {}{of}", each(period)),
        ResetDuration::Never => format!("your prepaid {amount}{of}"),
    }
}

/// A number of things.
fn some(number: i64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// How often, in words.
fn each(period: Period) -> String {
    let unit = match period.unit() {
        Unit::Second => "second",
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Quarter => "quarter",
        Unit::Year => "year",
    };
    match period.count() {
        1 if unit == "hour" => "an hour".to_owned(),
        1 => format!("a {unit}"),
        count => format!("every {count} {unit}s"),
    }
}

/// An amount of money to the cent; what is less than that, exactly.
fn dollars(nanodollars: i64) -> String {
    let mut text = String::new();
    // A string takes whatever is written.
    let _ = write_dollars(&mut text, nanodollars);
    match text.split_once('.') {
        Some((whole, cents)) if cents.len() == 1 => format!("{whole}.{cents}0"),
        _ => text,
    }
}

/// A number with commas between thousands.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// When something is, seen from now: a span for what is less than a day away, else the day and the hour.
fn when(now_ms: i64, at_ms: i64, zone: &TimeZone) -> String {
    // Rounded up, as the headers are.
    let seconds = at_ms.saturating_sub(now_ms).saturating_add(999) / 1_000;
    let span = |count: i64, unit: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("in {count} {unit}{plural}")
    };
    match seconds.max(1) {
        seconds if seconds < 2 * MINUTE => span(seconds, "second"),
        seconds if seconds < 2 * HOUR => span(up(seconds, MINUTE), "minute"),
        seconds if seconds < DAY => span(up(seconds, HOUR), "hour"),
        _ => on_day(now_ms, at_ms, zone).unwrap_or_else(|| "much later".to_owned()),
    }
}

fn up(seconds: i64, unit: i64) -> i64 {
    (seconds + unit - 1) / unit
}

fn on_day(now_ms: i64, at_ms: i64, zone: &TimeZone) -> Option<String> {
    // To the full minute, rounded up: a window that ends within a minute is not open at its beginning.
    let minute = 60_000;
    let at = at_ms.checked_add(minute - 1)?.div_euclid(minute) * minute;
    let at = Timestamp::from_millisecond(at).ok()?;
    let now = zone.to_datetime(Timestamp::from_millisecond(now_ms).ok()?);
    let there = zone.to_datetime(at);
    let form = if there.year() == now.year() {
        "%-d %B at %H:%M"
    } else {
        "%-d %B %Y at %H:%M"
    };
    let info = zone.to_offset_info(at);
    Some(format!(
        "on {} {}",
        there.strftime(form),
        info.abbreviation()
    ))
}
