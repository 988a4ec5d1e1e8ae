//! Encrypting and decrypting backups as the program age does: for whoever has the private key of a recipient, or the passphrase.

use std::io::{self, BufRead, Write};
use std::iter;
use std::path::Path;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};

use crate::domain::backup::passphrase::BackupPassphrase;
use crate::domain::settings::BackupSettings;
use crate::error::{Error, Result};
use crate::store::directory::private::{self, Rule};

/// How much a guess at a passphrase costs, as the logarithm of what scrypt calls N: 128 MiB and some tenths of a second.
const WORK: u8 = 17;
/// The most that one may cost that somebody else chose.
const MOST_WORK: u8 = 22;
/// What every file of age begins with.
const MAGIC: &[u8] = b"age-encryption.org/";
/// Longest file with private keys or a passphrase, in bytes.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// What a backup is encrypted with.
#[derive(Clone)]
pub enum Lock {
    /// The public key of whoever can read it. This server can't.
    Recipient(x25519::Recipient),
    /// A passphrase, which this server knows too.
    Passphrase(BackupPassphrase),
}

/// What opens one that is encrypted.
pub enum Opener {
    /// Private keys.
    Identities(Vec<x25519::Identity>),
    /// The passphrase.
    Passphrase(BackupPassphrase),
}

impl Lock {
    /// What the settings say, if they say anything.
    ///
    /// # Errors
    /// [`Error::Refused`] when the recipient is none, there is no passphrase where one should be, or there are several of these.
    pub fn of(settings: &BackupSettings) -> Result<Option<Self>> {
        let BackupSettings {
            recipient,
            passphrase_file: file,
            passphrase_variable: variable,
            passphrase,
            ..
        } = settings;
        match (recipient, file, variable) {
            (None, None, None) => Ok(None),
            (Some(recipient), None, None) => {
                Self::recipient(recipient).map(Some).ok_or_else(|| {
                    Error::refused(format!("[backup] recipient: {recipient:?} {NO_RECIPIENT}"))
                })
            }
            (None, Some(file), None) => read_passphrase(file).map(Self::Passphrase).map(Some),
            (None, None, Some(name)) => match passphrase {
                Some(passphrase) => Ok(Some(Self::Passphrase(passphrase.clone()))),
                None => Err(Error::refused(format!(
                    "[backup] passphrase_variable: the environment variable {name} is not set; set it, or name a file with passphrase_file"
                ))),
            },
            _ => Err(Error::refused(
                "[backup] has more than one of recipient, passphrase_file and passphrase_variable; a backup is encrypted with one of \
                 them: remove the others",
            )),
        }
    }

    /// For a public key, if it is one.
    pub fn recipient(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self::Recipient)
    }

    /// The public key, if it is one.
    pub fn shown_recipient(&self) -> Option<String> {
        match self {
            Self::Recipient(recipient) => Some(recipient.to_string()),
            Self::Passphrase(_) => None,
        }
    }

    /// Encrypts what `write` writes.
    pub(super) fn wrap<W: Write>(
        &self,
        output: W,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<W> {
        let encryptor = match self {
            Self::Recipient(recipient) => {
                Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient))
            }
            Self::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(secret(passphrase));
                recipient.set_work_factor(WORK);
                Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient))
            }
        };
        let mut stream = encryptor.map_err(io::Error::other)?.wrap_output(output)?;
        write(&mut stream)?;
        stream.finish()
    }

    /// What opens it again, if this server knows that.
    pub fn opener(&self) -> Option<Opener> {
        match self {
            Self::Recipient(_) => None,
            Self::Passphrase(passphrase) => Some(Opener::Passphrase(passphrase.clone())),
        }
    }
}

/// What is wrong with a text that should be a recipient.
pub const NO_RECIPIENT: &str =
    "is no public key of age, which begins with age1; `age-keygen` makes one with its private key";

impl Opener {
    /// The passphrase in a file.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be read or is none.
    pub fn passphrase_file(path: &Path) -> Result<Self> {
        read_passphrase(path).map(Self::Passphrase)
    }

    /// The private keys in a file of `age-keygen`.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be read or holds none.
    pub fn identity_file(path: &Path) -> Result<Self> {
        let text = secret_text(path)?;
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let identities: std::result::Result<Vec<_>, _> = keys.map(str::parse).collect();
        match identities {
            Ok(identities) if !identities.is_empty() => Ok(Self::Identities(identities)),
            _ => Err(Error::refused(format!(
                "{} is no file of `age-keygen`, whose lines are comments and private keys that begin with AGE-SECRET-KEY-1; a backup for \
                 a key of another kind is decrypted with `age -d` first",
                path.display()
            ))),
        }
    }
}

fn read_passphrase(path: &Path) -> Result<BackupPassphrase> {
    let text = secret_text(path)?;
    BackupPassphrase::read(&text)
        .map_err(|what| Error::refused(format!("the passphrase in {} {what}", path.display())))
}

fn secret_text(path: &Path) -> Result<zeroize::Zeroizing<String>> {
    let bytes = private::read(path, Rule::Given, MAX_SECRET_FILE)?
        .ok_or_else(|| Error::refused(format!("there is no file {}", path.display())))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::refused(format!("{} is no text", path.display())))?;
    Ok(text.into())
}

/// Whether what begins here is encrypted.
pub(super) fn is_encrypted(input: &mut impl BufRead) -> io::Result<bool> {
    Ok(input.fill_buf()?.starts_with(MAGIC))
}

/// What is encrypted, in plain.
///
/// # Errors
/// A sentence that tells of the file.
pub(super) fn unwrap<'i>(
    input: impl BufRead + 'i,
    opener: Option<&Opener>,
) -> std::result::Result<Box<dyn io::Read + 'i>, String> {
    let decryptor = Decryptor::new_buffered(input).map_err(|error| unopened(&error))?;
    let by_passphrase = decryptor.is_scrypt();
    let stream = match (opener, by_passphrase) {
        (Some(Opener::Passphrase(passphrase)), true) => {
            let mut identity = scrypt::Identity::new(secret(passphrase));
            identity.set_max_work_factor(MOST_WORK);
            decryptor.decrypt(iter::once(&identity as &dyn age::Identity))
        }
        (Some(Opener::Identities(identities)), false) => {
            let all = identities
                .iter()
                .map(|identity| identity as &dyn age::Identity);
            decryptor.decrypt(all)
        }
        (_, true) => {
            return Err(
                "is encrypted with a passphrase; name the file that holds it with --passphrase-file".to_owned(),
            );
        }
        (_, false) => {
            return Err(
                "is encrypted for a recipient; name the file with the private key with --identity-file"
                    .to_owned(),
            );
        }
    };
    let stream = stream.map_err(|error| unopened(&error))?;
    Ok(Box::new(stream))
}

fn unopened(error: &DecryptError) -> String {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            "can't be decrypted: the passphrase or the private key is another one".to_owned()
        }
        DecryptError::NoMatchingKeys => {
            "can't be decrypted: it is encrypted for another private key".to_owned()
        }
        DecryptError::ExcessiveWork { .. } => {
            "is encrypted so that opening it takes more memory than is given to that".to_owned()
        }
        other => format!("can't be decrypted, it is cut short or damaged: {other}"),
    }
}

fn secret(passphrase: &BackupPassphrase) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}
