//! Carrying a call: sending it, passing its answer on while it is metered, and charging it, whether or not its caller is still there.
//!
//! It runs as a task of its own: a caller who goes does not end it. Only a connection that was refused, or the provider's own error, frees
//! what is held; what was sent and got no answer is charged as held.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::{HeaderMap, Request, Response, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use super::charge::{CallEnd, charge};
use super::insist::insist;
use super::passing::{BrokenAnswer, Next, Passing, WholeAnswer, gone, meter_piece, read_whole};
use super::quote::Quote;
use crate::domain::decision::amounts::{PricedUse, Spent};
use crate::domain::decision::{ReservationId, Settled};
use crate::domain::values::money::Money;
use crate::gateway::client::{SendFault, UpstreamClient};
use crate::gateway::meter::decoder::AnswerDecoder;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::stream::{Framing, StreamMeter};
use crate::gateway::no_answer::NoAnswer;
use crate::gateway::upstream_figures::CallOutcome;
use crate::ledger::{Ender, Pending};
use crate::service::Services;

/// Pieces of an answer that wait for a caller who reads slowly.
const WAITING: usize = 16;

/// A call that was let in and is to be sent.
pub struct Carried {
    /// What records what it cost.
    pub services: Arc<Services>,
    /// What is asked of the provider.
    pub endpoint: Endpoint,
    /// What it would take at most, and of whom.
    pub quote: Quote,
    /// What is held for it; none for what costs nothing.
    pub reservation: Option<ReservationId>,
    /// The call as it is sent.
    pub request: Request<Full<Bytes>>,
    /// Whether the chunk that tells usage is taken out again.
    pub strips_usage: bool,
    /// How long an answer is read on whose caller has gone.
    pub read_on: Duration,
    /// The room that its body takes.
    pub room: Option<OwnedSemaphorePermit>,
}

/// How an answer begins.
pub enum Begun {
    /// It is there as a whole.
    Whole {
        /// Its status.
        status: StatusCode,
        /// Its headers, as they came.
        headers: HeaderMap,
        /// Its body.
        body: Bytes,
        /// What it cost.
        cost: Option<Money>,
    },
    /// It comes piece by piece.
    Pieces {
        /// Its status.
        status: StatusCode,
        /// Its headers, as they came.
        headers: HeaderMap,
        /// Its body; an error is one that broke off.
        body: mpsc::Receiver<Result<Bytes, BrokenAnswer>>,
    },
}

/// Who waits for the beginning of an answer.
type Caller = oneshot::Sender<Result<Begun, NoAnswer>>;

impl Carried {
    /// Sends the call and sees to it that it is charged. Answers once its answer begins.
    pub fn start(self, client: UpstreamClient) -> oneshot::Receiver<Result<Begun, NoAnswer>> {
        let (caller, begun) = oneshot::channel();
        tokio::spawn(self.carry(client, caller));
        begun
    }

    async fn carry(mut self, client: UpstreamClient, mut caller: Caller) {
        let settings = &self.quote.upstream.settings;
        let (answer_timeout, idle) = (settings.answer_timeout, settings.idle_timeout);
        let request = std::mem::take(&mut self.request);
        let bytes = request.body().size_hint().lower();
        let state = &self.quote.upstream.state;
        state.count(|figures| figures.begin(bytes));
        let began = Instant::now();
        let sent = tokio::select! {
            sent = timeout(answer_timeout, client.send(request)) => sent.map_err(|_| NoAnswer::TimedOut),
            () = gone(&mut caller, self.read_on) => Err(NoAnswer::CallerGone),
        };
        let sent = sent.and_then(|sent| {
            sent.map_err(|fault| match fault {
                SendFault::NotConnected => NoAnswer::NotConnected,
                SendFault::BrokenOff => NoAnswer::BrokenOff,
            })
        });
        match sent {
            Ok(response) => {
                let (now, latency) = (self.services.clock.now(), began.elapsed());
                let status = response.status().as_u16();
                // What only says that its key or address is wrong is no answer to the call.
                if no_answer_by(status).is_none() {
                    self.quote.upstream.state.answered(now, status, latency);
                }
                self.answer(response, idle, caller).await;
            }
            Err(why) => self.end(caller, why, 0).await,
        }
    }

