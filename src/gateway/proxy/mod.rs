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
pub mod upstreams;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::upstreams::{PreparedUpstreams, Upstreams};
use crate::domain::settings::ProxySettings;
use crate::domain::settings::upstream::UpstreamSettings;
use crate::error::Result;

/// Bytes that large bodies of all calls under way may take together.
const MOST_BODIES: usize = 512 * 1024 * 1024;

/// What the proxy of this process has.
pub struct Proxy {
    upstreams: RwLock<Arc<Upstreams>>,
    /// How it carries calls.
    pub settings: ProxySettings,
    /// Room for large bodies, in kibibytes.
    bodies: Arc<Semaphore>,
}

impl Proxy {
    /// A proxy to these upstreams.
    ///
    /// # Errors
    /// [`crate::error::Error::Refused`] with each that can't be called as it is set.
    pub fn new(upstreams: &[UpstreamSettings], settings: ProxySettings) -> Result<Self> {
        let (upstreams, _) = PreparedUpstreams::new(upstreams)?.after(&Upstreams::default());
        Ok(Self {
            upstreams: RwLock::new(Arc::new(upstreams)),
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

    /// The upstreams that there are now. A call that began with them goes on with them.
    pub fn upstreams(&self) -> Arc<Upstreams> {
        let upstreams = self.upstreams.read();
        Arc::clone(&upstreams.unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls these from now on; answers what differs. One that is as it was stays the one that it was, with its connections.
    pub fn replace(&self, upstreams: PreparedUpstreams) -> Vec<String> {
        let before = self.upstreams();
        let (upstreams, differs) = upstreams.after(&before);
        let mut now = self
            .upstreams
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *now = Arc::new(upstreams);
        differs
    }
}
