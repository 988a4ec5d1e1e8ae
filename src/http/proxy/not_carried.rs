//! Why a call is not carried, and the answer that says so.

use actix_web::HttpResponse;

use super::answers::{fault, problem, refused};
use super::asked::Asked;
use crate::domain::decision::Refusal;
use crate::error::Error;
use crate::gateway::meter::fault::RequestFault;
use crate::gateway::refusal::CallFault;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::http::decisions::holder::KeyHolder;

/// Why a call is not carried.
#[derive(Clone)]
pub enum NotCarried {
    /// By its policy.
    Decision(Box<Refusal>),
    /// Something is wrong with it, or with us.
    Fault(CallFault),
    /// The same in our own words, which are put into those of the dialect.
    Problem(Problem),
}

impl NotCarried {
    /// It as an answer in the dialect of whoever asked.
    pub fn answer(self, request: &Request, asked: &Asked) -> HttpResponse {
        request.note_refusal(match &self {
            Self::Decision(refusal) => refusal.kind.code(),
            Self::Fault(why) => why.code(),
            Self::Problem(why) => why.reason().0,
        });
        match self {
            Self::Decision(refusal) => refused(request, asked, &refusal),
            Self::Fault(why) => fault(request, asked, &why),
            Self::Problem(why) => problem(request, asked, &why),
        }
    }
}

impl From<Error> for NotCarried {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable { .. } => Self::Fault(CallFault::Overloaded),
            error => Self::Problem(error.into()),
        }
    }
}

impl From<Problem> for NotCarried {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<RequestFault> for NotCarried {
    fn from(fault: RequestFault) -> Self {
        Self::Fault(CallFault::Request(fault))
    }
}

/// The refusal of a decision. Whoever tries keys that don't work is slowed down.
pub fn decided(holder: &KeyHolder, refusal: Refusal) -> NotCarried {
    match holder.slowed_down(&refusal) {
        Some(problem) => NotCarried::Problem(problem),
        None => NotCarried::Decision(Box::new(refusal)),
    }
}