    /// Passes an answer on that has begun.
    async fn answer(self, response: Response<Incoming>, idle: Duration, mut caller: Caller) {
        let (parts, mut body) = response.into_parts();
        let (status, headers) = (parts.status, parts.headers);
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let framing = text(header::CONTENT_TYPE).and_then(Framing::of);
        if let Some(why) = no_answer_by(status.as_u16()) {
            return self.end(caller, why, 0).await;
        }
        // A list that grows is passed on as it comes.
        let is_document =
            framing == Some(Framing::Json) && self.endpoint != Endpoint::StreamGenerateContent;
        let is_whole = status.as_u16() >= 400 || is_document;
        let mut held = Vec::new();
        if is_whole {
            let gone = gone(&mut caller, self.read_on);
            let whole = tokio::select! {
                whole = read_whole(&mut body, &mut held, idle) => whole,
                () = gone => WholeAnswer::CallerGone,
            };
            match whole {
                WholeAnswer::Ended => {
                    let decoder = AnswerDecoder::of(text(header::CONTENT_ENCODING));
                    let end = self.seen(status, decoder, &held);
                    let spent = charge(self.endpoint, &self.quote, &end);
                    let outcome = CallOutcome::Answered(status.as_u16());
                    self.note_end(outcome, held.len(), spent);
                    let cost = self.reservation.map(|_| spent.cost);
                    let charging = self.begin_charge(spent);
                    let body = Bytes::from(held);
                    let _ = caller.send(Ok(Begun::Whole {
                        status,
                        headers,
                        body,
                        cost,
                    }));
                    return self.finish_charge(charging, spent).await;
                }
                WholeAnswer::BrokenOff => {
                    return self.end(caller, NoAnswer::BrokenOff, held.len()).await;
                }
                WholeAnswer::CallerGone => {
                    return self.end(caller, NoAnswer::CallerGone, held.len()).await;
                }
                WholeAnswer::TooLarge => {}
            }
        }
        let mut decoder = AnswerDecoder::of(text(header::CONTENT_ENCODING));
        let is_plain = decoder.as_ref().is_some_and(AnswerDecoder::is_plain);
        let (pieces, receiver) = mpsc::channel(WAITING);
        let begun = Begun::Pieces {
            status,
            headers,
            body: receiver,
        };
        let _ = caller.send(Ok(begun));
        let mut meter = framing
            .map(|framing| StreamMeter::new(self.endpoint, framing, self.strips_usage && is_plain));
        let mut passing = Passing::to(pieces, self.read_on);
        let mut first = (!held.is_empty()).then(|| Bytes::from(held));
        let (mut broke_off, mut came) = (false, 0);
        loop {
            let piece = match first.take() {
                Some(piece) => piece,
                None => match passing.next(&mut body, idle).await {
                    Next::Piece(piece) => piece,
                    Next::End => break,
                    Next::BrokenOff => {
                        broke_off = true;
                        break;
                    }
                },
            };
            came += piece.len();
            let out = meter_piece(&mut meter, &mut decoder, is_plain, piece);
            passing.pass(out).await;
        }
        let mut rest = Vec::new();
        let mut seen = meter
            .map(|meter| meter.finish(&mut rest))
            .unwrap_or_default();
        seen.ended &= !broke_off;
        let end = if status.as_u16() >= 400 {
            CallEnd::Refused
        } else {
            CallEnd::Answered(seen)
        };
        let spent = charge(self.endpoint, &self.quote, &end);
        let outcome = passed_on(status, broke_off, passing.has_caller());
        self.note_end(outcome, came, spent);
        let charging = self.begin_charge(spent);
        passing.pass(Bytes::from(rest)).await;
        if broke_off {
            if passing.has_caller() {
                self.note_failure(NoAnswer::BrokenOff);
            }
            passing.break_off().await;
        }
        drop(passing);
        self.finish_charge(charging, spent).await;
    }

