//! The upstreams that there are at a time, in the order of the settings.

use std::sync::Arc;

use crate::domain::settings::upstream::{UpstreamDialect, UpstreamSettings};
use crate::error::{Error, Result};
use crate::gateway::meter::dialect::Dialect;
use crate::gateway::upstream::Upstream;

/// Upstreams that can be called.
pub struct Upstreams(Vec<Arc<Upstream>>);

impl Upstreams {
    /// Those of the settings.
    ///
    /// # Errors
    /// [`Error::Refused`] with each that can't be called as it is set.
    pub fn new(settings: &[UpstreamSettings]) -> Result<Self> {
        let (mut upstreams, mut mistakes) = (Vec::new(), Vec::new());
        for one in settings {
            match Upstream::new(one.clone()) {
                Ok(upstream) => upstreams.push(Arc::new(upstream)),
                Err(error) => mistakes.push(error.to_string()),
            }
        }
        if mistakes.is_empty() {
            Ok(Self(upstreams))
        } else {
            Err(Error::refused(mistakes.join("\n  ")))
        }
    }

    /// These in the place of others: those that are as they were stay the ones that they were. Also what differs, as people read it.
    pub(super) fn after(self, before: &Self) -> (Self, Vec<String>) {
        let mut differs = Vec::new();
        let mut now = Vec::new();
        for upstream in self.0 {
            let name = &upstream.settings.name;
            match before.find(name) {
                None => differs.push(format!("{name} added")),
                Some(known) if known.is_as(&upstream) => {
                    now.push(Arc::clone(known));
                    continue;
                }
                Some(known) if known.settings.key != upstream.settings.key => {
                    differs.push(format!("{name} changed, its key too"));
                }
                Some(_) => differs.push(format!("{name} changed")),
            }
            now.push(upstream);
        }
        let now = Self(now);
        let gone = before.0.iter().map(|upstream| &upstream.settings.name);
        let gone = gone.filter(|name| now.find(name).is_none());
        differs.extend(gone.map(|name| format!("{name} removed")));
        let is_where_it_was = |(one, other): (&Arc<Upstream>, &Arc<Upstream>)| {
            one.settings.name == other.settings.name
        };
        if differs.is_empty() && !now.0.iter().zip(&before.0).all(is_where_it_was) {
            differs.push("in another order".to_owned());
        }
        (now, differs)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.0.iter()
    }

    /// The upstream of this name.
    pub fn find(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.0
            .iter()
            .find(|upstream| upstream.settings.name == name)
    }

    /// Those that speak a dialect on its own paths; of several of one provider the first.
    pub fn speaking(&self, dialect: Dialect) -> Vec<&Arc<Upstream>> {
        let mut found: Vec<&Arc<Upstream>> = Vec::new();
        for upstream in &self.0 {
            let is_new = |other: &&Arc<Upstream>| other.provider_key != upstream.provider_key;
            if speaks(upstream.settings.dialect, dialect) && found.iter().all(is_new) {
                found.push(upstream);
            }
        }
        found
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
