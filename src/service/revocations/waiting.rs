//! What was taken away and is not stored yet: one change for whoever took something from something, however often they did.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::credential::revocation::{Revocation, Taken};
use crate::error::{Error, Result};
use crate::store::directory::DataDirectory;
use crate::store::directory::kept_revocations::KeptRevocations;
use crate::store::writer::write_gate::FIRST;

/// How often somebody may take more from the same; the file has a line for each time.
const MAX_TIMES: usize = 8;
/// How many may wait in memory alone, once the file takes no more.
const MAX_NOT_KEPT: usize = 1_000;

/// What was taken away and is not stored yet.
pub struct Revocations(Mutex<Waiting>);

impl Revocations {
    /// Reads what waited when the last process ended. [`super::storing::resume`] lets it take effect.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be used.
    pub fn open(directory: &DataDirectory) -> Result<Self> {
        Waiting::open(directory).map(|waiting| Self(Mutex::new(waiting)))
    }

    /// What waits; nothing comes in between while it is held.
    pub fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits, and the file that keeps it over a restart.
pub struct Waiting {
    pub file: KeptRevocations,
    /// The first one first.
    all: Vec<One>,
    /// What can't be stored before the next start. It is denied all the same.
    pub impossible: Vec<Revocation>,
    /// Whether all that waits is denied in memory.
    pub is_denied: bool,
}

struct One {
    revocation: Revocation,
    /// How many lines of the file it has.
    times: usize,
    /// Whether the file has all of it.
    is_kept: bool,
}

impl Waiting {
    /// Reads what waited when the last process ended.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be used.
    pub fn open(directory: &DataDirectory) -> Result<Self> {
        let (file, kept) = KeptRevocations::open(directory)?;
        let mut waiting = Self {
            file,
            all: Vec::new(),
            impossible: Vec::new(),
            is_denied: false,
        };
        for revocation in kept {
            let one = waiting.with_what_is_known(revocation);
            waiting.all.push(One {
                is_kept: true,
                ..one
            });
        }
        Ok(waiting)
    }

    /// Adds one, also to the file; answers why that does not keep it, if so.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too much waits already; then nothing was added.
    pub fn add(&mut self, revocation: Revocation) -> Result<Option<Error>> {
        let is_same = |one: &&One| one.revocation.taken.and(&revocation.taken).is_some();
        if let Some(last) = self.all.iter().rfind(is_same)
            && last.revocation.taken.and(&revocation.taken).as_ref() == Some(&last.revocation.taken)
        {
            let not_kept = || Error::refused("it is not in the file");
            return Ok((!last.is_kept).then(not_kept));
        }
        let not_kept = self.all.iter().filter(|one| !one.is_kept).count();
        let before = self.position(&revocation);
        let times = before.map_or(0, |at| self.all[at].times);
        if not_kept >= MAX_NOT_KEPT || (times >= MAX_TIMES && is_partial(&revocation.taken)) {
            return Err(Error::Unavailable {
                code: FIRST,
                reason: "the disk refuses writes, and too much that was taken away waits to be stored already; nothing was changed. Make \
                         room on the disk; what can still be done is to revoke or delete what was not narrowed yet, or wholly"
                    .to_owned(),
            });
        }
        let kept = self.file.add(&revocation);
        let one = self.with_what_is_known(revocation);
        let is_kept = kept.is_ok() && one.is_kept;
        self.all.push(One { is_kept, ..one });
        Ok(kept.err())
    }

    /// One that takes away what the same actor took from the same before, too; that waits no more by itself.
    fn with_what_is_known(&mut self, revocation: Revocation) -> One {
        let before = self.position(&revocation).map(|at| self.all.remove(at));
        let taken = before
            .as_ref()
            .and_then(|one| one.revocation.taken.and(&revocation.taken));
        One {
            times: before.as_ref().map_or(0, |one| one.times) + 1,
            is_kept: before.is_none_or(|one| one.is_kept),
            revocation: Revocation {
                taken: taken.unwrap_or_else(|| revocation.taken.clone()),
                ..revocation
            },
        }
    }

