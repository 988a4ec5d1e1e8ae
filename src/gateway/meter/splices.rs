//! Changes to a body that leave every other byte of it as it was sent.

use std::borrow::Cow;
use std::ops::Range;

/// Pieces of a body that go, and what stands in their place. None overlaps another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Splices {
    pieces: Vec<(Range<usize>, String)>,
}

impl Splices {
    /// Takes a piece away.
    pub fn cut(&mut self, piece: Range<usize>) {
        self.replace(piece, String::new());
    }

    /// Puts something in the place of a piece, which may be empty.
    pub fn replace(&mut self, piece: Range<usize>, with: impl Into<String>) {
        self.pieces.push((piece, with.into()));
    }

    /// The body with the changes; the body itself where there are none. A piece that lies outside of it or in another one is left out.
    pub fn apply<'b>(&self, body: &'b [u8]) -> Cow<'b, [u8]> {
        if self.pieces.is_empty() {
            return Cow::Borrowed(body);
        }
        let mut pieces: Vec<_> = self.pieces.iter().collect();
        pieces.sort_by_key(|(piece, _)| (piece.start, piece.end));
        let added: usize = pieces.iter().map(|(_, with)| with.len()).sum();
        let mut out = Vec::with_capacity(body.len() + added);
        let mut at = 0;
        for (piece, with) in pieces {
            let Some(kept) = body.get(at..piece.start) else {
                continue;
            };
            if piece.end > body.len() {
                continue;
            }
            out.extend_from_slice(kept);
            out.extend_from_slice(with.as_bytes());
            at = piece.end.max(at);
        }
        out.extend_from_slice(&body[at..]);
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_is_the_same_bytes() {
        assert!(matches!(
            Splices::default().apply(b"abc"),
            Cow::Borrowed(b"abc")
        ));
        let mut splices = Splices::default();
        splices.replace(3..3, "+");
        splices.cut(0..1);
        assert_eq!(splices.apply(b"abc").as_ref(), b"bc+");
        splices.cut(2..9);
        assert_eq!(splices.apply(b"abc").as_ref(), b"bc+");
    }
}
