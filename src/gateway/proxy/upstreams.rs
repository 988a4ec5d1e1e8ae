//! The upstreams that there are at a time, in the order of the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::settings::upstream::{UpstreamDialect, UpstreamSettings};
use crate::error::{Error, Result};
use crate::gateway::meter::dialect::Dialect;
use crate::gateway::upstream::Upstream;
use crate::gateway::upstream_state::UpstreamState;

/// Upstreams that can be called.
#[derive(Default)]
pub struct Upstreams {
    present: Vec<Arc<Upstream>>,
    /// What was seen of those that were called before and are in the settings no more, by name: as many as the operator has named since
    /// the start.
    gone: BTreeMap<String, Arc<UpstreamState>>,
}

/// Upstreams of the settings that can be called once they are put in force.
pub struct PreparedUpstreams(Vec<Upstream>);

impl PreparedUpstreams {
    /// Those of the settings.
    ///
    /// # Errors
    /// [`Error::Refused`] with each that can't be called as it is set.
    pub fn new(settings: &[UpstreamSettings]) -> Result<Self> {
        let (mut upstreams, mut mistakes) = (Vec::new(), Vec::new());
        for one in settings {
            match Upstream::new(one.clone()) {
                Ok(upstream) => upstreams.push(upstream),
                Err(error) => mistakes.push(error.to_string()),
            }
        }
        if mistakes.is_empty() {
            Ok(Self(upstreams))
        } else {
            Err(Error::refused(mistakes.join("\n  ")))
        }
    }

    /// These in the place of others: those that are as they were stay the ones that they were, and what was seen of a name goes on with
    /// it, also when it comes back. Also what differs, as people read it.
    pub(super) fn after(self, before: &Upstreams) -> (Upstreams, Vec<String>) {
        let mut differs = Vec::new();
        let mut now = Upstreams {
            present: Vec::new(),
            gone: before.gone.clone(),
        };
        for mut upstream in self.0 {
            let name = &upstream.settings.name;
            match before.find(name) {
                None => {
                    differs.push(format!("{name} added"));
                    if let Some(state) = now.gone.remove(name) {
                        upstream.state = state;
                    }
                }
                Some(known) if known.is_as(&upstream) => {
                    now.present.push(Arc::clone(known));
                    continue;
                }
                Some(known) => {
                    let with_key = if known.settings.key == upstream.settings.key {
                        ""
                    } else {
                        ", its key too"
                    };
                    differs.push(format!("{name} changed{with_key}"));
                    upstream.state = Arc::clone(&known.state);
                }
            }
            now.present.push(Arc::new(upstream));
        }
        for known in before.iter() {
            let name = &known.settings.name;
            if now.find(name).is_none() {
                differs.push(format!("{name} removed"));
                now.gone.insert(name.clone(), Arc::clone(&known.state));
            }
        }
        let is_where_it_was = |(one, other): (&Arc<Upstream>, &Arc<Upstream>)| {
            one.settings.name == other.settings.name
        };
        if differs.is_empty() && !now.iter().zip(before.iter()).all(is_where_it_was) {
            differs.push("in another order".to_owned());
        }
        (now, differs)
    }
}

impl Upstreams {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.present.iter()
    }

    /// The upstream of this name.
    pub fn find(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.present
            .iter()
            .find(|upstream| upstream.settings.name == name)
    }

    /// Those that speak a dialect on its own paths; of several of one provider the first.
    pub fn speaking(&self, dialect: Dialect) -> Vec<&Arc<Upstream>> {
        let mut found: Vec<&Arc<Upstream>> = Vec::new();
        for upstream in &self.present {
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
