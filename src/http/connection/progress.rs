//! How far a connection is: what it waits for and since when. Requests and the stream tell it; the worker's sweep reads it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::last_bytes::{LastBytes, blank};
use super::worker::{Tick, Worker};

/// How much is read before it is looked at: enough for most heads, and for few requests beside the one that is being answered, each
/// of which takes more memory than bytes.
const READ_AHEAD: usize = 2 * 1024;
/// How much is read of a body before its handler has taken what came.
const BODY_AHEAD: usize = 8 * 1024;

/// What a connection waits for while no request is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// A head: the first one, or one that has begun.
    Head,
    /// Nothing: every request was answered, and as far as can be told nothing of another has come.
    Idle,
    /// A request is open, so the client waits for the server.
    Open,
    /// The rest of a body that nobody reads, because its request was answered.
    Body,
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its client let a deadline pass.
    Late,
    /// Others need its place, or the memory of its answer.
    GivesWay,
}

/// What follows the head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// No body.
    None,
    /// A body of so many bytes.
    Bytes(u64),
    /// A body whose end is not known before it comes.
    Unknown,
}

/// How far a connection is.
pub struct Progress {
    worker: Rc<Worker>,
    stage: Cell<Stage>,
    /// When the stage began, or bytes of an answer were last taken.
    since: Cell<Tick>,
    /// An answer waits for the client to read.
    unread: Cell<bool>,
    /// Bytes that came in, in all.
    read: Cell<u64>,
    /// How many of them had come when the head of the next request was whole, if that is known.
    head_end: Cell<Option<u64>>,
    last: LastBytes,
    /// Something of the head that is waited for has come.
    has_begun: Cell<bool>,
    body: Cell<BodyLength>,
    /// How much more may be read now.
    room: Cell<usize>,
    /// Something would have been read if there had been room.
    withheld: Cell<bool>,
    /// The client sends nothing more.
    half_closed: Cell<bool>,
    /// The connection has to end once its client has taken what there is of an answer that is not whole.
    breaks_off: Cell<bool>,
    /// Why the connection has to end, whatever it is about.
    ending: Cell<Option<Ending>>,
    /// Bytes of a large answer that is not sent yet.
    held: Cell<usize>,
    /// A request of it was answered.
    was_served: Cell<bool>,
    waker: RefCell<Waker>,
}

impl Progress {
    pub(super) fn new(worker: Rc<Worker>) -> Self {
        Self {
            worker,
            stage: Cell::new(Stage::Head),
            since: Cell::default(),
            unread: Cell::default(),
            read: Cell::default(),
            head_end: Cell::default(),
            last: LastBytes::default(),
            has_begun: Cell::default(),
            body: Cell::new(BodyLength::None),
            room: Cell::default(),
            withheld: Cell::default(),
            half_closed: Cell::default(),
            breaks_off: Cell::default(),
            ending: Cell::default(),
            held: Cell::default(),
            was_served: Cell::default(),
            waker: RefCell::new(Waker::noop().clone()),
        }
    }

    /// A request begins to be handled.
    pub fn begin(&self, body: BodyLength) {
        self.stage.set(Stage::Open);
        self.has_begun.set(false);
        self.body.set(body);
        self.give_room(match body {
            BodyLength::None => READ_AHEAD,
            BodyLength::Bytes(_) | BodyLength::Unknown => BODY_AHEAD,
        });
    }

    /// The handler of the open request took what has come of its body.
    pub fn body_taken(&self) {
        self.give_room(BODY_AHEAD);
    }

    /// The handler of the open request came to the end of its body.
    pub fn body_ended(&self) {
        if self.body.get() == BodyLength::Unknown {
            self.body.set(BodyLength::None);
        }
    }

    /// The open request has its answer, which goes out now. What has come beyond it belongs to the next head.
    pub fn answered(&self) {
        let read = self.read.get();
        let end = match (self.body.get(), self.head_end.take()) {
            (BodyLength::Bytes(length), Some(head_end)) => Some(head_end.saturating_add(length)),
            _ => None,
        };
        let stage = match (self.body.get(), end) {
            (_, Some(end)) if read < end => Stage::Body,
            (_, Some(end)) if self.last.are_blank(read - end) => Stage::Idle,
            (BodyLength::None, _) if self.last.are_empty_line() => Stage::Idle,
            (BodyLength::Unknown, _) if self.last.are_last_chunk() => Stage::Idle,
            (BodyLength::Unknown, _) => Stage::Body,
            // It came behind another request, so it is not known where it ended.
            (BodyLength::Bytes(_), None) => Stage::Idle,
            (BodyLength::None | BodyLength::Bytes(_), _) => Stage::Head,
        };
        self.has_begun.set(stage == Stage::Head);
        self.was_served.set(true);
        self.enter(stage);
        self.give_room(READ_AHEAD);
    }

