//! The last bytes that came in, so that what is looked for is found however the bytes were cut.

use std::cell::Cell;

/// What a head ends with, and a body in chunks too.
pub(super) const EMPTY_LINE: &[u8; 4] = b"\r\n\r\n";
/// What a body in chunks ends with, when it has no trailers.
const LAST_CHUNK: &[u8; 7] = b"\r\n0\r\n\r\n";

/// The last eight bytes, the newest lowest.
#[derive(Default)]
pub(super) struct LastBytes(Cell<u64>);

impl LastBytes {
    pub(super) fn note(&self, bytes: &[u8]) {
        self.0.set(match bytes.last_chunk::<8>() {
            Some(last) => u64::from_be_bytes(*last),
            None => bytes
                .iter()
                .fold(self.0.get(), |last, byte| followed(last, *byte)),
        });
    }

    pub(super) fn are_empty_line(&self) -> bool {
        self.0.get().to_be_bytes().ends_with(EMPTY_LINE)
    }

    pub(super) fn are_last_chunk(&self) -> bool {
        self.0.get().to_be_bytes().ends_with(LAST_CHUNK)
    }

    /// Whether so many of them are ends of lines, which nobody minds between requests (RFC 9112 §2.2).
    pub(super) fn are_blank(&self, count: u64) -> bool {
        let last = self.0.get().to_be_bytes();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let first = last.len().checked_sub(count);
        first.is_some_and(|first| blank(&last[first..]) == count)
    }

    /// How many of these bytes, which come next, belong to an empty line that has begun already.
    pub(super) fn rest_of_empty_line(&self, next: &[u8]) -> Option<usize> {
        let mut last = self.0.get();
        let rest = next.iter().take(EMPTY_LINE.len() - 1).position(|byte| {
            last = followed(last, *byte);
            last.to_be_bytes().ends_with(EMPTY_LINE)
        })?;
        Some(rest + 1)
    }
}

fn followed(last: u64, byte: u8) -> u64 {
    last << 8 | u64::from(byte)
}

/// How many ends of lines these bytes begin with.
pub(super) fn blank(bytes: &[u8]) -> usize {
    let other = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    other.unwrap_or(bytes.len())
}
