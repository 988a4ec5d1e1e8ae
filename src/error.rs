//! What can go wrong, named for what the caller should do about it.
//!
//! Names no library: whoever calls a library converts its error where the meaning is known. A cause is kept for the log and
//! never shown to a client.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::api_key::permission::Permission;
use crate::domain::body::violation::Violation;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure, in the product's words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The input breaks one or more rules; nothing was done. Never empty.
    #[error("{}", first_message(.0))]
    Invalid(Vec<Violation>),

    /// The credential is missing, malformed, unknown, expired or revoked.
    #[error("{message}")]
    Unauthenticated {
        /// Stable machine-readable reason.
        code: &'static str,
        /// What to send instead.
        message: String,
    },

    /// There is no such credential: unknown id or wrong secret, which nobody can tell apart.
    #[error(
        "this management API key is not known here; check that it is complete and meant for this server"
    )]
    UnknownCredential,

    /// Too many credentials that did not fit came from there.
    #[error("too many failed attempts to authenticate; wait {retry_after_seconds} s")]
    Throttled {
        /// When to try again.
        retry_after_seconds: u64,
    },

    /// The caller has as much of something as it may have at a time.
    #[error("{message}")]
    TooMany {
        /// Stable machine-readable reason.
        code: &'static str,
        /// What there is too much of, and what to do.
        message: String,
        /// When there will be room.
        retry_after_seconds: u64,
    },

    /// The credential is good but does not hold this permission.
    #[error("this API key lacks the permission {0}")]
    MissingPermission(Permission),

    /// The credential is good, but what it asks goes beyond what it holds.
    #[error("{message}")]
    Forbidden {
        /// Stable machine-readable reason.
        code: &'static str,
        /// What is out of reach, and why.
        message: String,
    },

    /// What is asked for would last longer than the credential itself.
    #[error(
        "{}this API key itself works until {latest}, so what it makes, prolongs, rotates or gives more to may not work longer; {}",
        if *.rotating { "" } else { "expires_at: " },
        if *.rotating {
            "use a key that works longer, or `tollkeeper keys rotate` on the machine of the server"
        } else {
            "send an expires_at of that time or before, or use a key that works longer, or `tollkeeper keys create` on the machine of the server"
        }
    )]
    BeyondOwnExpiry {
        /// The last instant that would be allowed.
        latest: Timestamp,
        /// Whether a secret was asked for of a key that is there, rather than another time.
        rotating: bool,
    },

    /// There is no such thing.
    #[error("{message}")]
    NotFound {
        /// What there is not, and what to do where that is not clear.
        message: String,
        /// JSON path of the value that names it, when that is not the path of the request.
        param: Option<String>,
    },

    /// The request is sound but what is stored stands against it.
    #[error("{message}")]
    Conflict {
        /// Stable machine-readable reason.
        code: &'static str,
        /// What stands against it, and what to do.
        message: String,
        /// JSON path of the value that clashes, where there is one.
        param: Option<String>,
    },

    /// It can't go while users have it.
    #[error("{message}")]
    InUse {
        /// Stable machine-readable reason.
        code: &'static str,
        /// How many have it, the first of them, and what to do.
        message: String,
        /// How many have it.
        user_count: i64,
        /// The first of them.
        user_ids: Vec<i64>,
    },

    /// Somebody changed it since the caller read it.
    #[error("{}", changed_meanwhile(current, *revision))]
    Stale {
        /// The entity tag of what is stored now.
        current: String,
        /// Its revision now, where the body says another one.
        revision: Option<i64>,
    },

    /// What is stored can't be brought back under today's rules.
    #[error("{message}")]
    ConflictingContent {
        /// What was tried.
        message: String,
        /// Each rule that stands against it. Never empty.
        reasons: Vec<Violation>,
    },

    /// The same idempotency key came with another request.
    #[error(
        "Idempotency-Key: this key was used for another request in the last 24 hours; use a new one"
    )]
    IdempotencyKeyReused,

    /// The id of a call was used for another one.
    #[error(
        "this request_id was sent with another body in the last 24 hours; a call needs an id of its own"
    )]
    RequestIdReused,

    /// Not now: try again in a moment.
    #[error("{reason}")]
    Unavailable {
        /// Stable machine-readable reason.
        code: &'static str,
        /// What is in the way.
        reason: String,
    },

    /// A fault of ours or of the machine; the cause is for the log only.
    #[error("{0}")]
    Internal(String),

    /// The program cannot start or a command cannot run: one sentence with what to do.
    #[error("{0}")]
    Refused(String),

    /// What a command was asked for can't be understood.
    #[error("{0}")]
    Usage(String),

    /// Settings that can't be used; each names its place. Never empty.
    #[error("{}", all_mistakes(.0))]
    Settings(Vec<Violation>),

    /// The server refused what a command asked it for.
    #[error("{message}")]
    Answered {
        /// Its sentence, as people on a command line read it.
        message: String,
        /// Its answer as it came.
        answer: Box<Value>,
    },
}

