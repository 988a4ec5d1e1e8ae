//! What can be looked for in the rows of a list: the texts and labels of eight rows stand packed in one row of a table beside it, so
//! that looking for a text of any length in all of them is one pass over a few megabytes, and only over the packs that changed where
//! the same was looked for before ([`crate::store::lists::remembered`]).
//!
//! What becomes of a row, or of what its labels are made of, is an event, and [`crate::store::followers`] call [`Index::refresh`] for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use rusqlite::params;

use super::id_set::IdSet;
use crate::domain::values::letter_case::search_key;
use crate::error::Result;
use crate::store::lists::remembered::Wanted;
use crate::store::sql::{Reading, Writing, id_list};

/// Rows of one pack; which of them match is one byte.
pub const ROWS: i64 = 8;
/// Behind each text; like the two below, a byte that stands in no UTF-8, so that nothing is found across them.
const TEXT_ENDS: u8 = 0xFD;
/// Around each label.
const LABEL_ENDS: u8 = 0xFE;
/// Behind each row, which has nothing in it if there is no such row.
const ROW_ENDS: u8 = 0xFF;
/// Rows that are packed at once when there are no packs yet.
const AT_ONCE: usize = 8_000;

/// The packs of a list.
pub struct Index {
    /// The table they are in.
    table: &'static str,
    /// The list's own table.
    of: &'static str,
    /// The `id`, two texts (`first` and `second`) and the `labels`, as a JSON array, of the rows whose ids `?1` lists.
    rows: &'static str,
}

/// Names and addresses; labels are `role` and `profile` with an id.
pub const USERS: Index = Index {
    table: "user_search",
    of: "users",
    rows: "SELECT u.id, u.name AS first, u.email AS second,
               (SELECT json_group_array(label) FROM (
                   SELECT 'role ' || u.role_id AS label WHERE u.role_id IS NOT NULL
                   UNION ALL SELECT 'profile ' || c.access_profile_id FROM user_access_profiles c WHERE c.user_id = u.id)) AS labels
           FROM json_each(?1) wanted CROSS JOIN users u ON u.id = wanted.value",
};

/// Names and descriptions; no labels.
pub const VIRTUAL_KEYS: Index = Index {
    table: "virtual_key_search",
    of: "virtual_keys",
    rows: "SELECT k.id, k.name AS first, k.description AS second, '[]' AS labels
           FROM json_each(?1) wanted CROSS JOIN virtual_keys k ON k.id = wanted.value",
};

/// Names and descriptions; labels are `active 0` or `active 1`, and `tag` with each tag. A tag with a comma, which an earlier version took,
/// is found by what is between the commas.
pub const ACCESS_PROFILES: Index = Index {
    table: "access_profile_search",
    of: "access_profiles",
    rows: r#"SELECT p.id, p.name AS first, p.description AS second,
               (SELECT json_group_array(label) FROM (
                   SELECT 'active ' || p.is_active AS label
                   UNION ALL SELECT 'tag ' || trim(part.value) FROM access_profile_tags t,
                       json_each('[' || replace(json_quote(t.tag), ',', '","') || ']') part
                   WHERE t.access_profile_id = p.id)) AS labels
           FROM json_each(?1) wanted CROSS JOIN access_profiles p ON p.id = wanted.value"#,
};

/// Packs by number, with what is found in each: a bit for each row, the first one the lowest.
pub type Matches = Vec<(i64, u8)>;

