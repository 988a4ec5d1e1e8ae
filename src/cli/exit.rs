//! How a command ends: its exit code, and its error for people or programs.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::control::text;
use super::print::print_line;
use crate::domain::body::violation::Violation;
use crate::error::Error;

/// The exit codes, as `--help` shows them.
pub(super) const CODES: &str = "\
Exit codes:
  0   done
  1   failed: the message says what is in the way
  2   the audit log was tampered with
  3   what was named is not there
  4   there is one of that name already
  5   refused by a policy or by what is stored
  64  the command line or a setting can't be understood, or a file that a setting names can't be used
  69  no server answers, or it is overloaded
  77  no permission

With --json an error is one line of JSON on standard output, as the HTTP API answers it.";

/// Failed, for no reason that has a code of its own.
const FAILED: u8 = 1;
/// What was named is not there.
pub(super) const NOT_FOUND: u8 = 3;
/// There is one of that name already.
const EXISTS: u8 = 4;
/// What is stored, or a rule, stands against it.
const REFUSED: u8 = 5;
/// `EX_USAGE` of sysexits.h: 2 is what `audit verify` says of a bad log.
pub(super) const USAGE: u8 = 64;
/// `EX_UNAVAILABLE`.
const UNREACHABLE: u8 = 69;
/// `EX_NOPERM`.
const NO_PERMISSION: u8 = 77;

/// Ends a command that failed.
pub(super) fn end(error: &Error, as_json: bool) -> ExitCode {
    if as_json {
        print_line(&body(error).to_string());
    } else {
        eprintln!("tollkeeper: {error}");
    }
    ExitCode::from(code(error))
}

fn code(error: &Error) -> u8 {
    match error {
        Error::Answered { answer, .. } => code_of_answer(answer),
        Error::NotFound { .. } => NOT_FOUND,
        Error::Usage(_) | Error::Settings(_) | Error::Invalid(_) => USAGE,
        Error::Unavailable {
            code: "unreachable",
            ..
        } => UNREACHABLE,
        Error::Forbidden { .. } => NO_PERMISSION,
        _ => FAILED,
    }
}

fn code_of_answer(answer: &Value) -> u8 {
    let code = text(&answer["error"]["code"]);
    match answer["status_code"].as_u64() {
        Some(400 | 413) => USAGE,
        Some(401 | 403) => NO_PERMISSION,
        Some(404) => NOT_FOUND,
        Some(409) if code.starts_with("duplicate_") || code.starts_with("already_") => EXISTS,
        Some(402 | 409 | 412 | 422) => REFUSED,
        Some(408 | 429 | 503) => UNREACHABLE,
        _ => FAILED,
    }
}

/// The error as the HTTP API answers it; without an id of a request, because there was none.
fn body(error: &Error) -> Value {
    if let Error::Answered { answer, .. } = error {
        return (**answer).clone();
    }
    let message = error.to_string();
    let (status, kind, code) = match error {
        Error::NotFound { .. } => (404, "not_found", "not_found"),
        Error::Settings(_) => (400, "validation_error", "wrong_settings"),
        Error::Usage(_) | Error::Invalid(_) => (400, "validation_error", "usage"),
        Error::Unavailable { code, .. } => (503, "unavailable", *code),
        Error::Forbidden { code, .. } => (403, "permission_error", *code),
        _ => (500, "command_failed", "command_failed"),
    };
    let each = |mistake: &Violation| json!({ "code": mistake.code, "message": mistake.message, "param": mistake.param });
    let extra = match error {
        Error::Settings(mistakes) => {
            json!({ "errors": mistakes.iter().map(each).collect::<Vec<_>>() })
        }
        _ => json!({}),
    };
    json!({
        "type": kind, "is_bifrost_error": false, "status_code": status,
        "error": { "type": kind, "code": code, "message": message }, "extra_fields": extra,
    })
}
