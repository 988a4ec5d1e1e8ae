//! The way of an answer from its upstream to its caller, who may go before it ends.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::gateway::meter::decoder::AnswerDecoder;
use crate::gateway::meter::stream::StreamMeter;

/// Largest answer that is read as a whole before it is passed on, in bytes; its cost then stands in its head.
const MOST_WHOLE: usize = 1 << 20;

/// An answer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenAnswer;

/// Ends once who waits for an answer has been gone for so long.
pub async fn gone<T>(caller: &mut oneshot::Sender<T>, read_on: Duration) {
    caller.closed().await;
    sleep(read_on).await;
}

/// How the attempt ended to read an answer as a whole.
pub enum WholeAnswer {
    /// It is there.
    Ended,
    /// More than is read as a whole has come; the rest has not.
    TooLarge,
    /// It broke off, or took too long.
    BrokenOff,
    /// Its caller has been gone for long.
    CallerGone,
}

/// Reads an answer until it ends or is too large, `idle` at most between two pieces.
pub async fn read_whole(body: &mut Incoming, into: &mut Vec<u8>, idle: Duration) -> WholeAnswer {
    loop {
        match timeout(idle, body.frame()).await {
            Ok(None) => return WholeAnswer::Ended,
            Ok(Some(Ok(frame))) => {
                if let Ok(piece) = frame.into_data() {
                    into.extend_from_slice(&piece);
                }
                if into.len() > MOST_WHOLE {
                    return WholeAnswer::TooLarge;
                }
            }
            Ok(Some(Err(_))) | Err(_) => return WholeAnswer::BrokenOff,
        }
    }
}

/// Meters a piece of an answer. Answers what is passed on of it.
pub fn meter_piece(
    meter: &mut Option<StreamMeter>,
    decoder: &mut Option<AnswerDecoder>,
    is_plain: bool,
    piece: Bytes,
) -> Bytes {
    let Some(meter) = meter else {
        return piece;
    };
    if is_plain {
        let mut out = Vec::with_capacity(piece.len());
        meter.push(&piece, &mut out);
        return Bytes::from(out);
    }
    if let Some(decoder) = decoder {
        decoder.decode(&piece, |piece| meter.observe(piece));
    }
    piece
}

/// The way of an answer to its caller, who may go.
pub struct Passing {
    pieces: Option<mpsc::Sender<Result<Bytes, BrokenAnswer>>>,
    give_up_at: Option<Instant>,
    read_on: Duration,
}

/// What comes next of an answer.
pub enum Next {
    /// This.
    Piece(Bytes),
    /// Nothing: it is whole.
    End,
    /// Nothing: it broke off, or its caller has been gone for long.
    BrokenOff,
}

impl Passing {
    /// The way to a caller, for whose answer is read on so long when they go.
    pub fn to(pieces: mpsc::Sender<Result<Bytes, BrokenAnswer>>, read_on: Duration) -> Self {
        Self {
            pieces: Some(pieces),
            give_up_at: None,
            read_on,
        }
    }

    /// The next piece of it.
    pub async fn next(&mut self, body: &mut Incoming, idle: Duration) -> Next {
        loop {
            let give_up_at = self.give_up_at;
            let frame = tokio::select! {
                frame = timeout(idle, body.frame()) => frame,
                () = given_up(give_up_at) => return Next::BrokenOff,
                () = closed(self.pieces.as_ref()) => {
                    self.gone();
                    continue;
                }
            };
            match frame {
                Ok(None) => return Next::End,
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        return Next::Piece(piece);
                    }
                }
                Ok(Some(Err(_))) | Err(_) => return Next::BrokenOff,
            }
        }
    }

    /// Passes a piece on, if the caller is still there.
    pub async fn pass(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        if let Some(pieces) = &self.pieces
            && pieces.send(Ok(piece)).await.is_err()
        {
            self.gone();
        }
    }

    /// Whether its caller is still there.
    pub fn has_caller(&self) -> bool {
        self.pieces.is_some()
    }

    /// Has the caller see that it is not whole.
    pub async fn break_off(&mut self) {
        if let Some(pieces) = &self.pieces {
            let _ = pieces.send(Err(BrokenAnswer)).await;
        }
    }

    fn gone(&mut self) {
        self.pieces = None;
        self.give_up_at = Some(Instant::now() + self.read_on);
    }
}

async fn given_up(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn closed(pieces: Option<&mpsc::Sender<Result<Bytes, BrokenAnswer>>>) {
    match pieces {
        Some(pieces) => pieces.closed().await,
        None => std::future::pending().await,
    }
}