impl Index {
    /// The name of the table, which tells indexes apart.
    pub fn name(&self) -> &'static str {
        self.table
    }

    /// Packs these rows as they are now; those that are gone are left out.
    pub(crate) fn refresh(&self, writing: &Writing<'_>, ids: &[i64]) -> Result<()> {
        const DOING: &str = "packing what is searched";
        let mut packs: BTreeMap<i64, Vec<(usize, Row)>> = BTreeMap::new();
        let mut rows = self.read_rows(writing, ids)?;
        for id in ids {
            let row = rows.remove(id).unwrap_or_default();
            let place = usize::try_from(id % ROWS).unwrap_or(0);
            packs.entry(id / ROWS).or_default().push((place, row));
        }
        let change = self.last_change(writing)? + 1;
        let read = format!("SELECT texts, labels FROM {} WHERE pack = ?1", self.table);
        let write = format!(
            "INSERT INTO {} (pack, texts, labels, change) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (pack) DO UPDATE SET texts = excluded.texts, labels = excluded.labels, change = excluded.change",
            self.table
        );
        for (pack, changed) in packs {
            let old: Option<(Vec<u8>, Vec<u8>)> = writing.find(DOING, &read, [pack], |row| {
                Ok((row.get("texts")?, row.get("labels")?))
            })?;
            let (texts, labels) = old.unwrap_or_default();
            let texts = replaced(
                &texts,
                changed.iter().map(|(place, row)| (*place, &*row.texts)),
            );
            let labels = replaced(
                &labels,
                changed.iter().map(|(place, row)| (*place, &*row.labels)),
            );
            writing.run(DOING, &write, params![pack, texts, labels, change])?;
        }
        Ok(())
    }

    fn read_rows(&self, reading: &Reading<'_>, ids: &[i64]) -> Result<BTreeMap<i64, Row>> {
        let rows = reading.all(
            "reading what is searched",
            self.rows,
            [id_list(ids)],
            |row| {
                let texts: [String; 2] = [row.get("first")?, row.get("second")?];
                Ok((row.get("id")?, Row::of(&texts, row.json("labels")?)))
            },
        )?;
        Ok(rows.into_iter().collect())
    }

    /// The number of the last change that can be seen.
    pub fn last_change(&self, reading: &Reading<'_>) -> Result<i64> {
        let sql = format!("SELECT coalesce(max(change), 0) FROM {}", self.table);
        reading.value("looking for changes of what is searched", &sql, [])
    }

    /// What is found in the packs that changed after a number; all of them after 0.
    pub fn search(&self, reading: &Reading<'_>, wanted: &Wanted, after: i64) -> Result<Matches> {
        let (column, needle) = match wanted {
            Wanted::Text(text) => ("texts", search_key(text).into_bytes()),
            Wanted::Label(label) => ("labels", around(label)),
        };
        let finder = Finder::new(&needle);
        let changed = if after > 0 {
            "WHERE change > ?1"
        } else {
            "WHERE ?1 = 0"
        };
        let sql = format!("SELECT pack, {column} FROM {} {changed}", self.table);
        let mut matches = Matches::new();
        reading.each("searching", &sql, [after], |row| {
            matches.push((row.get("pack")?, rows_with(row.blob(column)?, &finder)));
            Ok(Ok(()))
        })?;
        Ok(matches)
    }

    /// Packs every row if there are no packs.
    fn fill(&self, writing: &Writing<'_>) -> Result<()> {
        const DOING: &str = "reading what has to be packed";
        let is_filled = format!("SELECT EXISTS (SELECT 1 FROM {})", self.table);
        if writing.value(DOING, &is_filled, [])? {
            return Ok(());
        }
        let ids = format!("SELECT id FROM {} ORDER BY id", self.of);
        let ids: Vec<i64> = writing.values(DOING, &ids, [])?;
        ids.chunks(AT_ONCE)
            .try_for_each(|ids| self.refresh(writing, ids))
    }
}

/// Packs what a migration left to be packed.
pub(crate) fn fill(writing: &Writing<'_>) -> Result<()> {
    let all = [USERS, VIRTUAL_KEYS, ACCESS_PROFILES];
    all.iter().try_for_each(|index| index.fill(writing))
}

