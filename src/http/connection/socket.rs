//! The sockets under connections: plain ones, and those that speak TLS first.

use std::io::Result;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// What is encrypted and not yet taken by the system, in bytes: as an answer that nobody reads, it has to stay small.
const MOST_UNSENT: usize = 16 * 1024;

/// A stream that can be cut off over what its client has not read.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// The socket itself, while there is one.
    fn socket(&self) -> Option<BorrowedFd<'_>>;
}

impl Socket for TcpStream {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Socket for UnixStream {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

/// A stream that is encrypted. Its handshake is a part of reading the first head, so that it has a place and that head's deadline.
pub struct Encrypted(Stage);

enum Stage {
    Handshake(Box<Accept<TcpStream>>),
    Open(Box<TlsStream<TcpStream>>),
    /// The handshake failed, and the client was told.
    Failed,
}

impl Encrypted {
    /// A connection that was accepted, whose client has yet to begin.
    pub fn new(stream: TcpStream, config: &Arc<ServerConfig>) -> Self {
        let limit = |session: &mut ServerConnection| session.set_buffer_limit(Some(MOST_UNSENT));
        let accept = TlsAcceptor::from(Arc::clone(config)).accept_with(stream, limit);
        Self(Stage::Handshake(Box::new(accept)))
    }

    /// The stream once its handshake is over.
    fn poll_open(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let Stage::Handshake(accept) = &mut self.0 {
            match ready!(Pin::new(&mut **accept).poll(context)) {
                Ok(stream) => self.0 = Stage::Open(Box::new(stream)),
                Err(error) => {
                    self.0 = Stage::Failed;
                    log::debug!("a TLS handshake failed: {error}");
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match &mut self.0 {
            Stage::Open(stream) => Ok(Pin::new(&mut **stream)),
            _ => Err(std::io::ErrorKind::NotConnected.into()),
        })
    }
}

impl Socket for Encrypted {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Stage::Handshake(accept) => accept.get_ref().map(AsFd::as_fd),
            Stage::Open(stream) => Some(stream.get_ref().0.as_fd()),
            Stage::Failed => None,
        }
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        ready!(self.get_mut().poll_open(context))?.poll_read(context, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.get_mut().poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.0 {
            Stage::Open(stream) => Pin::new(&mut **stream).poll_flush(context),
            // Nothing was written yet.
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.0 {
            Stage::Open(stream) => Pin::new(&mut **stream).poll_shutdown(context),
            // There is nobody yet to whom an end could be said.
            _ => Poll::Ready(Ok(())),
        }
    }
}
