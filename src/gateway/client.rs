//! The HTTP client of upstreams. Each worker has its own, so that a connection and the calls on it stay on one thread.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::upstream::Upstream;
use crate::error::{Error, Result};

/// How long a connection that nobody uses is kept: less than the 5 seconds after which many servers close it, perhaps under a call.
const IDLE: Duration = Duration::from_secs(4);
/// Such connections of one worker to one upstream.
const MOST_IDLE: usize = 256;

/// What a call to an upstream came to that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFault {
    /// There was no connection, so nothing was sent.
    NotConnected,
    /// It broke off after something may have been sent.
    BrokenOff,
}

/// A client of one upstream.
#[derive(Clone)]
pub struct UpstreamClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// How the certificates of an upstream are judged, made once for all workers.
///
/// # Errors
/// [`Error::Refused`] when its file of certificates can't be read.
pub fn trust(upstream: &Upstream) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = &upstream.settings.ca_file {
        let name = &upstream.settings.name;
        let wrong = |error: &dyn std::fmt::Display| {
            let path = path.display();
            Error::refused(format!(
                "upstream {name:?}: can't use the certificates in {path}: {error}"
            ))
        };
        let all = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
        let mut found = 0;
        for certificate in all {
            roots
                .add(certificate.map_err(|error| wrong(&error))?)
                .map_err(|error| wrong(&error))?;
            found += 1;
        }
        if found == 0 {
            return Err(wrong(&"there is none in it"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("preparing TLS", error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl UpstreamClient {
    /// A client without connections.
    pub fn new(upstream: &Upstream, trust: &Arc<ClientConfig>) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(upstream.settings.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(trust))
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self(client)
    }

    /// Sends a call and waits for the head of its answer.
    ///
    /// # Errors
    /// Whether something may have been sent.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> std::result::Result<Response<Incoming>, SendFault> {
        self.0.request(request).await.map_err(|error| {
            log::debug!("an upstream gave no answer: {error:?}");
            if error.is_connect() {
                SendFault::NotConnected
            } else {
                SendFault::BrokenOff
            }
        })
    }
}
