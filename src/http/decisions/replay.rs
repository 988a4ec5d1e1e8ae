//! Decisions under an `Idempotency-Key`: one effect, one answer.
//!
//! The ledger knows nothing of the header. A reservation under one gets a request id made from it, so a repetition after a crash
//! finds the first reservation; settling, charging and extending are the same when they are repeated. Here the answer is kept, and
//! requests under the same key take turns. A request without the header pays for none of this.

use actix_web::HttpResponse;
use jiff::Timestamp;

use super::limits;
use crate::domain::audit::Actor;
use crate::domain::decision::{LimitState, RequestId};
use crate::domain::idempotency::Once;
use crate::http::core::answer::stored;
use crate::http::core::problem::Problem;
use crate::http::core::request::body::BodyHash;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::store::idempotency::StoredAnswer;
use crate::store::{Reading, idempotency};

/// Before a request id that was made from an idempotency key; nobody can send one that begins with it.
pub const MADE: &str = "\u{1}idempotency-key ";

/// What happens where as many answers are kept for a caller as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The request is refused.
    Refuse,
    /// It is done and its answer is not kept: what was spent is recorded, and recording it again changes nothing.
    KeepNone,
}

/// The answer to a decision that was let in, and the limits that its headers show.
pub struct Decided {
    /// The answer.
    pub answer: StoredAnswer,
    /// The limits that apply.
    pub limits: Vec<LimitState>,
}

impl Decided {
    /// An answer without a place of its own.
    pub fn new(status: u16, body: String, limits: Vec<LimitState>) -> Self {
        let answer = StoredAnswer {
            status,
            location: None,
            etag: None,
            body,
        };
        Self { answer, limits }
    }

    /// The answer on its way out.
    ///
    /// # Errors
    /// As [`stored`].
    pub fn respond(self, request: &Request) -> std::result::Result<HttpResponse, Problem> {
        let mut response = stored(self.answer)?;
        if request.state().rate_limit_headers {
            let now = request.services().clock.now();
            limits::add_headers(&mut response, &self.limits, now.as_millisecond());
        }
        Ok(response)
    }
}

/// The answer of `work`, or the one that was given first under the request's idempotency key. `work` gets that key.
///
/// # Errors
/// What `work` answers, which is not kept; 422 when the key came with another request; 429 when as many answers are kept for the caller as
/// may be, unless it is done all the same.
pub async fn once(
    request: &Request,
    body: BodyHash,
    when_full: WhenFull,
    actor: impl FnOnce() -> Actor,
    work: impl AsyncFnOnce(Option<&Once>) -> std::result::Result<Decided, Problem>,
) -> std::result::Result<HttpResponse, Problem> {
    if request.has_idempotency_key() {
        // In a place of its own, so that who sends none carries none of it.
        Box::pin(under_key(request, body, when_full, actor, work)).await
    } else {
        work(None).await?.respond(request)
    }
}

async fn under_key(
    request: &Request,
    body: BodyHash,
    when_full: WhenFull,
    actor: impl FnOnce() -> Actor,
    work: impl AsyncFnOnce(Option<&Once>) -> std::result::Result<Decided, Problem>,
) -> std::result::Result<HttpResponse, Problem> {
    let Some(once) = request.once(&actor(), body)? else {
        return work(None).await?.respond(request);
    };
    let state = request.state();
    let key = (&once.owner, &once.route, &once.key);
    let _turn = state.replays.turn(key).await;
    let now = state.services.clock.now();
    let wanted = once.clone();
    let look = move |reading: &Reading<'_>| {
        let earlier = idempotency::find(reading, &wanted, now)?;
        Ok((earlier, idempotency::has_room(reading, &wanted.owner)?))
    };
    let (earlier, has_room) = request.read(look).await?;
    if let Some((hash, answer)) = earlier {
        once.check_same(&hash)?;
        return stored(answer);
    }
    let full_until = if has_room {
        None
    } else {
        full_until(request, &once.owner, now).await?
    };
    if let Some(until) = full_until
        && when_full == WhenFull::Refuse
    {
        return Err(idempotency::too_many(until, now).into());
    }
    let Decided { answer, limits } = work(Some(&once)).await?;
    if full_until.is_some() {
        return Decided { answer, limits }.respond(request);
    }
    let (services, kept) = (request.services(), answer.clone());
    blocking(move || service::once::keep(&services, once, kept)).await?;
    Decided { answer, limits }.respond(request)
}

/// Makes room for one more answer, or answers until when there is none.
async fn full_until(
    request: &Request,
    owner: &str,
    now: Timestamp,
) -> std::result::Result<Option<i64>, Problem> {
    let replays = &request.state().replays;
    let known = replays.full().get(owner).copied();
    if known.is_some_and(|until| now.as_millisecond() < until) {
        return Ok(known);
    }
    let (services, whose) = (request.services(), owner.to_owned());
    let until = blocking(move || service::once::full_until(&services, whose)).await?;
    let mut full = replays.full();
    full.retain(|_, until| now.as_millisecond() < *until);
    full.extend(until.map(|until| (owner.to_owned(), until)));
    Ok(until)
}

/// A request id made from an idempotency key, for a request that brings none of its own.
pub fn request_id(once: &Once) -> RequestId {
    RequestId {
        id: format!("{MADE}{} {}", once.owner, once.key),
        body_hash: once.request_hash,
    }
}
