//! Answers to reads that everybody asks for again and again: they are kept in a read cache as long as nothing is written.

use actix_web::web::Bytes;

use crate::store::lists::read_cache::ReadCache;

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
