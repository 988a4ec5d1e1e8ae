//! A backup on its way out: it is read and encrypted on a thread of its own, no faster than it is taken.

use std::io::{self, Write};

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Sender, channel};

use crate::error::{Error, Result};
use crate::service::backups::Download;
use crate::store::backups::sending::send;

/// Pieces that wait to be sent.
const WAITING: usize = 4;
/// The size of a piece.
const PIECE: usize = 64 * 1024;

type Sent = io::Result<Bytes>;

/// What is sent of a backup. `place` is given back once all of it was read, or nobody wants it any more.
///
/// # Errors
/// [`Error::Internal`] when the system gives no thread.
pub fn sent(
    download: Download,
    place: OwnedSemaphorePermit,
) -> Result<impl Stream<Item = Sent> + use<>> {
    let (sender, receiver) = channel(WAITING);
    let work = move || {
        let pieces = Pieces {
            sender: &sender,
            piece: Vec::with_capacity(PIECE),
        };
        let outcome = send(download.file, download.lock.as_ref(), pieces);
        // Before the client sees the end: the next download may begin then.
        drop(place);
        if let Err(error) = outcome {
            log::warn!("sending the backup {}: {error}", download.name);
            // Nobody listens when that is why; otherwise the end is missing, and the client sees that.
            let _ = sender.blocking_send(Err(error));
        }
    };
    std::thread::Builder::new()
        .name("backup-download".to_owned())
        .spawn(work)
        .map_err(|error| Error::internal("starting the thread of a download", error))?;
    let next = |mut receiver: tokio::sync::mpsc::Receiver<Sent>| async move {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    };
    Ok(unfold(receiver, next))
}

/// What is written goes out piece by piece, and waits while too many of them wait.
struct Pieces<'s> {
    sender: &'s Sender<Sent>,
    piece: Vec<u8>,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..fits]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sent = self.sender.blocking_send(Ok(piece.into()));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client went away"))
    }
}
