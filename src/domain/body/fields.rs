//! The fields of a JSON object, each read by its name; what nobody asks for is a violation.

use smallvec::SmallVec;

use super::input::{Node, nearest};
use super::json::{Json, Members};
use super::violation::{Above, MAX_VIOLATIONS, Path, Violations};

/// The fields of one object. Every field must be asked for or ignored before [`Fields::finish`].
pub struct Fields<'v> {
    members: &'v Members<'v>,
    above: Above,
    violations: &'v Violations,
    known: FieldNames,
    /// May be sent and are never what somebody meant to write.
    ignored: FieldNames,
}

/// Names of fields, noted for every object that is read: on the stack, as long as they are as few as in most.
type FieldNames = SmallVec<[&'static str; 16]>;

impl<'v> Fields<'v> {
    /// Those of a value that is an object.
    pub fn of(node: &Node<'v>) -> Option<Self> {
        match node.value {
            Json::Object(members) => Some(Self {
                members,
                above: node.path.above(),
                violations: node.violations,
                known: SmallVec::new(),
                ignored: SmallVec::new(),
            }),
            _ => node.wrong_type("an object"),
        }
    }

    /// The field as sent, `null` included; `None` when it is missing.
    pub fn sent(&mut self, name: &'static str) -> Option<Node<'v>> {
        self.known.push(name);
        let value = self.members.get(name)?;
        Some(Node {
            value,
            path: self.above.field(name),
            violations: self.violations,
        })
    }

    /// Whether a field was sent, to be read or not, and is not `null`.
    pub fn gives(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a field is an object without fields, to be read or not.
    pub fn is_empty_object(&self, name: &str) -> bool {
        let is_empty = |members: &Members<'_>| members.names().next().is_none();
        matches!(self.members.get(name), Some(Json::Object(members)) if is_empty(members))
    }

    /// Whether a field was sent, to be read or not.
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some()
    }

    /// The field, unless it is missing or `null`.
    pub fn given(&mut self, name: &'static str) -> Option<Node<'v>> {
        self.sent(name).filter(|node| !node.value.is_null())
    }

    /// The field, noting a violation when it is missing or `null`.
    pub fn required(&mut self, name: &'static str) -> Option<Node<'v>> {
        let node = self.given(name);
        if node.is_none() {
            self.violations
                .add(&self.above.field(name), "required", "is required");
        }
        node
    }

    /// Fields that the server sets: accepted so that an answer can be sent back, and not read.
    pub fn ignore(&mut self, names: &[&'static str]) {
        self.ignored.extend_from_slice(names);
    }

    /// The field as sent; the server sets it, so that nobody is told to write it.
    pub fn sent_back(&mut self, name: &'static str) -> Option<Node<'v>> {
        let node = self.sent(name);
        self.ignored.extend(self.known.pop());
        node
    }

    /// Where this object stands.
    pub fn path(&self) -> &Path {
        self.above.path()
    }

    /// Notes a violation about a field, whether it was sent or not.
    pub fn refuse(&self, name: &'static str, code: &'static str, sentence: impl std::fmt::Display) {
        self.violations.add(&self.above.field(name), code, sentence);
    }

    /// Notes every field that was neither asked for nor ignored, with the nearest known name.
    pub fn finish(self) {
        let is_unknown = |name: &&str| !self.known.contains(name) && !self.ignored.contains(name);
        let unknown = self.members.names().filter(is_unknown);
        for name in unknown.take(MAX_VIOLATIONS) {
            let hint = match nearest(name, self.known.iter().copied()) {
                Some(known) => format!("did you mean {known:?}?"),
                None if self.known.is_empty() => "there are none here".to_owned(),
                None => format!("known here: {}", self.known.join(", ")),
            };
            let shown: String = name.chars().take(100).collect();
            self.violations.add(
                &self.above.field(shown),
                "unknown_field",
                format_args!("is not a known field; {hint}"),
            );
        }
    }
}
