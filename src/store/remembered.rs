//! What was found before: who asks for the same again, after any number of writes, has only the packs searched that changed since.

use std::sync::Arc;

use super::Reading;
use super::id_set::IdSet;
use super::read_cache::ReadCache;
use super::search::{Index, Wanted};
use crate::error::Result;

/// Most bytes that are kept, over all searches.
const MAX_KEPT: usize = 16 * 1024 * 1024;

/// Sets of ids by what was looked for, each as of a change of its index.
pub type Remembered = ReadCache<(&'static str, Wanted), Arc<IdSet>, MAX_KEPT>;

impl Reading<'_> {
    /// The ids of the rows in which something is found.
    pub(super) fn search(&self, index: &Index, wanted: &Wanted) -> Result<Arc<IdSet>> {
        let what = (index.name(), wanted.clone());
        let change = index.last_change(self.connection)?;
        let before = self
            .remembered
            .and_then(|remembered| remembered.find(&what));
        let before = before.filter(|(known, _)| *known <= change);
        let (known, ids) = before.unwrap_or_default();
        if known == change {
            return Ok(ids);
        }
        let mut ids = Arc::unwrap_or_clone(ids);
        for (pack, bits) in index.search(self.connection, wanted, known)? {
            ids.set_pack(pack, bits);
        }
        let ids = Arc::new(ids);
        if let Some(remembered) = self.remembered {
            remembered.keep(what, change, ids.size(), Arc::clone(&ids));
        }
        Ok(ids)
    }
}
