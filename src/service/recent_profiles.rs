//! What the last changes of access profiles left behind, so that the next one need not read it again: a large profile takes longer to
//! read than to change.
//!
//! Of profiles only what was committed is kept, and whoever finds one here asks the database whether it is current still. Of lines
//! what is right by itself is kept, whatever became of the profile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::access_profile_input::ProviderTerms;
use crate::domain::known_lines::KnownLines;
use crate::domain::provider_line::SharedLine;
use crate::store::access_profile_versions::WholeVersion;

/// Most bytes of JSON that are kept, over all profiles; past that all are dropped. With what was read from it, a profile takes about
/// four times as much.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The last known version of each profile that was changed lately, and the lines that were read.
#[derive(Debug, Default)]
pub struct RecentProfiles {
    versions: Mutex<Kept>,
    /// Lines of bodies.
    pub sent_lines: KnownLines<Arc<ProviderTerms>>,
    /// Lines of versions.
    pub stored_lines: KnownLines<SharedLine>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    versions: HashMap<i64, Arc<WholeVersion>>,
}

impl RecentProfiles {
    /// What was kept of a profile.
    pub fn find(&self, id: i64) -> Option<Arc<WholeVersion>> {
        self.kept().versions.get(&id).cloned()
    }

    /// Keeps a version that was committed, in place of an earlier one.
    pub fn keep(&self, version: Arc<WholeVersion>) {
        let size = |version: &WholeVersion| version.snapshot.json.len();
        let more = size(&version);
        let mut kept = self.kept();
        // What goes is freed after the others may go on.
        let before = kept.versions.remove(&version.profile.id);
        kept.bytes -= before.as_deref().map_or(0, size);
        let rest = if kept.bytes + more > MAX_BYTES {
            std::mem::take(&mut *kept)
        } else {
            Kept::default()
        };
        if more <= MAX_BYTES {
            kept.bytes += more;
            kept.versions.insert(version.profile.id, version);
        }
        drop(kept);
        drop((before, rest));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::access_profile::AccessProfile;
    use crate::domain::access_profile_input::AccessProfileInput;

    fn version(id: i64, description: usize) -> Arc<WholeVersion> {
        let input = AccessProfileInput {
            name: Some(id.to_string()),
            description: Some("x".repeat(description)),
            ..AccessProfileInput::default()
        };
        let profile = AccessProfile::create(id, input, &mut || 1, Timestamp::UNIX_EPOCH).unwrap();
        Arc::new(WholeVersion::of(profile).unwrap())
    }

    #[test]
    fn the_last_version_is_kept_of_each_profile() {
        let recent = RecentProfiles::default();
        recent.keep(version(1, 10));
        recent.keep(version(2, 20));
        recent.keep(version(1, 30));
        let length = |id| recent.find(id).map(|found| found.profile.description.len());
        assert_eq!(
            (length(1), length(2), length(3)),
            (Some(30), Some(20), None)
        );
    }

    #[test]
    fn memory_is_bounded() {
        let recent = RecentProfiles::default();
        for id in 0..10 {
            recent.keep(version(id, MAX_BYTES / 3));
            recent.keep(version(id, MAX_BYTES / 3));
            let kept = recent.kept();
            let real: usize = kept
                .versions
                .values()
                .map(|one| one.snapshot.json.len())
                .sum();
            assert_eq!(kept.bytes, real);
            assert!(real <= MAX_BYTES);
        }
        assert!(recent.find(9).is_some());
        recent.keep(version(9, MAX_BYTES));
        assert!(recent.find(9).is_none());
    }
}
