//! The name of a backup: when it was made, why, and what came of it, so that a folder of them needs no list beside it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

const BEGIN: &str = "tollkeeper-";
const PACKED: &str = ".tar.zst";
/// How the names of those end that are encrypted.
pub const ENCRYPTED: &str = ".age";
const SCHEDULED: &str = "-scheduled";
const UNSOUND: &str = "-unsound";
/// Characters of a moment, such as `2026-06-01T12-00-00Z`.
const MOMENT: usize = 20;

/// The name of a backup, such as `tollkeeper-2026-06-01T12-00-00Z-scheduled.tar.zst`. In order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackupName {
    /// When it was begun, to the second.
    pub at: Timestamp,
    /// 1 for the first of its second.
    pub number: u32,
    /// Why it was made.
    pub origin: BackupOrigin,
    /// Whether its checks found nothing.
    pub is_sound: bool,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
}

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackupOrigin {
    /// Somebody asked for it.
    Asked,
    /// It was time.
    Scheduled,
}

impl BackupName {
    /// The first of its second, until it is known what becomes of it.
    pub fn new(at: Timestamp, origin: BackupOrigin, is_encrypted: bool) -> Self {
        Self {
            at: Timestamp::from_second(at.as_second()).unwrap_or(at),
            number: 1,
            origin,
            is_sound: true,
            is_encrypted,
        }
    }

    /// By which the newest is the greatest. A clock that was ahead for a while left names that would be the newest until then: they come
    /// before all others.
    pub fn age_order(self, now: Timestamp) -> (bool, Self) {
        (self.at <= now, self)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BEGIN}{}", moment(self.at))?;
        if self.number > 1 {
            write!(f, "-{}", self.number)?;
        }
        let words = [
            (self.origin == BackupOrigin::Scheduled, SCHEDULED),
            (!self.is_sound, UNSOUND),
            (true, PACKED),
            (self.is_encrypted, ENCRYPTED),
        ];
        let said = words.into_iter().filter(|(said, _)| *said);
        said.into_iter().try_for_each(|(_, word)| f.write_str(word))
    }
}

impl FromStr for BackupName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let read = || {
            let rest = text.strip_prefix(BEGIN)?;
            let (at, rest) = rest.split_at_checked(MOMENT)?;
            let (rest, is_encrypted) = without(rest, ENCRYPTED);
            let (rest, is_unsound) = without(rest.strip_suffix(PACKED)?, UNSOUND);
            let (rest, is_scheduled) = without(rest, SCHEDULED);
            Some(Self {
                at: read_moment(at)?,
                number: match rest.strip_prefix('-') {
                    Some(number) => number.parse().ok()?,
                    None => 1,
                },
                origin: if is_scheduled {
                    BackupOrigin::Scheduled
                } else {
                    BackupOrigin::Asked
                },
                is_sound: !is_unsound,
                is_encrypted,
            })
        };
        // What is written in another way than ours is no name of ours: one backup has one name.
        let name = read().filter(|name| name.to_string() == text);
        name.ok_or(())
    }
}

/// A text without a word at its end, and whether it was there.
fn without<'a>(text: &'a str, word: &str) -> (&'a str, bool) {
    text.strip_suffix(word)
        .map_or((text, false), |rest| (rest, true))
}

/// A moment as it stands in the names of files and folders.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}

fn read_moment(text: &str) -> Option<Timestamp> {
    let (day, time) = text.split_once('T')?;
    format!("{day}T{}", time.replace('-', ":")).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let at = "2026-06-01T12:00:00.7Z".parse().unwrap();
        let asked = BackupName::new(at, BackupOrigin::Asked, false);
        let later = BackupName {
            number: 2,
            origin: BackupOrigin::Scheduled,
            is_sound: false,
            is_encrypted: true,
            ..asked
        };
        for (name, text) in [
            (asked, "tollkeeper-2026-06-01T12-00-00Z.tar.zst"),
            (
                later,
                "tollkeeper-2026-06-01T12-00-00Z-2-scheduled-unsound.tar.zst.age",
            ),
        ] {
            assert_eq!(name.to_string(), text);
            assert_eq!(text.parse(), Ok(name));
        }
        assert!(asked < later);
    }

    #[test]
    fn what_is_written_otherwise_is_no_name() {
        for text in [
            "",
            "tollkeeper-.tar.zst",
            "../tollkeeper-2026-06-01T12-00-00Z.tar.zst",
            "tollkeeper-2026-06-01T12-00-00Z.tar.zst/..",
            "tollkeeper-2026-06-01T12-00-00Z-1.tar.zst",
            "tollkeeper-2026-06-01T12-00-00Z-02.tar.zst",
            "tollkeeper-2026-06-01T12-00-00Z-unsound-scheduled.tar.zst",
            "tollkeeper-2026-06-31T12-00-00Z.tar.zst",
            "tollkeeper-2026-06-01T12-00-00é.tar.zst",
            "tollkeeper-2026-06-01T12-00-00Z.tar",
            "tollkeeper-2026-06-01T12-00-00Z.tar.zst.age.age",
            "tollkeeper-2026-06-01T12-00-00Z.tar.zst\0",
        ] {
            assert_eq!(text.parse::<BackupName>(), Err(()), "{text}");
        }
    }
}