impl Error {
    /// A conflict that concerns one value of the request.
    pub fn conflict(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
            param: (!param.is_empty()).then(|| param.to_owned()),
        }
    }

    /// A `what` that `user_count` users have; `user_ids` are the first of them.
    pub fn in_use(
        code: &'static str,
        what: &str,
        name: &str,
        user_count: i64,
        user_ids: &[i64],
    ) -> Self {
        let ids: Vec<String> = user_ids.iter().map(i64::to_string).collect();
        let more = if i64::try_from(ids.len()).is_ok_and(|named| named < user_count) {
            ", …"
        } else {
            ""
        };
        let (users, ids) = (
            if user_count == 1 {
                "user has"
            } else {
                "users have"
            },
            ids.join(", "),
        );
        Self::InUse {
            code,
            message: format!(
                "{user_count} {users} the {what} {name:?} (ids {ids}{more}); take it from them first"
            ),
            user_count,
            user_ids: user_ids.to_vec(),
        }
    }

    /// There is no `what` with this id.
    pub fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::absent(format!("there is no {what} {id}"))
    }

    /// There is not what was asked for, in a whole sentence.
    pub fn absent(message: impl Into<String>) -> Self {
        Self::NotFound {
            message: message.into(),
            param: None,
        }
    }

    /// The same error; if something is not there, it is what the value at `param` of the body names.
    pub fn named_at(self, param: impl fmt::Display) -> Self {
        match self {
            Self::NotFound { message, .. } => Self::NotFound {
                message: format!("{param}: {message}"),
                param: Some(param.to_string()),
            },
            other => other,
        }
    }

    /// A fault of ours, with the cause for the log.
    pub fn internal(doing: &str, cause: impl fmt::Display) -> Self {
        Self::Internal(format!("{doing}: {cause}"))
    }

    /// A sentence for the operator that ends a command.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    /// What a command was asked for, and how it is asked for rightly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Nobody answers a command, or it can't have what it needs in time.
    pub fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            code: "unreachable",
            reason: reason.into(),
        }
    }
}

/// Most things that one error names.
const MAX_NAMED: usize = 100;

/// Nothing, if all of these were found.
///
/// # Errors
/// One [`Error::NotFound`] that names all that were not, up to a hundred, at the path of the first; another error as it is.
pub fn absences<T>(looked_for: impl Iterator<Item = Result<T>>) -> Result<()> {
    let mut missing: Vec<String> = Vec::new();
    let mut at = None;
    for found in looked_for {
        match found {
            Ok(_) => {}
            Err(Error::NotFound { message, param }) => {
                at = at.or(param);
                missing.push(message);
            }
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let more = missing.len().saturating_sub(MAX_NAMED);
    missing.truncate(MAX_NAMED);
    if more > 0 {
        missing.push(format!("and {more} more"));
    }
    let message = missing.join("; ");
    Err(Error::NotFound { message, param: at })
}

fn changed_meanwhile(current: &str, revision: Option<i64>) -> String {
    let changed = match revision {
        Some(now) => format!("revision: it was changed in the meantime and is now {now}"),
        None => format!("it was changed in the meantime; its ETag is now {current}"),
    };
    changed + ": read it again and repeat the change"
}

fn first_message(violations: &[Violation]) -> &str {
    violations
        .first()
        .map_or("the input is not valid", |v| v.message.as_str())
}

fn all_mistakes(mistakes: &[Violation]) -> String {
    let each: Vec<&str> = mistakes.iter().map(|one| one.message.as_str()).collect();
    match each[..] {
        [mistake] => mistake.to_owned(),
        _ => format!(
            "{} settings are wrong:\n  {}",
            each.len(),
            each.join("\n  ")
        ),
    }
}
