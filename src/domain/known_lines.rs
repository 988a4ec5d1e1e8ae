//! Provider lines of access profiles that were read lately, by their text.
//!
//! A change of a large policy sends all of its lines, and most are as they were. To read them and to check each pattern of a model
//! takes longer than all else that the change does. Whether a line is right by itself depends on its text alone, so what was read
//! from the same text before holds; how lines stand to each other is looked at every time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::access_profile_input::ENVELOPE;
use super::input::MAX_LIST;
use super::json::Cursor;

/// Where the lines stand in a profile.
const LINES: &str = "provider_configs";

/// Most bytes that all lines count for.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What a line counts for beside its text, in bytes: about what it takes besides the names of models.
const OVERHEAD: usize = 512;
/// Longest line that is kept, in bytes.
const MAX_LINE: usize = MAX_BYTES / 16;
/// Lines are looked up by so many of their first bytes, which is more than what stands around the name of a provider. A line that has
/// fewer is read faster than found.
const BEGINNING: usize = 64;
/// Most lines with the same beginning that are kept: a line in a few of its states.
const MAX_ALIKE: usize = 8;

type Beginning = [u8; BEGINNING];

/// What was read from lines, by their text. It keeps the lines that were asked for or learned last.
#[derive(Debug)]
pub struct KnownLines<T>(Mutex<Kept<T>>);

/// The older half goes when the newer one is full; what is found in it moves over.
#[derive(Debug)]
struct Kept<T> {
    newer: Lines<T>,
    older: Lines<T>,
}

#[derive(Debug)]
struct Lines<T> {
    /// What they count for.
    bytes: usize,
    alike: HashMap<Beginning, Vec<KnownLine<T>>>,
}

#[derive(Debug)]
struct KnownLine<T> {
    text: Box<[u8]>,
    read: T,
}

impl<T> Default for KnownLines<T> {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            newer: Lines::default(),
            older: Lines::default(),
        }))
    }
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self {
            bytes: 0,
            alike: HashMap::new(),
        }
    }
}

/// A text with `null` in place of each line that is known.
#[derive(Debug)]
pub struct Outline<T> {
    text: Vec<u8>,
    lines: Vec<Line<T>>,
}

#[derive(Debug)]
struct Line<T> {
    /// Where it stands in the text that was outlined.
    place: Range<usize>,
    known: Option<T>,
}

impl<T> Outline<T> {
    /// The text, to be read in place of the one that was outlined.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// What is known of a line, counted from 0.
    pub fn known(&self, line: usize) -> Option<&T> {
        self.lines.get(line)?.known.as_ref()
    }
}

impl<T: Clone> KnownLines<T> {
    /// The outline of a body or a snapshot; `None` when no lines are where a profile has them. Of a text that is no JSON it is no JSON
    /// either.
    pub fn outline(&self, text: &[u8]) -> Option<Outline<T>> {
        let mut cursor = Cursor::new(text);
        if cursor.enter(&[ENVELOPE, LINES])? == ENVELOPE {
            cursor.enter(&[LINES])?;
        }
        let mut more = cursor.take(b'[');
        let mut outline = Outline {
            text: Vec::with_capacity(text.len()),
            lines: Vec::new(),
        };
        let mut copied = 0;
        while more {
            cursor.pass_blanks();
            let begin = cursor.at();
            let known = if let Some((length, known)) = self.find(cursor.rest()) {
                cursor.pass(length);
                outline.text.extend_from_slice(&text[copied..begin]);
                outline.text.extend_from_slice(b"null");
                copied = cursor.at();
                Some(known)
            } else {
                cursor.pass_value()?;
                None
            };
            let place = begin..cursor.at();
            outline.lines.push(Line { place, known });
            more = cursor.take(b',') && outline.lines.len() < MAX_LIST;
        }
        outline.text.extend_from_slice(&text[copied..]);
        Some(outline)
    }

    /// Keeps what was read from the lines of a text, in their order, once all of it was found to be right.
    pub fn learn(&self, text: &[u8], outline: &Outline<T>, read: impl Iterator<Item = T>) {
        let keep = |(line, read): (&Line<T>, T)| {
            let text = &text[line.place.clone()];
            let is_kept = line.known.is_none() && (BEGINNING..MAX_LINE).contains(&text.len());
            is_kept.then_some((text, read))
        };
        let new = outline.lines.iter().zip(read).filter_map(keep);
        let new: Vec<_> = new.map(KnownLine::from).collect();
        let mut kept = self.kept();
        let gone: Vec<_> = new.into_iter().filter_map(|line| kept.add(line)).collect();
        drop(kept);
        // Thousands of lines: freed after the others may go on.
        drop(gone);
    }

    /// What is known of the line that a text begins with, and the length of that line.
    fn find(&self, text: &[u8]) -> Option<(usize, T)> {
        let beginning = text.first_chunk()?;
        let mut kept = self.kept();
        let newer = kept.newer.alike.get(beginning).into_iter().flatten();
        if let Some(line) = newer.rev().find(|line| line.begins(text)) {
            return Some(line.found());
        }
        let line = kept.older.take(beginning, text)?;
        let found = line.found();
        let gone = kept.add(line);
        drop(kept);
        drop(gone);
        Some(found)
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Kept<T> {
    /// Adds a line to the newer ones, and answers the older ones when these take their place.
    fn add(&mut self, line: KnownLine<T>) -> Option<Lines<T>> {
        let is_full = self.newer.bytes + line.cost() > MAX_BYTES / 2;
        let gone = is_full.then(|| {
            let full = std::mem::take(&mut self.newer);
            std::mem::replace(&mut self.older, full)
        });
        self.newer.add(line);
        gone
    }
}

impl<T> Lines<T> {
    fn add(&mut self, line: KnownLine<T>) {
        let Some(beginning) = line.text.first_chunk() else {
            return;
        };
        let alike = self.alike.entry(*beginning).or_default();
        if alike.iter().any(|known| known.text == line.text) {
            return;
        }
        if alike.len() == MAX_ALIKE {
            self.bytes -= alike.remove(0).cost();
        }
        self.bytes += line.cost();
        alike.push(line);
    }

    fn take(&mut self, beginning: &Beginning, text: &[u8]) -> Option<KnownLine<T>> {
        let alike = self.alike.get_mut(beginning)?;
        let at = alike.iter().position(|line| line.begins(text))?;
        let line = alike.remove(at);
        if alike.is_empty() {
            self.alike.remove(beginning);
        }
        self.bytes -= line.cost();
        Some(line)
    }
}

impl<T> From<(&[u8], T)> for KnownLine<T> {
    fn from((text, read): (&[u8], T)) -> Self {
        Self {
            text: text.into(),
            read,
        }
    }
}

impl<T: Clone> KnownLine<T> {
    fn found(&self) -> (usize, T) {
        (self.text.len(), self.read.clone())
    }
}

impl<T> KnownLine<T> {
    /// Whether it is what a text begins with. It is an object, so it ends where its text does.
    fn begins(&self, text: &[u8]) -> bool {
        text.starts_with(&self.text)
    }

    /// What it counts for.
    fn cost(&self) -> usize {
        self.text.len() + OVERHEAD
    }
}

#[cfg(test)]
mod tests;
