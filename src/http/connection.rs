//! The stream under the requests of a connection, where refusals that actix makes by itself become ours.
//!
//! What is no valid HTTP request never reaches the application: actix answers it with a bare status line and ends the connection,
//! and offers no hook. So what it writes is looked at on its way out. Only a whole answer without a body ends in an empty line,
//! and only those that are not ours have no header but length, connection and date; in their place a [`Problem`] is written.
//! Then the connection lingers for a moment: closed over bytes that nobody has read, it would be reset, and the answer lost.
//!
//! A malformed chunk makes actix drop the connection at once. A handler that reads the body still answers; a request whose key is
//! being verified, or that changes nothing and has a body that nobody reads, is answered from here.

use std::cell::RefCell;
use std::future::Future;
use std::io::Result;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::context::{Context as Facts, RequestIds};
use super::discipline;
use super::problem::Problem;

/// What ends the head of an answer.
const EMPTY_LINE: &str = "\r\n\r\n";
/// A refusal of actix's own is shorter than this.
const LONGEST_REFUSAL: usize = 160;
/// How long a client may go on sending after it was refused.
const LINGER: Duration = Duration::from_secs(1);
/// How much of that is read.
const LINGER_BYTES: usize = 1024 * 1024;

/// One connection.
pub struct Connection<T: AsyncWrite + Unpin> {
    stream: T,
    stage: Stage,
    waiting: Waiting,
    /// Whether an answer went out only in part.
    stuck: bool,
}

/// The request on a connection whose handler does not read its body, or not yet, if there is one.
#[derive(Clone, Default)]
pub struct Waiting(Rc<RefCell<Option<Rc<Facts>>>>);

impl Waiting {
    /// A request begins to wait; answers what stood here before.
    pub fn begin(&self, facts: Option<Rc<Facts>>) -> Option<Rc<Facts>> {
        self.0.replace(facts)
    }

    /// It waits no longer, but for what stood here before.
    pub fn end(&self, before: Option<Rc<Facts>>) {
        self.0.replace(before);
    }
}

enum Stage {
    /// Requests come in, answers go out.
    Open,
    /// A refusal goes out; this much of it did.
    Refusing(Vec<u8>, usize),
    /// Nothing more goes out; what still comes in is read up to a time and a number of bytes.
    Lingering(Pin<Box<Sleep>>, usize),
    /// The connection can be closed.
    Over,
}

impl<T: AsyncWrite + Unpin> Connection<T> {
    /// Wraps a stream that was accepted.
    pub fn new(stream: T) -> Self {
        Self {
            stream,
            stage: Stage::Open,
            waiting: Waiting::default(),
            stuck: false,
        }
    }

    /// Where a request of this connection says that it waits.
    pub fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }
}

impl<T: AsyncWrite + Unpin> Drop for Connection<T> {
    fn drop(&mut self) {
        let Some(facts) = self.waiting.0.take() else {
            return;
        };
        if self.stuck {
            // Anything more would be taken for the rest of the answer before.
            return;
        }
        let answer = discipline::answer_unread(&Problem::broken_body(), &facts);
        // All that was written before has gone out, so there is room; a client that is gone is no matter.
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.stream).poll_write(&mut context, &answer);
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut context);
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let this = &mut *self;
        if matches!(this.stage, Stage::Open) {
            let Some((start, status)) = find_refusal(bytes) else {
                let written = Pin::new(&mut this.stream).poll_write(context, bytes);
                this.stuck = !matches!(written, Poll::Ready(Ok(some)) if some == bytes.len());
                return written;
            };
            if start > 0 {
                // The answers before it go first; the rest will be offered again.
                return Pin::new(&mut this.stream).poll_write(context, &bytes[..start]);
            }
            let answer = discipline::answer_unread(
                &problem(status),
                &Facts::arrived(&HeaderMap::new(), &RequestIds::new()),
            );
            this.stage = Stage::Refusing(answer, 0);
        }
        this.poll_end(context).map_ok(|()| bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// Writes a refusal, says that nothing follows, and reads what the client was about to send.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            match &mut self.stage {
                Stage::Open | Stage::Over => return Poll::Ready(Ok(())),
                Stage::Refusing(answer, sent) if *sent < answer.len() => {
                    let rest = &answer[*sent..];
                    match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                        0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                        some => *sent += some,
                    }
                }
                Stage::Refusing(..) => {
                    ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
                    self.stage = Stage::Lingering(Box::pin(sleep(LINGER)), LINGER_BYTES);
                }
                Stage::Lingering(until, left) => {
                    let mut space = [0; 4096];
                    let mut unread = ReadBuf::new(&mut space);
                    let over = until.as_mut().poll(context).is_ready()
                        || match Pin::new(&mut self.stream).poll_read(context, &mut unread) {
                            Poll::Pending => return Poll::Pending,
                            Poll::Ready(Err(_)) => true,
                            Poll::Ready(Ok(())) => {
                                let read = unread.filled().len();
                                *left = left.saturating_sub(read);
                                read == 0 || *left == 0
                            }
                        };
                    if over {
                        self.stage = Stage::Over;
                    }
                }
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

/// Where in what is to be written a refusal of actix's own begins, and its status.
fn find_refusal(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    if !bytes.ends_with(EMPTY_LINE.as_bytes()) {
        return None;
    }
    let from = bytes.len().saturating_sub(LONGEST_REFUSAL);
    let version = b"HTTP/1.";
    let start = from
        + bytes[from..]
            .windows(version.len())
            .rposition(|window| window == version)?;
    let head = std::str::from_utf8(&bytes[start..]).ok()?;
    let mut lines = head.strip_suffix(EMPTY_LINE)?.split("\r\n");
    let status: StatusCode = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut empty = false;
    for line in lines {
        match line.split_once(": ")? {
            ("content-length", "0") => empty = true,
            ("connection" | "date", _) => {}
            _ => return None,
        }
    }
    let refuses = status.is_client_error() || status.is_server_error();
    (refuses && empty).then_some((start, status))
}

/// What we say where actix gives only a status.
fn problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::BAD_REQUEST => Problem::new(
            status,
            "validation_error",
            "malformed_request",
            "this is no valid HTTP/1.1 request: its first line or a header is malformed, or Host is missing or stands twice, or \
             Content-Length is no number or stands beside Transfer-Encoding, or the path has more than 65534 bytes",
        ),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Problem::new(
            status,
            "headers_too_large",
            "headers_too_large",
            "there are more than 96 headers, or they have more than 32768 bytes",
        ),
        StatusCode::REQUEST_TIMEOUT => Problem::new(
            status,
            "request_timeout",
            "head_timeout",
            "the head of the request did not arrive in time",
        ),
        _ => Problem::panicked(),
    }
}

#[cfg(test)]
mod tests;
