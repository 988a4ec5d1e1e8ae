//! Broken rules of an input, collected with the place of each. Knows nothing of what is being read.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::stored_texts::{CREDENTIAL_HERE, INVALID_CHARACTER, INVALID_EMAIL, StoredTexts};
use crate::error::{Error, Result};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON path of the offending value (`budgets[1].reset_duration`); empty for the body as a whole.
    pub param: String,
    /// Stable machine-readable reason.
    pub code: &'static str,
    /// A sentence that begins with the path and says what was expected.
    pub message: String,
}

impl Violation {
    /// A violation at `path`; the message is `path: sentence`.
    pub fn new(path: &Path, code: &'static str, sentence: impl fmt::Display) -> Self {
        let param = path.to_string();
        let message = if param.is_empty() {
            sentence.to_string()
        } else {
            format!("{param}: {sentence}")
        };
        Self {
            param,
            code,
            message,
        }
    }

    /// Whether a rule of texts was broken, which what is stored need not keep.
    pub fn is_about_text(&self) -> bool {
        [INVALID_CHARACTER, CREDENTIAL_HERE, INVALID_EMAIL].contains(&self.code)
    }

    /// The error that carries this violation alone.
    pub fn alone(path: &Path, code: &'static str, sentence: impl fmt::Display) -> Error {
        Error::Invalid(vec![Self::new(path, code, sentence)])
    }
}

/// The place of a value in a JSON body. Cheap to make, because one is made for every value that is read; written out only where
/// something is wrong.
#[derive(Debug, Clone, Default)]
pub struct Path {
    above: Option<Above>,
    /// None for the body itself.
    last: Option<Segment>,
}

/// The place of an object or list, shared by the places of all that is in it.
#[derive(Debug, Clone)]
pub struct Above(Rc<Path>);

#[derive(Debug, Clone)]
enum Segment {
    Field(Cow<'static, str>),
    Index(usize),
}

impl Path {
    /// The body itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether it is the body itself.
    pub fn is_root(&self) -> bool {
        self.last.is_none()
    }

    /// The place above everything that is in this object or list.
    pub fn above(&self) -> Above {
        Above(Rc::new(self.clone()))
    }

    /// A field of this object.
    pub fn field(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.above().field(name)
    }

    /// An element of this list.
    pub fn index(&self, index: usize) -> Self {
        self.above().index(index)
    }
}

impl Above {
    /// The object or list itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A field of the object.
    pub fn field(&self, name: impl Into<Cow<'static, str>>) -> Path {
        self.step(Segment::Field(name.into()))
    }

    /// An element of the list.
    pub fn index(&self, index: usize) -> Path {
        self.step(Segment::Index(index))
    }

    fn step(&self, last: Segment) -> Path {
        Path {
            above: Some(self.clone()),
            last: Some(last),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(above), Some(last)) = (&self.above, &self.last) else {
            return Ok(());
        };
        above.path().fmt(f)?;
        match last {
            Segment::Field(name) if above.path().is_root() => f.write_str(name),
            Segment::Field(name) => write!(f, ".{name}"),
            Segment::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// How many violations one answer carries at most; a body can hold a million mistakes.
pub const MAX_VIOLATIONS: usize = 100;

/// Collects violations while an input is read, so that one answer names them all.
#[derive(Debug, Default)]
pub struct Violations {
    noted: RefCell<Vec<Violation>>,
    stored: StoredTexts,
}

impl Violations {
    /// None so far, in a body that may send these texts back.
    pub fn beside(stored: StoredTexts) -> Self {
        Self {
            stored,
            ..Self::default()
        }
    }

    /// Whether a text is sent back as it is stored, so that no rule for new texts judges it.
    pub fn is_stored(&self, text: &str) -> bool {
        self.stored.have(text)
    }

    /// Notes a broken rule. Past [`MAX_VIOLATIONS`] the rest is dropped.
    pub fn add(&self, path: &Path, code: &'static str, sentence: impl fmt::Display) {
        let mut all = self.noted.borrow_mut();
        if all.len() < MAX_VIOLATIONS {
            all.push(Violation::new(path, code, sentence));
        }
    }

    /// What was noted before, to be added to.
    pub fn of(noted: Vec<Violation>) -> Self {
        Self {
            noted: RefCell::new(noted),
            ..Self::default()
        }
    }

    /// What was noted.
    pub fn into_noted(self) -> Vec<Violation> {
        self.noted.into_inner()
    }

    /// Whether no rule was broken so far.
    pub fn is_empty(&self) -> bool {
        self.noted.borrow().is_empty()
    }

    /// Whether a rule was broken by the value at this path, or a part of it.
    pub fn concern(&self, path: &Path) -> bool {
        let path = path.to_string();
        self.noted.borrow().iter().any(|one| {
            one.param
                .strip_prefix(&path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// The value, if no rule was broken.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation; also when `value` is `None` although none was noted.
    pub fn finish<T>(self, value: Option<T>) -> Result<T> {
        let all = self.noted.into_inner();
        match value {
            Some(value) if all.is_empty() => Ok(value),
            None if all.is_empty() => Err(Error::internal(
                "reading input",
                "nothing read and nothing wrong",
            )),
            _ => Err(Error::Invalid(all)),
        }
    }
}
