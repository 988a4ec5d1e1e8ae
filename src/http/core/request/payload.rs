//! The bytes of the body of a request: its type, its size and how long it may take.

use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::Request;
use crate::http::connection::Progress;
use crate::http::core::problem::Problem;

/// Largest body of a management call, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How much of a body that is too large is still read, so that the refusal reaches a client that is busy sending.
const DRAINED: usize = 16 * MAX_BODY;
/// Bytes a second at which a large body has to come.
const LEAST_RATE: usize = 128 * 1024;

impl Request {
    pub(super) fn refuse_other_types(&self) -> std::result::Result<(), Problem> {
        let content_type = self.header(&header::CONTENT_TYPE).unwrap_or_default();
        let media = content_type.split(';').next().unwrap_or_default().trim();
        let encoded = self
            .header(&header::CONTENT_ENCODING)
            .is_some_and(|coding| coding != "identity");
        if media.eq_ignore_ascii_case("application/json") && !encoded {
            return Ok(());
        }
        let found = match (encoded, content_type.is_empty()) {
            (true, _) => "an encoded body".to_owned(),
            (false, true) => "no Content-Type".to_owned(),
            (false, false) => format!("{:?}", content_type.chars().take(100).collect::<String>()),
        };
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "unsupported_media_type",
            format!("expected Content-Type: application/json, found {found}"),
        ))
    }

    pub(super) async fn bytes(&self, most: usize) -> std::result::Result<Bytes, Problem> {
        self.bytes_within(most, self.state().body_timeout, |_| Ok(()))
            .await
    }

    /// Whether something follows the head of the request, as far as its headers say. An empty body may.
    pub fn has_body(&self) -> bool {
        !matches!(*self.payload.borrow(), Payload::None) && self.announced_length() != Some(0)
    }

    /// The body of a call, which may be large: who sends on has as much time as it takes at 128 KiB a second. `grown` is told how much there
    /// is of it so far, and may refuse to take more.
    ///
    /// # Errors
    /// 413, 408, 400 when it broke off, or what `grown` answers.
    pub async fn call_body(
        &self,
        most: usize,
        grown: impl FnMut(usize) -> std::result::Result<(), Problem>,
    ) -> std::result::Result<Bytes, Problem> {
        let announced = self.announced_length().unwrap_or(most).min(most);
        let extra = std::time::Duration::from_secs((announced / LEAST_RATE) as u64);
        self.bytes_within(most, self.state().body_timeout + extra, grown)
            .await
    }

    async fn bytes_within(
        &self,
        most: usize,
        deadline: std::time::Duration,
        grown: impl FnMut(usize) -> std::result::Result<(), Problem>,
    ) -> std::result::Result<Bytes, Problem> {
        if self.announced_length() > Some(DRAINED.max(most)) {
            return Err(too_large(most).closing());
        }
        match tokio::time::timeout(deadline, self.collect(most, grown)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "body_timeout",
                format!("the body did not arrive within {} s", deadline.as_secs()),
            )
            .closing()),
        }
    }

    /// How long the body is, as far as its headers say.
    pub fn announced_length(&self) -> Option<usize> {
        self.header(&header::CONTENT_LENGTH)?.parse().ok()
    }

    async fn collect(
        &self,
        most: usize,
        mut grown: impl FnMut(usize) -> std::result::Result<(), Problem>,
    ) -> std::result::Result<Bytes, Problem> {
        let mut payload = self.payload.replace(Payload::None);
        // Most bodies come in one piece, which is then not copied.
        let (mut whole, mut pieces) = (Bytes::new(), BytesMut::new());
        let mut length = 0;
        let announced = self.announced_length().unwrap_or(0);
        let progress = self.request.conn_data::<Rc<Progress>>();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                log::debug!("a body broke off: {error}");
                Problem::broken_body()
            })?;
            progress.inspect(|progress| progress.body_taken());
            length += chunk.len();
            if length > DRAINED.max(most) {
                return Err(too_large(most).closing());
            }
            grown(length).map_err(Problem::closing)?;
            if length == chunk.len() {
                whole = chunk;
            } else if length <= most {
                if pieces.is_empty() {
                    pieces.reserve(announced.min(most).max(length));
                    pieces.extend_from_slice(&whole);
                }
                pieces.extend_from_slice(&chunk);
            }
        }
        progress.inspect(|progress| progress.body_ended());
        if length > most {
            return Err(too_large(most));
        }
        Ok(if pieces.is_empty() {
            whole
        } else {
            pieces.freeze()
        })
    }
}

fn too_large(most: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
        "payload_too_large",
        format!("the body has more than {most} bytes"),
    )
}