    /// Of the answer that goes out nothing more comes, and it is not whole: the connection ends once the client has taken what there is.
    pub fn break_off(&self) {
        self.breaks_off.set(true);
    }

    /// Whether its last answer broke off, so that it takes no other one.
    pub fn breaks_off(&self) -> bool {
        self.breaks_off.get()
    }

    /// A large answer holds these bytes until it is sent.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.set(bytes);
        self.worker.places.hold(bytes);
    }

    /// It was sent or given up.
    pub fn release(&self) {
        self.worker.places.release(self.held.take());
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        self.since.set(self.worker.now());
    }

    /// How many bytes may be read now. With 0 the connection is polled again when there is room.
    pub(super) fn may_read(&self) -> usize {
        let most = if self.unread.get() {
            0
        } else {
            self.room.get()
        };
        if most == 0 {
            self.withheld.set(true);
            if !self.unread.get() && self.stage.get() != Stage::Open {
                // What was read is looked at before more is read.
                self.waker.borrow().wake_by_ref();
            }
        }
        most
    }

    pub(super) fn was_read(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.half_closed.set(true);
            return;
        }
        self.read.set(self.read.get() + bytes.len() as u64);
        self.room.set(self.room.get().saturating_sub(bytes.len()));
        if matches!(self.stage.get(), Stage::Head | Stage::Idle) {
            self.head_was_read(bytes);
        }
        self.last.note(bytes);
        // Behind a body of known length that nobody read actix-http ends the connection.
        if self.stage.get() == Stage::Body && self.last.are_last_chunk() {
            self.enter(Stage::Idle);
        }
    }

    /// These bytes, the last ones that came, are of a head.
    fn head_was_read(&self, bytes: &[u8]) {
        let (bytes, cut) = if self.has_begun.get() {
            (bytes, self.last.rest_of_empty_line(bytes))
        } else {
            (&bytes[blank(bytes)..], None)
        };
        if bytes.is_empty() {
            return;
        }
        self.has_begun.set(true);
        if self.stage.get() == Stage::Idle {
            self.enter(Stage::Head);
        }
        if self.head_end.get().is_none() {
            let end = cut.or_else(|| self.worker.find_head_end(bytes));
            let before = self.read.get() - bytes.len() as u64;
            self.head_end.set(end.map(|end| before + end as u64));
        }
    }

    pub(super) fn was_written(&self) {
        self.since.set(self.worker.now());
        if self.unread.replace(false) && self.withheld.take() {
            self.waker.borrow().wake_by_ref();
        }
    }

    pub(super) fn was_not_taken(&self) {
        if !self.unread.replace(true) {
            self.since.set(self.worker.now());
        }
    }

    fn give_room(&self, bytes: usize) {
        self.room.set(bytes);
        if self.withheld.take() {
            self.waker.borrow().wake_by_ref();
        }
    }

    /// Drives the requests of the connection until they end by themselves, or the connection has to end, which is `None`.
    pub(super) fn poll<F: Future>(
        &self,
        context: &mut Context<'_>,
        requests: Pin<&mut F>,
    ) -> Poll<Option<F::Output>> {
        if self.ending.get().is_some() {
            return Poll::Ready(None);
        }
        self.waker.borrow_mut().clone_from(context.waker());
        if self.stage.get() != Stage::Open {
            self.room.set(READ_AHEAD);
            self.withheld.set(false);
        }
        requests.poll(context).map(Some)
    }

    /// Ends the connection.
    pub(super) fn end(&self, ending: Ending) {
        self.ending.set(Some(ending));
        self.waker.borrow().wake_by_ref();
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.get()
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread.get()
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.get()
    }

    pub(super) fn is_half_closed(&self) -> bool {
        self.half_closed.get()
    }

    /// What the connection waits for its client to do, and since when.
    pub(super) fn waits(&self) -> Option<(Waits, Tick)> {
        let waits = match self.stage.get() {
            _ if self.unread.get() => Waits::Reading,
            Stage::Head => Waits::Head,
            Stage::Idle => Waits::Idle,
            Stage::Body => Waits::Body,
            Stage::Open => return None,
        };
        Some((waits, self.since.get()))
    }

    pub(super) fn is_holding(&self) -> bool {
        self.held.get() > 0
    }

    pub(super) fn was_served(&self) -> bool {
        self.was_served.get()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.ending.get().is_some() {
            self.worker.places.has_left();
        }
    }
}

/// What a client is waited for to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// To send a head.
    Head,
    /// To send the rest of a body.
    Body,
    /// To read an answer.
    Reading,
    /// To send another request.
    Idle,
}
