//! Pages of lists: which part is wanted, and what a part may be.

use serde::Serialize;

use crate::domain::body::violation::{Path, Violation};
use crate::error::{Error, Result};

/// Most items of one page.
pub const MAX_LIMIT: i64 = 500;
/// Items of a page when nothing else is asked.
pub const DEFAULT_LIMIT: i64 = 25;
/// Furthest a page may start.
pub const MAX_OFFSET: i64 = i32::MAX as i64;
/// Highest number of a page, where pages are counted.
pub const MAX_PAGE_NUMBER: i64 = MAX_OFFSET / MAX_LIMIT;
/// Most bytes of a page: what is beyond is refused, so that no request takes all memory.
pub const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// 1 to [`MAX_LIMIT`].
    pub limit: i64,
    /// 0 or more.
    pub offset: i64,
    /// Whether it ends before it would be too large; otherwise it is refused then.
    pub ends_early: bool,
}

impl Page {
    /// Everything.
    pub const ALL: Self = Self {
        limit: i64::MAX,
        offset: 0,
        ends_early: false,
    };

    /// Whether a page of so many bytes is not too large; one that is ends before its last item, unless its length was asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] when its length was asked for.
    pub fn has_room_for(&self, bytes: usize) -> Result<bool> {
        match bytes <= MAX_PAGE_BYTES {
            false if !self.ends_early => Err(page_too_large()),
            fits => Ok(fits),
        }
    }
}

/// One page of items and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items of this page, in order.
    pub items: Vec<T>,
    /// Items that the filters let through, on all pages.
    pub total_count: i64,
}

/// A field to sort by, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sort {
    /// One of the names the list offers.
    pub field: &'static str,
    /// From the largest to the smallest.
    pub descending: bool,
}

/// The refusal of a page with more than [`MAX_PAGE_BYTES`].
pub fn page_too_large() -> Error {
    let sentence = format!("these have more than {MAX_PAGE_BYTES} bytes; ask for fewer");
    Violation::alone(&Path::root().field("limit"), "page_too_large", sentence)
}
