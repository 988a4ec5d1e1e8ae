//! What is wrong with a call beside a refused decision, in the dialect of the caller.

use super::dialect_answer::{DialectAnswer, RefusedRequest};
use super::error_body::{ErrorDetails, ErrorNames, write_error};
use super::words::capital;
use crate::domain::credential::redacted;
use crate::gateway::meter::fault::{FaultKind, RequestFault};

/// Seconds after which to ask again what is too busy now.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a call is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFault {
    /// 400, 413 or 415: the request can't be read.
    Request(RequestFault),
    /// 404: no path that is carried here.
    UnknownPath,
    /// 404: no model of this name that the caller may use.
    UnknownModel,
    /// 404: no upstream is set that could carry it.
    NoUpstream,
    /// 403: nobody knows what the model costs; the sentence says what an operator can do.
    NoPrice(String),
    /// 405: the path is carried with another method.
    WrongMethod,
    /// 426: the path is carried without a change of protocol.
    Upgrade,
    /// 502: the provider can't be reached, or what it sends is no answer.
    Unreachable,
    /// 502: the provider took the call and gave no whole answer; it is charged as held, so a client must not send it again by itself.
    BrokenOff,
    /// 502: the provider is not set up as it should be; the sentence says what an operator can do.
    SetUp(&'static str),
    /// 503: we are too busy, or stopping.
    Overloaded,
    /// 504: the provider does not answer in time.
    TimedOut,
    /// 500: something went wrong on our side.
    Internal,
}

impl CallFault {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        self.names().openai_code
    }

    fn status(&self) -> u16 {
        match self {
            Self::Request(fault) => match fault.kind {
                FaultKind::Invalid => 400,
                FaultKind::TooLarge => 413,
                FaultKind::MediaType => 415,
            },
            Self::UnknownPath | Self::UnknownModel | Self::NoUpstream => 404,
            Self::NoPrice(_) => 403,
            Self::WrongMethod => 405,
            Self::Upgrade => 426,
            Self::Unreachable | Self::BrokenOff | Self::SetUp(_) => 502,
            Self::Overloaded => 503,
            Self::TimedOut => 504,
            Self::Internal => 500,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Request(fault) => redacted(&format!("{}.", fault.message)).into_owned(),
            Self::UnknownPath => "nothing is carried at this path; check the base URL".to_owned(),
            Self::UnknownModel => "there is no such model that you may use".to_owned(),
            Self::NoUpstream => {
                "no provider is set up here that takes this call; whoever runs this gateway adds one to [[upstreams]]".to_owned()
            }
            Self::NoPrice(why) => redacted(why).into_owned(),
            Self::WrongMethod => "this path takes another method".to_owned(),
            Self::Upgrade => {
                "calls are carried as HTTP requests here, not over WebSockets; send this one with POST".to_owned()
            }
            Self::Unreachable => "the AI provider can't be reached at the moment".to_owned(),
            Self::BrokenOff => {
                "the AI provider broke off its answer; what it may have cost is charged".to_owned()
            }
            Self::SetUp(what) => (*what).to_owned(),
            Self::Overloaded => "this gateway is too busy at the moment; try again".to_owned(),
            Self::TimedOut => "the AI provider does not answer in time".to_owned(),
            Self::Internal => "something went wrong in this gateway".to_owned(),
        }
    }

    fn names(&self) -> ErrorNames {
        let of = |openai_type, openai_code, anthropic_type, gemini_status| ErrorNames {
            status: self.status(),
            openai_type,
            openai_code,
            anthropic_type,
            gemini_status,
        };
        let bad = "invalid_request_error";
        match self {
            Self::Request(fault) => match fault.kind {
                FaultKind::Invalid => of(bad, "invalid_request", bad, "INVALID_ARGUMENT"),
                FaultKind::TooLarge => of(
                    bad,
                    "request_too_large",
                    "request_too_large",
                    "INVALID_ARGUMENT",
                ),
                FaultKind::MediaType => of(bad, "unsupported_media_type", bad, "INVALID_ARGUMENT"),
            },
            Self::UnknownPath => of(bad, "unknown_url", "not_found_error", "NOT_FOUND"),
            Self::UnknownModel => of(bad, "model_not_found", "not_found_error", "NOT_FOUND"),
            Self::NoUpstream => of(bad, "no_upstream", "not_found_error", "NOT_FOUND"),
            Self::NoPrice(_) => of(
                bad,
                "price_unknown",
                "permission_error",
                "PERMISSION_DENIED",
            ),
            Self::WrongMethod => of(bad, "method_not_allowed", bad, "INVALID_ARGUMENT"),
            Self::Upgrade => of(bad, "no_websocket", bad, "INVALID_ARGUMENT"),
            Self::BrokenOff => of(
                "server_error",
                "upstream_broke_off",
                "api_error",
                "UNAVAILABLE",
            ),
            Self::SetUp(_) => of(
                "server_error",
                "upstream_set_up",
                "api_error",
                "FAILED_PRECONDITION",
            ),
            Self::Unreachable => of(
                "server_error",
                "upstream_unreachable",
                "api_error",
                "UNAVAILABLE",
            ),
            Self::Overloaded => of(
                "server_error",
                "server_is_overloaded",
                "overloaded_error",
                "UNAVAILABLE",
            ),
            Self::TimedOut => of(
                "server_error",
                "upstream_timeout",
                "timeout_error",
                "DEADLINE_EXCEEDED",
            ),
            Self::Internal => of("server_error", "internal_error", "api_error", "INTERNAL"),
        }
    }
}

/// The answer to a call with a fault. `contact` of the settings has no place here: nobody there can help.
pub fn fault_in_dialect(fault: &CallFault, request: &RefusedRequest<'_>) -> DialectAnswer {
    let names = fault.names();
    let param = match fault {
        CallFault::Request(fault) => fault.param.as_deref().map(redacted),
        _ => None,
    };
    let message = match fault {
        // It may begin with the name of a member, which is written as it is.
        CallFault::Request(_) => fault.message(),
        _ => format!("{}.", capital(&fault.message())),
    };
    let body = write_error(
        request.dialect,
        &names,
        &ErrorDetails {
            message: &message,
            param: param.as_deref(),
            request_id: request.request_id,
            ..ErrorDetails::default()
        },
    );
    let mut headers = vec![("content-type", "application/json".to_owned())];
    match fault {
        // What it has to change to.
        CallFault::Upgrade => headers.push(("upgrade", "HTTP/1.1".to_owned())),
        CallFault::Overloaded => headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned())),
        CallFault::BrokenOff | CallFault::SetUp(_) | CallFault::TimedOut => {
            headers.push(("x-should-retry", "false".to_owned()));
        }
        _ if names.status < 500 => headers.push(("x-should-retry", "false".to_owned())),
        _ => {}
    }
    DialectAnswer {
        status: names.status,
        headers,
        body,
    }
}
