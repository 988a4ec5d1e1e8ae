//! What is wrong with the certificate that TLS is served with.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::domain::finding::Finding;

/// How long before its end a certificate is looked after: tools that renew certificates do it earlier.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The certificate of addresses with `https://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its file.
    pub file: PathBuf,
    /// When the one ends that is served; none where it has no end, or none that could be read.
    pub expires_at: Option<Timestamp>,
    /// Why the files that are there now can't be served, if so. Names them: it is for the log.
    pub fault: Option<String>,
}

impl CertificateFacts {
    /// What is wrong with it. Names no path: everybody may ask whether the server is ready.
    pub fn findings(&self, now: Timestamp) -> impl Iterator<Item = Finding> {
        let unusable = self.fault.as_ref().map(|_| {
            Finding::new(
                "certificate_unusable",
                "the certificate in the files of [tls] can't be served; a server that runs goes on with the one from before",
                "the log and `tollkeeper config check` say what is wrong with it",
            )
        });
        [unusable, self.end(now)].into_iter().flatten()
    }

    /// Whether its end has come or is near.
    pub fn end(&self, now: Timestamp) -> Option<Finding> {
        let at = self.expires_at?;
        let remedy = "put a renewed one into the files of [tls]: it is served within half a minute, and at SIGHUP at once";
        if at <= now {
            return Some(Finding::new(
                "certificate_expired",
                format!(
                    "the certificate that addresses with https:// are served with expired at {at}, and clients refuse it"
                ),
                remedy,
            ));
        }
        (at.duration_since(now) < SOON).then(|| {
            Finding::new(
                "certificate_expires_soon",
                format!(
                    "the certificate that addresses with https:// are served with expires at {at}"
                ),
                remedy,
            )
        })
    }
}
