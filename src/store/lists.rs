//! Lists: which rows are meant, whether few enough to look at each (`rows`) or found in packs (`search`), and their pages (`pages`).

pub(super) mod id_set;
pub(super) mod name_keys;
pub mod names;
pub(super) mod pages;
pub mod read_cache;
pub(super) mod remembered;
pub(super) mod rows;
pub(super) mod search;
pub(super) mod taken;