    fn seen(&self, status: StatusCode, decoder: Option<AnswerDecoder>, body: &[u8]) -> CallEnd {
        if status.as_u16() >= 400 {
            return CallEnd::Refused;
        }
        let mut meter = StreamMeter::new(self.endpoint, Framing::Json, false);
        if let Some(mut decoder) = decoder {
            decoder.decode(body, |piece| meter.observe(piece));
        }
        CallEnd::Answered(meter.finish(&mut Vec::new()))
    }

    fn note_end(&self, outcome: CallOutcome, received: usize, spent: Spent) {
        // What has no reservation is charged nothing.
        let spent = self.reservation.map(|_| spent).unwrap_or_default();
        let state = &self.quote.upstream.state;
        state.count(|figures| figures.end(outcome, received as u64, &spent));
    }

    fn note_failure(&self, why: NoAnswer) {
        let now = self.services.clock.now();
        self.quote.upstream.state.failed(now, why);
    }

    /// Tells the caller why there is no answer. The ledger is told before, and not waited for.
    async fn end(self, caller: Caller, why: NoAnswer, received: usize) {
        self.note_failure(why);
        let outcome = CallOutcome::Unanswered(why);
        if why == NoAnswer::NotConnected {
            self.note_end(outcome, received, Spent::default());
            return self.free(caller).await;
        }
        let end = match why {
            NoAnswer::Redirects | NoAnswer::KeyRefused => CallEnd::Refused,
            _ => CallEnd::Lost,
        };
        let spent = charge(self.endpoint, &self.quote, &end);
        self.note_end(outcome, received, spent);
        let charging = self.begin_charge(spent);
        let _ = caller.send(Err(why));
        self.finish_charge(charging, spent).await;
    }

    /// Has a call charged: the ledger knows of it before anything that it is asked later.
    fn begin_charge(&self, spent: Spent) -> Option<Pending<Settled>> {
        let id = self.reservation?;
        Some(
            self.services
                .ledger
                .settle(id, self.priced(spent), Ender::proxy()),
        )
    }

    fn priced(&self, spent: Spent) -> PricedUse {
        let priced_by = self.quote.offer.priced_by.clone();
        PricedUse { spent, priced_by }
    }

    async fn finish_charge(&self, charging: Option<Pending<Settled>>, spent: Spent) {
        let (Some(id), Some(charging)) = (self.reservation, charging) else {
            return;
        };
        let again = || {
            self.services
                .ledger
                .settle(id, self.priced(spent), Ender::proxy())
        };
        insist("charging a call", charging, again).await;
    }

    /// Frees what is held: the call never reached its provider.
    async fn free(self, caller: Caller) {
        let free = |id| self.services.ledger.cancel(id, Ender::proxy());
        let freeing = self.reservation.map(|id| (id, free(id)));
        let _ = caller.send(Err(NoAnswer::NotConnected));
        if let Some((id, freeing)) = freeing {
            insist("freeing what was held for a call", freeing, || free(id)).await;
        }
    }
}

/// How a call ended whose answer was passed on.
fn passed_on(status: StatusCode, broke_off: bool, has_caller: bool) -> CallOutcome {
    match (broke_off, has_caller) {
        (false, _) => CallOutcome::Answered(status.as_u16()),
        (true, true) => CallOutcome::Unanswered(NoAnswer::BrokenOff),
        (true, false) => CallOutcome::Unanswered(NoAnswer::CallerGone),
    }
}

/// What a status says by which nothing was made.
fn no_answer_by(status: u16) -> Option<NoAnswer> {
    match status {
        300..=399 => Some(NoAnswer::Redirects),
        401 => Some(NoAnswer::KeyRefused),
        _ => None,
    }
}
