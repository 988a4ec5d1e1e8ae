//! Looking into an answer that is compressed, while its bytes are passed on as they are.

use std::io::Write;

use flate2::write::MultiGzDecoder;

/// Bytes that are unpacked at a time; what comes of them is at most about a thousand times as much.
const STEP: usize = 512;
/// Most bytes that come out of one answer; what is larger has no usage.
const MAX_DECODED: u64 = 1 << 30;

/// Unpacks an answer piece by piece.
#[derive(Debug)]
pub struct AnswerDecoder {
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    is_plain: bool,
    decoded: u64,
}

impl AnswerDecoder {
    /// A decoder for a `content-encoding`: none, `identity`, or `gzip`. `None` for any other, of which no usage can be read.
    pub fn of(content_encoding: Option<&str>) -> Option<Self> {
        let encoding = content_encoding.unwrap_or_default().trim();
        let is_plain = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
        let is_gzip = ["gzip", "x-gzip"]
            .iter()
            .any(|known| encoding.eq_ignore_ascii_case(known));
        (is_plain || is_gzip).then(|| Self {
            unpacker: is_gzip.then(|| MultiGzDecoder::new(Vec::new())),
            is_plain,
            decoded: 0,
        })
    }

    /// Whether bytes come out as they went in, so that some of them may be removed.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Unpacks the next piece and hands what comes out of it to `read`, piece by piece. Once something is wrong with what came, or there is
    /// too much of it, nothing more comes out.
    pub fn decode(&mut self, piece: &[u8], mut read: impl FnMut(&[u8])) {
        if self.is_plain {
            return read(piece);
        }
        for step in piece.chunks(STEP) {
            let Some(unpacker) = &mut self.unpacker else {
                return;
            };
            let is_right = unpacker.write_all(step).is_ok() && unpacker.flush().is_ok();
            let out = unpacker.get_mut();
            self.decoded += out.len() as u64;
            if self.decoded > MAX_DECODED {
                self.unpacker = None;
                return;
            }
            read(out);
            out.clear();
            if !is_right {
                self.unpacker = None;
            }
        }
    }
}
