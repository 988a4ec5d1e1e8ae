//! Answers to reads that everybody asks for again and again: they are kept in a read cache as long as nothing is written.

use actix_web::web::Bytes;

use super::answer::{Answer, ok_bytes, ok_unless_known};
use super::call::Call;
use super::problem::Problem;
use crate::store::read_cache::ReadCache;

/// Answers by the path and the query, each as of a generation of the store.
pub type ReadAnswers = ReadCache<String, ReadAnswer, MAX_KEPT>;

/// Most bytes of answers that are kept.
const MAX_KEPT: usize = 4 * 1024 * 1024;

/// An answer that depends on the path, the query and the database alone.
#[derive(Clone)]
pub struct ReadAnswer {
    /// Its validator, where it shows one thing.
    pub etag: Option<String>,
    /// Its JSON.
    pub body: Bytes,
}

/// The answer to a request as it was given before, or what `read` answers, which is kept.
///
/// # Errors
/// What `read` answers.
pub async fn answer(
    call: &Call,
    read: impl AsyncFnOnce() -> Result<ReadAnswer, Problem>,
) -> Answer {
    let cache = &call.state().read_answers;
    let question = format!("{}?{}", call.path(), call.query_string());
    let generation = call.services().store.generation().cast_signed();
    let kept = cache.find_as_of(&question, generation);
    let answer = if let Some(answer) = kept {
        answer
    } else {
        let answer = read().await?;
        let bytes = question.len() + answer.body.len();
        cache.keep(question, generation, bytes, answer.clone());
        answer
    };
    Ok(match answer.etag {
        Some(etag) => ok_unless_known(call, &etag, answer.body),
        None => ok_bytes(answer.body),
    })
}
