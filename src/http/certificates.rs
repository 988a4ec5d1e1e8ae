//! The certificate that TLS connections are served with, which is read again when its files change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::domain::server_status::CertificateFacts;
use crate::error::{Error, Result};

/// What is spoken over TLS.
const PROTOCOL: &[u8] = b"http/1.1";
/// Whom a file's mode lets read that have nothing to do with it.
const OTHERS_READ: u32 = 0o004;

/// Where a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and after it those that it was signed with.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// By which another file, or another content of it, is known.
type FileMark = (u64, u64, u64, i64, i64);

/// A certificate and its key as they were read.
#[derive(Debug)]
pub struct CertificatePair {
    pair: Arc<CertifiedKey>,
    expires_at: Option<Timestamp>,
    files: CertificateFiles,
    marks: [Option<FileMark>; 2],
}

/// The certificate that holds now. A connection goes on with the one that it began with.
#[derive(Debug)]
pub struct Certificates {
    now: RwLock<Arc<CertifiedKey>>,
    watched: Mutex<Watched>,
}

#[derive(Debug)]
struct Watched {
    files: CertificateFiles,
    marks: [Option<FileMark>; 2],
    expires_at: Option<Timestamp>,
    fault: Option<String>,
    /// What was said last of its end.
    told: Option<&'static str>,
}

impl CertificateFiles {
    /// Reads both.
    ///
    /// # Errors
    /// [`Error::Refused`] with the file, and what is wrong with it.
    pub fn read(&self) -> Result<CertificatePair> {
        // Before they are read: what changes meanwhile is read again.
        let marks = self.marks();
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| {
            let what = match error {
                rustls::pki_types::pem::Error::NoItemsFound => {
                    "there is no private key in PEM in it (-----BEGIN PRIVATE KEY-----)".to_owned()
                }
                other => other.to_string(),
            };
            wrong("the private key", &self.key, &what)
        })?;
        let expires_at = chain.first().and_then(expiry);
        let pair =
            CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    let certificate = self.certificate.display();
                    let what = format!("it is not the key of the certificate in {certificate}");
                    wrong("the private key", &self.key, &what)
                }
                other => wrong("the certificate", &self.certificate, &other.to_string()),
            })?;
        if fs::metadata(&self.key).is_ok_and(|found| found.mode() & OTHERS_READ != 0) {
            log::warn!(
                "the private key in {} can be read by every user of this machine; close it with chmod o-rwx",
                self.key.display()
            );
        }
        Ok(CertificatePair {
            pair: Arc::new(pair),
            expires_at,
            files: self.clone(),
            marks,
        })
    }

    /// What is known of the files while no server watches them.
    pub fn facts(&self) -> CertificateFacts {
        let read = self.read();
        CertificateFacts {
            file: self.certificate.clone(),
            expires_at: read.as_ref().ok().and_then(|read| read.expires_at),
            fault: read.err().map(|error| error.to_string()),
        }
    }

    fn marks(&self) -> [Option<FileMark>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let found = fs::metadata(path).ok()?;
            // The time of a change is that of a rename and of another mode, too.
            let changed = (found.ctime(), found.ctime_nsec());
            Some((found.dev(), found.ino(), found.size(), changed.0, changed.1))
        })
    }
}

impl Certificates {
    /// Begins with a pair.
    pub fn new(read: CertificatePair) -> Arc<Self> {
        Arc::new(Self {
            now: RwLock::new(read.pair),
            watched: Mutex::new(Watched {
                files: read.files,
                marks: read.marks,
                expires_at: read.expires_at,
                fault: None,
                told: None,
            }),
        })
    }

    /// Serves a pair from now on; answers whether it is another one.
    pub fn replace(&self, read: CertificatePair) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        self.take(&mut watched, read)
    }

    fn take(&self, watched: &mut Watched, read: CertificatePair) -> bool {
        *watched = Watched {
            files: read.files,
            marks: read.marks,
            expires_at: read.expires_at,
            fault: None,
            told: None,
        };
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = now.cert != read.pair.cert;
        *now = read.pair;
        is_other
    }

    /// Reads the files again if they are others than before. A pair that can't be used leaves the one of before in its place.
    pub fn refresh(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let marks = watched.files.marks();
        if marks == watched.marks {
            return;
        }
        match watched.files.read() {
            Ok(read) => {
                let certificate = read.files.certificate.clone();
                if self.take(&mut watched, read) {
                    log::info!(
                        "TLS: the certificate in {} is served now",
                        certificate.display()
                    );
                }
            }
            Err(error) => {
                watched.marks = marks;
                let fault = error.to_string();
                if watched.fault.as_ref() != Some(&fault) {
                    log::error!("{fault}; the certificate of before is served on");
                    watched.fault = Some(fault);
                }
            }
        }
    }

    /// What is known of the one that is served, and of the files that are there now.
    pub fn facts(&self) -> CertificateFacts {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.facts()
    }

    /// Says in the log that its end is near or has come, once each.
    pub fn tell_end(&self, now: Timestamp) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let found = watched.facts().end(now);
        let code = found.as_ref().map(|found| found.code);
        if let Some(found) = found
            && watched.told != code
        {
            let file = watched.files.certificate.display();
            log::warn!("TLS: {file}: {}", found.message());
        }
        watched.told = code;
    }

    /// How TLS is spoken with it: 1.2 and 1.3, HTTP/1.1 in it.
    ///
    /// # Errors
    /// When the library has no such versions.
    pub fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("preparing TLS", error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    }
}

impl Watched {
    fn facts(&self) -> CertificateFacts {
        CertificateFacts {
            file: self.files.certificate.clone(),
            expires_at: self.expires_at,
            fault: self.fault.clone(),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&now))
    }
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// When a certificate ends. None where it has no end (RFC 5280 writes the last second of the year 9999), or one that can't be read: rustls
/// says whether it can be served.
fn expiry(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    Timestamp::from_second(read.validity().not_after.timestamp()).ok()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable = |error: &dyn std::fmt::Display| wrong("the certificate", path, error);
    let all = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
    let all: Vec<_> = all
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| unreadable(&error))?;
    if all.is_empty() {
        return Err(unreadable(
            &"there is none in PEM in it (-----BEGIN CERTIFICATE-----)",
        ));
    }
    Ok(all)
}

fn wrong(what: &str, path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::refused(format!("can't use {what} in {}: {why}", path.display()))
}
