//! Pages of lists: which rows are meant is a set of ids, however they were found; their order is that of an index, which is walked
//! from the nearer end.

use std::sync::Arc;

use rusqlite::params;

use super::id_set::IdSet;
use crate::domain::list::{Page, Sort};
use crate::error::Result;
use crate::store::sql::{Reading, id_list};

/// Most rows that are sorted sooner than looked for in the order of all.
const FEW: i64 = 1_000;
const DOING: &str = "turning to a page";

/// Which rows of a table are listed.
pub enum Meant {
    /// All, which are so many.
    All(i64),
    /// These.
    Ids(IdSet),
}

impl Meant {
    /// Those of every one of these sets; without any, all rows, which are as many as `count` says.
    ///
    /// # Errors
    /// When a set could not be made, or what `count` answers.
    pub fn of(
        sets: impl IntoIterator<Item = Result<Arc<IdSet>>>,
        count: impl FnOnce() -> Result<i64>,
    ) -> Result<Self> {
        let mut sets = sets.into_iter();
        let Some(first) = sets.next() else {
            return count().map(Self::All);
        };
        let mut ids = Arc::unwrap_or_clone(first?);
        for set in sets {
            ids.intersect(&*set?);
        }
        Ok(Self::Ids(ids))
    }

    /// How many there are.
    pub fn total(&self) -> i64 {
        match self {
            Self::All(total) => *total,
            Self::Ids(ids) => ids.len(),
        }
    }
}

/// The order of a list: by a column that an index begins with, or by the id alone; rows alike in it are in that of their ids.
pub struct Order {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: Option<&'static str>,
    /// From the largest to the smallest, ids too.
    pub descending: bool,
}

impl Order {
    /// The order in which a table is to be sorted.
    pub fn of(table: &'static str, sort: Sort) -> Self {
        let column = match sort.field {
            "id" => None,
            "name" => Some("name_key"),
            "email" => Some("email_key"),
            field => Some(field),
        };
        Self {
            table,
            column,
            descending: sort.descending,
        }
    }

    /// The ids of a page, in order.
    pub fn page(&self, reading: &Reading<'_>, meant: &Meant, page: Page) -> Result<Vec<i64>> {
        let part = Stretch::of_page(meant.total(), page);
        let reversed = part.from_the_end != self.descending;
        let mut ids = match (meant, self.column) {
            _ if part.count == 0 => Vec::new(),
            (Meant::All(_), _) => self.part_of_all(reading, part, reversed)?,
            (Meant::Ids(ids), None) => part.of(ids, reversed),
            (Meant::Ids(ids), Some(_)) if ids.len() <= FEW => {
                self.part_of_few(reading, ids, part, reversed)?
            }
            (Meant::Ids(ids), Some(_)) => self.walk(reading, ids, part, reversed)?,
        };
        if part.from_the_end {
            ids.reverse();
        }
        Ok(ids)
    }

    fn part_of_all(
        &self,
        reading: &Reading<'_>,
        part: Stretch,
        reversed: bool,
    ) -> Result<Vec<i64>> {
        let sql = format!("{} LIMIT ?1 OFFSET ?2", self.sql("", "", reversed));
        reading.values(DOING, &sql, [part.count, part.skipped])
    }

    fn part_of_few(
        &self,
        reading: &Reading<'_>,
        ids: &IdSet,
        part: Stretch,
        reversed: bool,
    ) -> Result<Vec<i64>> {
        let (joined, those) = (
            "json_each(?1) wanted CROSS JOIN",
            "WHERE t.id = wanted.value",
        );
        let sql = format!("{} LIMIT ?2 OFFSET ?3", self.sql(joined, those, reversed));
        let ids: Vec<i64> = ids.iter().collect();
        reading.values(
            DOING,
            &sql,
            params![id_list(&ids), part.count, part.skipped],
        )
    }

    /// Reads ids in order until those of the part are found.
    fn walk(
        &self,
        reading: &Reading<'_>,
        ids: &IdSet,
        part: Stretch,
        reversed: bool,
    ) -> Result<Vec<i64>> {
        let (mut skipped, mut found) = (0, Vec::new());
        reading.each_while(DOING, &self.sql("", "", reversed), [], |row| {
            let id = row.get("id")?;
            if ids.contains(id) {
                if skipped < part.skipped {
                    skipped += 1;
                } else {
                    found.push(id);
                }
            }
            Ok(Ok(part.is_longer_than(&found)))
        })?;
        Ok(found)
    }

    fn sql(&self, joined: &str, those: &str, reversed: bool) -> String {
        let way = if reversed { "DESC" } else { "ASC" };
        let order = match self.column {
            Some(column) => format!("t.{column} {way}, t.id {way}"),
            None => format!("t.id {way}"),
        };
        format!(
            "SELECT t.id FROM {joined} {} t {those} ORDER BY {order}",
            self.table
        )
    }
}

/// The stretch of a list that a page is, counted from the nearer end.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Whether it is counted from the end, and so read in the opposite order.
    pub from_the_end: bool,
    /// Rows before it, from that end.
    pub skipped: i64,
    /// Rows in it.
    pub count: i64,
}

impl Stretch {
    /// The part of so many rows that a page is.
    pub fn of_page(total: i64, page: Page) -> Self {
        let count = page.limit.min(total - page.offset).max(0);
        let behind = (total - page.offset - count).max(0);
        Self {
            from_the_end: behind < page.offset,
            skipped: behind.min(page.offset),
            count,
        }
    }

    fn of(self, ids: &IdSet, reversed: bool) -> Vec<i64> {
        let whole = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        let (skipped, count) = (whole(self.skipped), whole(self.count));
        if reversed {
            ids.iter().rev().skip(skipped).take(count).collect()
        } else {
            ids.iter().skip(skipped).take(count).collect()
        }
    }

    fn is_longer_than(self, found: &[i64]) -> bool {
        usize::try_from(self.count).is_ok_and(|count| found.len() < count)
    }
}

impl Reading<'_> {
    /// How many rows a table has of which that is kept.
    pub(crate) fn row_count(&self, table: &str) -> Result<i64> {
        self.value(
            "reading how many rows there are",
            "SELECT total FROM row_counts WHERE name = ?1",
            [table],
        )
    }
}

#[cfg(test)]
mod tests;
