//! The public id of a reservation.

use serde::{Deserialize, Serialize};

/// The public id of a reservation: `res_`, 11 base62 characters of its number and 11 of a random one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReservationId {
    /// Its number in the journal.
    pub number: i64,
    /// Random, so that nobody guesses the ids of others.
    pub nonce: i64,
}

const RESERVATION_PREFIX: &str = "res_";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HALF: usize = 11;

impl ReservationId {
    /// Reads a public id.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = text.strip_prefix(RESERVATION_PREFIX)?.as_bytes();
        (letters.len() == 2 * HALF).then_some(())?;
        let half = |letters: &[u8]| -> Option<i64> {
            let mut value = 0_u64;
            for letter in letters {
                let digit = BASE62.iter().position(|known| known == letter)?;
                value = value
                    .checked_mul(62)?
                    .checked_add(u64::try_from(digit).ok()?)?;
            }
            Some(value.cast_signed())
        };
        Some(Self {
            number: half(&letters[..HALF])?,
            nonce: half(&letters[HALF..])?,
        })
    }
}

impl std::fmt::Display for ReservationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut letters = [b'0'; 2 * HALF];
        for (half, value) in [(0, self.number), (HALF, self.nonce)] {
            let mut rest = value.cast_unsigned();
            for letter in letters[half..half + HALF].iter_mut().rev() {
                *letter = BASE62[usize::try_from(rest % 62).unwrap_or_default()];
                rest /= 62;
            }
        }
        f.write_str(RESERVATION_PREFIX)?;
        // All of them are ASCII.
        f.write_str(std::str::from_utf8(&letters).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_id_reads_back_as_itself_and_nothing_else_is_one() {
        for (number, nonce) in [(1, 0), (i64::MAX, -1), (42, i64::MIN)] {
            let id = ReservationId { number, nonce };
            assert_eq!(id.to_string().len(), 26);
            assert_eq!(ReservationId::parse(&id.to_string()), Some(id));
        }
        for wrong in [
            "",
            "res_",
            "res_0000000000000000000001",
            "res_000000000000000000000é",
        ] {
            let read = ReservationId::parse(wrong);
            assert!(read.is_none_or(|id| id.to_string() == wrong), "{wrong}");
        }
        assert!(ReservationId::parse(&format!("res_{}", "z".repeat(22))).is_none());
    }
}
