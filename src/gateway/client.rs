//! The HTTP clients of upstreams. Each worker has its own, so that a connection and the calls on it stay on one thread.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::upstream::Upstream;
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

impl UpstreamClient {
    /// A client without connections.
    fn new(upstream: &Upstream) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(upstream.settings.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&upstream.trust))
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

/// The clients of one worker. Those of upstreams that were taken out of the settings go with the last call to them.
#[derive(Default)]
pub struct UpstreamClients(RefCell<Vec<(Weak<Upstream>, UpstreamClient)>>);

impl UpstreamClients {
    /// The client of an upstream.
    pub fn client(&self, upstream: &Arc<Upstream>) -> UpstreamClient {
        let mut clients = self.0.borrow_mut();
        let known = clients
            .iter()
            .find(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(upstream)));
        if let Some((_, client)) = known {
            return client.clone();
        }
        clients.retain(|(of, _)| of.strong_count() > 0);
        let client = UpstreamClient::new(upstream);
        clients.push((Arc::downgrade(upstream), client.clone()));
        client
    }
}
