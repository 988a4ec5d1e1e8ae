//! Bodies of answers that go out piece by piece, because actix-http copies what it is given into the buffer of its connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use crate::http::connection::{Connections, Progress};

/// The largest piece. What is no larger goes out whole.
const PIECE: usize = 32 * 1024;

/// A large body.
struct Pieces {
    rest: Bytes,
    _held: Option<Held>,
}

/// Memory that only this answer needs, until it is dropped.
struct Held(Rc<Progress>);

/// Bytes that many answers share.
pub fn shared(bytes: Bytes) -> BoxBody {
    if bytes.len() <= PIECE {
        return BoxBody::new(bytes);
    }
    BoxBody::new(Pieces {
        rest: bytes,
        _held: None,
    })
}

/// Whether a body goes out in pieces.
pub fn is_large(body: &impl MessageBody) -> bool {
    matches!(body.size(), BodySize::Sized(length) if length > PIECE as u64)
}

/// A large body as it goes out on a connection.
pub fn split(body: BoxBody, connection: Option<(&Rc<Progress>, &Connections)>) -> BoxBody {
    match body.try_into_bytes() {
        Ok(bytes) => {
            let held = connection.map(|(progress, all)| {
                all.hold(progress, bytes.len());
                Held(Rc::clone(progress))
            });
            BoxBody::new(Pieces {
                rest: bytes,
                _held: held,
            })
        }
        Err(body) => body,
    }
}

/// A body whose pieces come from elsewhere, one after another.
struct PassedOn {
    body: BoxBody,
    progress: Option<Rc<Progress>>,
}

/// A body that is passed on as it comes: its request is answered once it ends.
pub fn passed_on(body: BoxBody, progress: Rc<Progress>) -> BoxBody {
    BoxBody::new(PassedOn {
        body,
        progress: Some(progress),
    })
}

impl MessageBody for PassedOn {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(progress) = &self.progress
            && progress.breaks_off()
        {
            return Poll::Pending;
        }
        let next = Pin::new(&mut self.body).poll_next(context);
        match (&next, &self.progress) {
            (Poll::Ready(Some(Err(_))), Some(progress)) => {
                // Given the error, actix-http would drop with it what the client has not taken yet, even the head.
                progress.break_off();
                return Poll::Pending;
            }
            (Poll::Ready(None), _) => self.end(),
            _ => {}
        }
        next
    }
}

impl PassedOn {
    fn end(&mut self) {
        if let Some(progress) = self.progress.take() {
            progress.answered();
        }
    }
}

impl Drop for PassedOn {
    fn drop(&mut self) {
        // Of an answer to HEAD no piece is asked for.
        self.end();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}
