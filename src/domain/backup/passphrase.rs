//! The passphrase that backups are encrypted with.

use std::fmt;

use zeroize::Zeroizing;

/// Fewest characters. Whoever gets hold of a backup can try passphrases for as long as they like.
const FEWEST: usize = 12;

/// The passphrase of backups. It is shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct BackupPassphrase(Zeroizing<String>);

impl BackupPassphrase {
    /// A passphrase from the text of a file or a variable: its first line.
    ///
    /// # Errors
    /// What is wrong with it, without the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let mut lines = text.lines();
        let line = lines.next().unwrap_or_default().trim();
        if lines.any(|line| !line.trim().is_empty()) {
            return Err("has more than one line; a passphrase stands alone");
        }
        match line.chars().count() {
            0 => Err("is empty"),
            few if few < FEWEST => Err(
                "is too short: a passphrase of backups has at least 12 characters, such as six words",
            ),
            _ => Ok(Self(Zeroizing::new(line.to_owned()))),
        }
    }

    /// The text, to encrypt and decrypt with and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BackupPassphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_one_line_of_twelve_characters_or_more() {
        for (text, is_one) in [
            ("correct horse battery", true),
            ("  correct horse battery \r\n\n", true),
            ("twelve chars", true),
            ("elevenchars", false),
            ("", false),
            ("\ncorrect horse battery", false),
            ("correct horse\nbattery staple", false),
        ] {
            assert_eq!(BackupPassphrase::read(text).is_ok(), is_one, "{text:?}");
        }
        let one = BackupPassphrase::read("correct horse battery").unwrap();
        assert_eq!(format!("{one:?}"), "…");
    }
}
