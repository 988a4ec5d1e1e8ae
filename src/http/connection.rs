//! The stream under the requests of a connection, where refusals that actix makes by itself become ours.
//!
//! What is no valid HTTP request never reaches the application: actix answers it with a bare status line and ends the connection,
//! and offers no hook. So what it writes is looked at on its way out. Only a whole answer without a body ends in an empty line,
//! and only those that are not ours have no header but length, connection and date; in their place a [`Problem`] is written.
//! Then the connection lingers for a moment: closed over bytes that nobody has read, it would be reset, and the answer lost.

use std::future::Future;
use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

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
pub struct Connection<T> {
    stream: T,
    stage: Stage,
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

impl<T> Connection<T> {
    /// Wraps a stream that was accepted.
    pub fn new(stream: T) -> Self {
        Self {
            stream,
            stage: Stage::Open,
        }
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
            let Some((start, refusal)) = find_refusal(bytes) else {
                return Pin::new(&mut this.stream).poll_write(context, bytes);
            };
            if start > 0 {
                // The answers before it go first; the rest will be offered again.
                return Pin::new(&mut this.stream).poll_write(context, &bytes[..start]);
            }
            let answer = discipline::answer_unread(&problem(refusal.status), refusal.date);
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

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

/// A refusal of actix's own.
#[derive(Debug, PartialEq, Eq)]
struct Refusal<'a> {
    status: StatusCode,
    date: &'a str,
}

/// The refusal of actix's own that stands at the end of what is to be written, and where it begins.
fn find_refusal(bytes: &[u8]) -> Option<(usize, Refusal<'_>)> {
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
    let (mut empty, mut date) = (false, "");
    for line in lines {
        match line.split_once(": ")? {
            ("content-length", "0") => empty = true,
            ("connection", _) => {}
            ("date", value) => date = value,
            _ => return None,
        }
    }
    let refuses = status.is_client_error() || status.is_server_error();
    (refuses && empty).then_some((start, Refusal { status, date }))
}

/// What we say where actix gives only a status.
fn problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::BAD_REQUEST => Problem::new(
            status,
            "validation_error",
            "malformed_request",
            "this is no valid HTTP/1.1 request: its first line or a header is malformed, or Host is missing or stands twice, or \
             Content-Length is no number or stands beside Transfer-Encoding, or the path has more than 65534 bytes, or a chunk of \
             the body is malformed",
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