impl Reading<'_> {
    /// The ids of the rows in which something is found.
    pub(crate) fn search(&self, index: &Index, wanted: &Wanted) -> Result<Arc<IdSet>> {
        let what = (index.name(), wanted.clone());
        let change = index.last_change(self)?;
        let before = self
            .remembered
            .and_then(|remembered| remembered.find(&what));
        let before = before.filter(|(known, _)| *known <= change);
        let (known, ids) = before.unwrap_or_default();
        if known == change {
            return Ok(ids);
        }
        let mut ids = Arc::unwrap_or_clone(ids);
        for (pack, bits) in index.search(self, wanted, known)? {
            ids.set_pack(pack, bits);
        }
        let ids = Arc::new(ids);
        if let Some(remembered) = self.remembered {
            remembered.keep(what, change, ids.size(), Arc::clone(&ids));
        }
        Ok(ids)
    }
}

/// A row as it stands in a pack.
#[derive(Default)]
struct Row {
    texts: Vec<u8>,
    labels: Vec<u8>,
}

impl Row {
    fn of(texts: &[String], labels: Vec<String>) -> Self {
        let mut row = Self::default();
        for text in texts {
            row.texts.extend(search_key(text).bytes());
            row.texts.push(TEXT_ENDS);
        }
        for label in labels {
            row.labels.extend(around(&label));
        }
        row
    }
}

fn around(label: &str) -> Vec<u8> {
    [&[LABEL_ENDS], label.as_bytes(), &[LABEL_ENDS]].concat()
}

/// A pack with other rows in some places.
fn replaced<'r>(pack: &[u8], changed: impl Iterator<Item = (usize, &'r [u8])>) -> Vec<u8> {
    let mut rows: Vec<&[u8]> = pack.split(|byte| *byte == ROW_ENDS).collect();
    rows.resize(usize::try_from(ROWS).unwrap_or(0), &[]);
    for (place, row) in changed {
        rows[place] = row;
    }
    let mut packed = Vec::with_capacity(pack.len());
    for row in rows {
        packed.extend(row);
        packed.push(ROW_ENDS);
    }
    packed
}

/// The rows of a pack in which something is found.
fn rows_with(pack: &[u8], finder: &Finder<'_>) -> u8 {
    let (mut found, mut place, mut from) = (0, 0, 0);
    while let Some(at) = finder.find(&pack[from..]) {
        let at = from + at;
        place += memchr_iter(ROW_ENDS, &pack[from..at]).count();
        found |= 1 << place;
        let Some(end) = memchr(ROW_ENDS, &pack[at..]) else {
            break;
        };
        place += 1;
        from = at + end + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_is_put_in_its_place_and_taken_out_again() {
        let pack = replaced(&[], [(0, &b"a"[..]), (7, b"h")].into_iter());
        assert_eq!(pack, b"a\xFF\xFF\xFF\xFF\xFF\xFF\xFFh\xFF");
        let pack = replaced(&pack, [(0, &b""[..]), (3, b"dd")].into_iter());
        assert_eq!(pack, b"\xFF\xFF\xFFdd\xFF\xFF\xFF\xFFh\xFF");
    }

    #[test]
    fn a_label_is_found_whole_and_a_text_not_across_its_end() {
        let row = Row::of(
            &["Role".to_owned(), "1".to_owned()],
            vec!["role 12".to_owned(), "tag a".to_owned()],
        );
        let found = |pack: &[u8], needle: &[u8]| {
            rows_with(
                &replaced(&[], [(2, pack)].into_iter()),
                &Finder::new(needle),
            )
        };
        assert_eq!(found(&row.labels, &around("role 12")), 4);
        assert_eq!(found(&row.labels, &around("tag a")), 4);
        assert_eq!(found(&row.labels, &around("role 1")), 0);
        assert_eq!(found(&row.texts, b"ole"), 4);
        assert_eq!(found(&row.texts, b"role1"), 0);
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_each_row_has_in_it(rows in vec("[ab]{0,6}", 8), needle in "[ab]{1,3}") {
            let pack = replaced(&[], rows.iter().map(String::as_bytes).enumerate());
            let expected = rows.iter().enumerate().filter(|(_, row)| row.contains(&needle));
            let expected = expected.fold(0, |found, (place, _)| found | 1 << place);
            prop_assert_eq!(rows_with(&pack, &Finder::new(&needle)), expected);
        }
    }
}
