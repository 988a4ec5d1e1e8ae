//! Provider lines of access profiles that were read lately, by their text.
//!
//! A change of a large policy sends all of its lines, and most are as they were. To read them and to check what is in them takes
//! longer than all else that the change does. Whether a line is right by itself depends on its text alone, so what was read from the
//! same text before holds; how lines stand to each other is looked at every time.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;

use super::input::MAX_LIST;
use super::json::{Cursor, MAX_DEPTH};

/// Most bytes that all lines count for.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What a line counts for beside its text, in bytes: about what it takes besides the names of models.
const OVERHEAD: usize = 512;
/// Longest line that is kept, in bytes.
const MAX_LINE: usize = MAX_BYTES / 16;
/// Deepest nesting in a line that is kept: more may be too deep or not, depending on what the line stands in.
const MAX_LINE_DEPTH: usize = MAX_DEPTH - 3;
/// How many lines are remembered as seen; past that all are forgotten.
const MAX_SEEN: usize = 16 * 1024;

/// What was read from lines, by their text. It keeps the lines that were asked for or learned last, of those that came twice: most that
/// come once never come again, and to keep them costs more than to read them.
#[derive(Debug)]
pub struct KnownLines<T> {
    kept: Mutex<Kept<T>>,
    hasher: RandomState,
}

/// The older half goes when the newer one is full; what is found in it moves over.
#[derive(Debug)]
struct Kept<T> {
    newer: Lines<T>,
    older: Lines<T>,
    /// The hashes of lines that were seen.
    seen: HashSet<u64, RandomState>,
}

#[derive(Debug)]
struct Lines<T> {
    /// What they count for.
    bytes: usize,
    by_text: HashMap<Box<[u8]>, T, RandomState>,
}

impl<T> Default for KnownLines<T> {
    fn default() -> Self {
        Self {
            kept: Mutex::new(Kept {
                newer: Lines::default(),
                older: Lines::default(),
                seen: HashSet::default(),
            }),
            hasher: RandomState::default(),
        }
    }
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self {
            bytes: 0,
            by_text: HashMap::default(),
        }
    }
}

/// A text with `null` in place of each line that is known.
#[derive(Debug)]
pub struct Outline<T> {
    /// None when no line is known.
    text: Option<Vec<u8>>,
    lines: Vec<Line<T>>,
}

#[derive(Debug)]
struct Line<T> {
    /// Where it stands in the text that was outlined.
    place: Range<usize>,
    /// How deep objects and lists are nested in it.
    depth: usize,
    known: Option<T>,
}

impl<T> Outline<T> {
    /// The text, to be read in place of the one that was outlined; `None` when no line is known.
    pub fn text(&self) -> Option<&[u8]> {
        self.text.as_deref()
    }

    /// What is known of a line, counted from 0.
    pub fn known(&self, line: usize) -> Option<&T> {
        self.lines.get(line)?.known.as_ref()
    }
}

impl<T: Clone> KnownLines<T> {
    /// The outline of a text whose lines are the elements of the field `list`, of the object itself or of the one in its field
    /// `envelope`; `None` when there are none. Of a text that is no JSON it is no JSON either.
    pub fn outline(&self, text: &[u8], envelope: &str, list: &str) -> Option<Outline<T>> {
        let mut cursor = Cursor::new(text);
        if cursor.enter(&[envelope, list])? == envelope {
            cursor.enter(&[list])?;
        }
        let mut more = cursor.take(b'[');
        let (mut lines, mut outline, mut copied) = (Vec::new(), Vec::new(), 0);
        while more {
            cursor.pass_blanks();
            let begin = cursor.at();
            let depth = cursor.pass_value()?;
            let place = begin..cursor.at();
            let known = self.find(&text[place.clone()]);
            if known.is_some() {
                outline.extend_from_slice(&text[copied..begin]);
                outline.extend_from_slice(b"null");
                copied = place.end;
            }
            lines.push(Line {
                place,
                depth,
                known,
            });
            more = cursor.take(b',') && lines.len() < MAX_LIST;
        }
        let text = (copied > 0).then(|| {
            outline.extend_from_slice(&text[copied..]);
            outline
        });
        Some(Outline { text, lines })
    }

    /// Keeps what was read from the lines of a text, in their order, once all of it was found to be right: those that were seen before.
    pub fn learn(&self, text: &[u8], outline: &Outline<T>, read: impl Iterator<Item = T>) {
        let hash_new = |line: &Line<T>| {
            let is_new = line.known.is_none()
                && line.depth <= MAX_LINE_DEPTH
                && line.place.len() <= MAX_LINE;
            is_new.then(|| self.hasher.hash_one(&text[line.place.clone()]))
        };
        let hashes: Vec<_> = outline.lines.iter().map(hash_new).collect();
        let mut gone = Vec::new();
        let mut kept = self.kept();
        for ((line, hash), read) in outline.lines.iter().zip(hashes).zip(read) {
            if hash.is_some_and(|hash| kept.saw(hash)) {
                gone.extend(kept.add(text[line.place.clone()].into(), read));
            }
        }
        drop(kept);
        // Thousands of lines: freed after the others may go on.
        drop(gone);
    }

    fn find(&self, text: &[u8]) -> Option<T> {
        let mut kept = self.kept();
        if let Some(known) = kept.newer.by_text.get(text) {
            return Some(known.clone());
        }
        let (text, known) = kept.older.take(text)?;
        let found = known.clone();
        let gone = kept.add(text, known);
        drop(kept);
        drop(gone);
        Some(found)
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Kept<T> {
    /// Notes that a line was seen, and answers whether it was before.
    fn saw(&mut self, hash: u64) -> bool {
        if self.seen.len() == MAX_SEEN {
            self.seen.clear();
        }
        !self.seen.insert(hash)
    }

    /// Adds a line to the newer ones, and answers the older ones when these take their place.
    fn add(&mut self, text: Box<[u8]>, read: T) -> Option<Lines<T>> {
        if self.newer.by_text.contains_key(&text) {
            return None;
        }
        let is_full = self.newer.bytes + cost(&text) > MAX_BYTES / 2;
        let gone = is_full.then(|| {
            let full = std::mem::take(&mut self.newer);
            std::mem::replace(&mut self.older, full)
        });
        self.newer.bytes += cost(&text);
        self.newer.by_text.insert(text, read);
        gone
    }
}

impl<T> Lines<T> {
    fn take(&mut self, text: &[u8]) -> Option<(Box<[u8]>, T)> {
        let line = self.by_text.remove_entry(text)?;
        self.bytes -= cost(text);
        Some(line)
    }
}

/// What a line counts for.
fn cost(text: &[u8]) -> usize {
    text.len() + OVERHEAD
}

#[cfg(test)]
mod tests;
