//! A connection from its place to its end.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connections::Connections;
use super::progress::{Ending, Progress, Stage};
use super::socket::Socket;
use super::stream::Connection;

/// How long a client may go on sending after it was refused.
const LINGER: Duration = Duration::from_secs(1);
/// How much of that is read.
const LINGER_BYTES: u64 = 1024 * 1024;
/// To a head that does not come.
const TOO_LATE: &str =
    "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// To a malformed chunk, over which actix-http drops a request without an answer.
const MALFORMED: &str =
    "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What serves a connection.
pub struct Served<T> {
    stream: Rc<RefCell<T>>,
    progress: Rc<Progress>,
    worker: Rc<Connections>,
}

/// How a connection ends.
enum End {
    /// As it is.
    Closed,
    /// Without what was not read.
    Reset,
    /// With a last word, perhaps none, and reading what is still on its way: closed over bytes that nobody has read, a connection is
    /// reset, and the answer is lost.
    Lingering(&'static str),
}

impl<T: Socket> Served<T> {
    /// A stream that was accepted by a worker: what serves it, and what actix-http is given.
    pub fn new(stream: T, worker: &Rc<Connections>) -> (Self, Connection<T>) {
        let stream = Rc::new(RefCell::new(stream));
        let progress = Rc::new(Progress::new(Rc::clone(worker.worker())));
        let connection = Connection {
            stream: Rc::clone(&stream),
            progress: Rc::clone(&progress),
            all: Rc::clone(worker),
        };
        let served = Self {
            stream,
            progress,
            worker: Rc::clone(worker),
        };
        (served, connection)
    }

    /// Waits for a place, has the requests served, and ends the connection.
    pub async fn run(self, requests: impl Future<Output = Result<(), DispatchError>>) {
        let places = Arc::clone(&self.worker.worker().places);
        let Some(_place) = places.take(|| self.worker.give_way()).await else {
            return;
        };
        self.worker.admit(&self.progress);
        let outcome = {
            let mut requests = pin!(requests);
            poll_fn(|context| self.progress.poll(context, requests.as_mut())).await
        };
        let end = self.end(outcome.as_ref());
        // What actix-http had of it went with the requests.
        let Some(mut stream) = Rc::into_inner(self.stream).map(RefCell::into_inner) else {
            return;
        };
        match end {
            End::Closed if outcome.is_some() => {}
            End::Closed => {
                // Otherwise the end of an encrypted connection looks as if somebody on the way had cut it.
                let _ = timeout(LINGER, stream.shutdown()).await;
            }
            End::Reset => {
                // Otherwise the system would keep what was not read, and go on offering it.
                if let Some(socket) = stream.socket() {
                    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
                }
            }
            End::Lingering(last_word) => {
                // A client that is gone, or does not end, is no matter.
                let _ = timeout(LINGER, linger(&mut stream, last_word)).await;
            }
        }
    }

    fn end(&self, outcome: Option<&Result<(), DispatchError>>) -> End {
        let progress = &self.progress;
        // Anything more would be taken for the rest of an answer that did not go out whole.
        let unread = progress.is_unread();
        match (outcome, progress.stage()) {
            (None, _) if unread => End::Reset,
            (None, Stage::Head)
                if progress.has_begun() && progress.ending() == Some(Ending::Late) =>
            {
                End::Lingering(TOO_LATE)
            }
            (Some(Err(DispatchError::Parse(_))), _) => End::Lingering(""),
            (Some(Ok(())), Stage::Open) if !unread && !progress.is_half_closed() => {
                End::Lingering(MALFORMED)
            }
            _ => End::Closed,
        }
    }
}

async fn linger(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    last_word: &str,
) -> std::io::Result<()> {
    stream.write_all(last_word.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(LINGER_BYTES);
    let mut space = [0; 4096];
    while rest.read(&mut space).await? > 0 {}
    Ok(())
}
