//! The stream of a connection, between the client and actix-http.

use std::cell::RefCell;
use std::io::{Error, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Connections;
use super::progress::Progress;

/// One connection, as actix-http sees it.
pub struct Connection<T> {
    /// Shared with [`Served`](super::Served), which ends the connection when actix-http is done with it.
    pub(super) stream: Rc<RefCell<T>>,
    pub(super) progress: Rc<Progress>,
    pub(super) all: Rc<Connections>,
}

impl<T> Connection<T> {
    /// The connections of the worker, of which this is one.
    pub fn all(&self) -> Rc<Connections> {
        Rc::clone(&self.all)
    }

    /// Where the requests of this connection say how far they are.
    pub fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let most = self.progress.may_read();
        if most == 0 {
            return Poll::Pending;
        }
        let mut stream = self.stream.borrow_mut();
        let before = into.filled().len();
        if into.remaining() <= most {
            ready!(Pin::new(&mut *stream).poll_read(context, into))?;
        } else {
            let mut part = ReadBuf::new(into.initialize_unfilled_to(most));
            ready!(Pin::new(&mut *stream).poll_read(context, &mut part))?;
            let read = part.filled().len();
            into.advance(read);
        }
        self.progress.was_read(&into.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut *self.stream.borrow_mut()).poll_write(context, bytes);
        match written {
            Poll::Ready(_) => self.progress.was_written(),
            Poll::Pending => self.progress.was_not_taken(),
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(Pin::new(&mut *self.stream.borrow_mut()).poll_flush(context))?;
        if self.progress.breaks_off() {
            return Poll::Ready(Err(Error::other("the answer broke off")));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(context)
    }
}
