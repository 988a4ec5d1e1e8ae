//! Who is measured: a process, what it is asked, and how its answers are checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem;

use super::upstream::{Shape, USAGE, WORD, WORDS};
use crate::client::request;
use crate::process::Process;
use crate::script::{InTurn, Line, Script};

/// The path of a chat, without what stands before it for streams.
pub const CHAT: &str = "/v1/chat/completions";

/// How much of an answer stays as the upstream said it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Every byte.
    Same,
    /// The words and the usage: it is written anew.
    Rewritten,
}

/// One of those that are measured side by side.
pub struct Contender<'p> {
    pub name: &'static str,
    /// Who takes part where only what passes answers on as they are is measured.
    pub answers: Answers,
    /// Answers that were as they should be.
    pub answered: Arc<AtomicU64>,
    process: Box<dyn Fn(Shape) -> &'p Process + 'p>,
    requests: Box<dyn Fn(Shape) -> Vec<Vec<u8>> + 'p>,
}

impl<'p> Contender<'p> {
    /// `process` answers calls of a shape, and `requests` makes them.
    pub fn new(
        name: &'static str,
        answers: Answers,
        process: impl Fn(Shape) -> &'p Process + 'p,
        requests: impl Fn(Shape) -> Vec<Vec<u8>> + 'p,
    ) -> Self {
        Self {
            name,
            answers,
            answered: Arc::default(),
            process: Box::new(process),
            requests: Box::new(requests),
        }
    }

    pub fn process(&self, shape: Shape) -> &'p Process {
        (self.process)(shape)
    }

    /// Calls of a shape, whose answers are checked.
    pub fn line(&self, shape: Shape) -> Line {
        let checked = Checked {
            calls: InTurn::new((self.requests)(shape)),
            expected: match self.answers {
                Answers::Same => Some(shape.answer().into_bytes().into()),
                Answers::Rewritten => None,
            },
            answered: Arc::clone(&self.answered),
        };
        Line::new(self.name, checked)
    }
}

/// A call of a chat.
pub fn chat(prefix: &str, headers: &str, body: &str) -> Vec<u8> {
    request("POST", &format!("{prefix}{CHAT}"), headers, body)
}

#[derive(Clone)]
struct Checked {
    calls: InTurn,
    /// The whole body; nothing where it is written anew.
    expected: Option<Arc<[u8]>>,
    answered: Arc<AtomicU64>,
}

impl Script for Checked {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        self.calls.next(request)
    }

    fn accepts(&self, status: u16, body: &[u8]) -> bool {
        let is_same = if let Some(expected) = &self.expected {
            **expected == *body
        } else {
            let total = (USAGE[0] + USAGE[1]).to_string();
            memmem::find_iter(body, WORD).count() == WORDS
                && memmem::find(body, total.as_bytes()).is_some()
        };
        let accepted = status == 200 && is_same;
        if accepted {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        accepted
    }
}