    fn position(&self, revocation: &Revocation) -> Option<usize> {
        self.all.iter().rposition(|one| {
            one.revocation.actor.id == revocation.actor.id
                && one.revocation.taken.and(&revocation.taken).is_some()
        })
    }

    pub fn first(&self) -> Option<&Revocation> {
        self.iter().next()
    }

    /// The first one is stored, or can't be.
    pub fn remove_first(&mut self) {
        self.all.remove(0);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Revocation> {
        self.all.iter().map(|one| &one.revocation)
    }

    /// Whether something else is taken from a management API key than what comes first.
    pub fn takes_more_from(&self, api_key: &str) -> bool {
        let mut others = self.iter().skip(1).chain(&self.impossible);
        others.any(|one| one.taken.api_key() == Some(api_key))
    }
}

/// Whether more can be taken from the same afterwards.
fn is_partial(taken: &Taken) -> bool {
    matches!(
        taken,
        Taken::ApiKeyRights { .. } | Taken::VirtualKeyExpiry { .. } | Taken::Role { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::permission::PermissionSet;
    use crate::domain::audit::Actor;
    use crate::store::directory::Owned;
    use crate::store::directory::kept_revocations::ROOM;
    use jiff::Timestamp;

    fn by(actor: &str, taken: Taken) -> Revocation {
        let mut by = Actor::server("test");
        actor.clone_into(&mut by.id);
        Revocation {
            actor: by,
            at: Timestamp::UNIX_EPOCH,
            taken,
        }
    }

    fn ends(public_id: &str, second: i64) -> Taken {
        Taken::ApiKeyRights {
            public_id: public_id.to_owned(),
            permissions: PermissionSet::ALL,
            expires_at: Some(Timestamp::from_second(second).unwrap()),
        }
    }

    fn revoked(public_id: &str) -> Taken {
        let public_id = public_id.to_owned();
        Taken::ApiKey { public_id }
    }

    fn directory(root: &std::path::Path) -> DataDirectory {
        let Owned::Ours(directory) = DataDirectory::own(root).unwrap() else {
            panic!("a fresh directory is in use");
        };
        directory
    }

    #[test]
    fn one_who_takes_from_the_same_again_and_again_fills_neither_the_file_nor_memory() {
        let root = tempfile::tempdir().unwrap();
        let directory = directory(root.path());
        let mut waiting = Waiting::open(&directory).unwrap();
        let mut refused = 0;
        for second in (0..5_000).rev() {
            refused += usize::from(waiting.add(by("a", ends("key", second))).is_err());
        }
        assert_eq!(waiting.all.len(), 1);
        assert_eq!(refused, 5_000 - MAX_TIMES);
        // There is room for others, and to revoke it wholly.
        assert!(waiting.add(by("b", revoked("other"))).unwrap().is_none());
        assert!(waiting.add(by("a", revoked("key"))).unwrap().is_none());
        // What is covered by that needs nothing more.
        assert!(waiting.add(by("b", ends("key", 1))).unwrap().is_none());
        let taken: Vec<Taken> = waiting.iter().map(|one| one.taken.clone()).collect();
        assert_eq!(taken, [revoked("other"), revoked("key")]);
        drop(waiting);
        let again = Waiting::open(&directory).unwrap();
        let read: Vec<Taken> = again.iter().map(|one| one.taken.clone()).collect();
        assert_eq!(read, taken);
    }

    #[test]
    fn what_the_file_refuses_waits_in_memory_up_to_a_bound() {
        let root = tempfile::tempdir().unwrap();
        let mut waiting = Waiting::open(&directory(root.path())).unwrap();
        let mut kept = 0;
        while waiting
            .add(by("a", revoked(&format!("{kept}"))))
            .unwrap()
            .is_none()
        {
            kept += 1;
            assert!(kept < ROOM);
        }
        let mut more = 1;
        while waiting
            .add(by("a", revoked(&format!("more {more}"))))
            .is_ok()
        {
            more += 1;
        }
        assert_eq!(more, MAX_NOT_KEPT);
        assert_eq!(waiting.all.len(), kept + more);
    }
}
