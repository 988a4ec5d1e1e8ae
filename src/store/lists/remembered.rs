//! What was found before: who asks for the same again, after any number of writes, has only the packs searched that changed since.

use std::sync::Arc;

use super::id_set::IdSet;
use super::read_cache::ReadCache;

/// Most bytes that are kept, over all searches.
const MAX_KEPT: usize = 16 * 1024 * 1024;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A part of a text, without regard to case.
    Text(String),
    /// A whole label.
    Label(String),
}

/// Sets of ids by what was looked for, each as of a change of its index ([`super::search::Index`]).
pub type Remembered = ReadCache<(&'static str, Wanted), Arc<IdSet>, MAX_KEPT>;
