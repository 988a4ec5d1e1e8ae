//! Whose certificates an upstream is trusted by.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::domain::settings::upstream::UpstreamSettings;
use crate::error::{Error, Result};

/// The certificates of the file that an upstream names, beside those that the program brings.
///
/// # Errors
/// [`Error::Refused`] when there are none in it.
pub fn authorities(settings: &UpstreamSettings) -> Result<Vec<CertificateDer<'static>>> {
    let Some(path) = &settings.ca_file else {
        return Ok(Vec::new());
    };
    let wrong = |error: &dyn std::fmt::Display| unusable(settings, error);
    let all = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    let all: Vec<_> = all
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| wrong(&error))?;
    if all.is_empty() {
        return Err(wrong(&"there is none in it"));
    }
    Ok(all)
}

/// How certificates are judged, made once for all workers.
///
/// # Errors
/// [`Error::Refused`] when one of the authorities is none.
pub fn trust(
    settings: &UpstreamSettings,
    authorities: &[CertificateDer<'static>],
) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for authority in authorities {
        let added = roots.add(authority.clone());
        added.map_err(|error| unusable(settings, &error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("preparing TLS", error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn unusable(settings: &UpstreamSettings, error: &dyn std::fmt::Display) -> Error {
    let (name, path) = (&settings.name, settings.ca_file.as_deref());
    let path = path.unwrap_or_else(|| std::path::Path::new("")).display();
    Error::refused(format!(
        "upstream {name:?}: can't use the certificates in {path}: {error}"
    ))
}
