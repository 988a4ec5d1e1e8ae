//! The proxy: what carries a call that was let in to its upstream and back, and charges it.
//!
//! [`call_measure`] says how large a call is at most, [`quote`] what it would cost at each upstream that can carry it, [`carry`] sends it and meters the answer, [`charge`] turns
//! what was seen into what is charged, and [`headers`] keeps each side's credentials on its own side.

pub mod call_measure;
pub mod carry;
pub mod charge;
pub mod headers;
mod insist;
pub mod passing;
pub mod quote;

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::{UpstreamClient, trust};
use super::meter::dialect::Dialect;
use super::upstream::Upstream;
use crate::domain::settings::ProxySettings;
use crate::domain::settings::upstream::{UpstreamDialect, UpstreamSettings};
use crate::error::Result;

/// Bytes that large bodies of all calls under way may take together.
const MOST_BODIES: usize = 512 * 1024 * 1024;

/// What the proxy of this process has.
pub struct Proxy {
    upstreams: Vec<Arc<Upstream>>,
    trust: Vec<Arc<ClientConfig>>,
    /// How it carries calls.
    pub settings: ProxySettings,
    /// Room for large bodies, in kibibytes.
    bodies: Arc<Semaphore>,
}

impl Proxy {
    /// A proxy to these upstreams.
    ///
    /// # Errors
    /// [`crate::error::Error::Refused`] when one of them can't be called as it is set.
    pub fn new(upstreams: &[UpstreamSettings], settings: ProxySettings) -> Result<Self> {
        let upstreams = upstreams.iter().cloned().map(Upstream::new);
        let upstreams: Vec<_> = upstreams
            .map(|upstream| upstream.map(Arc::new))
            .collect::<Result<_>>()?;
        let trust = upstreams.iter().map(|upstream| trust(upstream));
        Ok(Self {
            trust: trust.collect::<Result<_>>()?,
            upstreams,
            bodies: Arc::new(Semaphore::new(
                (MOST_BODIES / 1024).max(settings.max_body / 1024 + 1),
            )),
            settings,
        })
    }

    /// Room for a body of so many bytes until its call is over, if there is any.
    pub fn room_for(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).ok()?;
        Arc::clone(&self.bodies)
            .try_acquire_many_owned(kibibytes)
            .ok()
    }

    /// All upstreams, in the order of the settings.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The upstream of this name, and its place.
    pub fn find(&self, name: &str) -> Option<(usize, &Arc<Upstream>)> {
        let mut all = self.upstreams.iter().enumerate();
        all.find(|(_, upstream)| upstream.settings.name == name)
    }

    /// Those that speak a dialect on its own paths, with their places; of several of one provider the first.
    pub fn speaking(&self, dialect: Dialect) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for (at, upstream) in self.upstreams.iter().enumerate() {
            let is_new =
                |other: &usize| self.upstreams[*other].provider_key != upstream.provider_key;
            if speaks(upstream.settings.dialect, dialect) && found.iter().all(is_new) {
                found.push(at);
            }
        }
        found
    }

    /// A client for each upstream, for one worker.
    pub fn clients(&self) -> Vec<UpstreamClient> {
        let pairs = self.upstreams.iter().zip(&self.trust);
        pairs
            .map(|(upstream, trust)| UpstreamClient::new(upstream, trust))
            .collect()
    }
}

/// Whether an upstream understands the plain paths of a dialect; those of Azure name its deployments.
fn speaks(upstream: UpstreamDialect, dialect: Dialect) -> bool {
    matches!(
        (upstream, dialect),
        (UpstreamDialect::OpenAi, Dialect::OpenAi)
            | (UpstreamDialect::Anthropic, Dialect::Anthropic)
            | (UpstreamDialect::Gemini, Dialect::Gemini)
    )
}
