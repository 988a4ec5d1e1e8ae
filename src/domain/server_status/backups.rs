//! What is known of backups, and what is wrong with that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::backup::state::BackupState;
use crate::domain::finding::Finding;

/// What is known of backups.
#[derive(Debug, Clone, Default)]
pub struct BackupFacts {
    /// What became of the last ones.
    pub state: BackupState,
    /// How often one is made by itself, if ever.
    pub every: Option<Duration>,
    /// When a database was made here first, as far as that can be told.
    pub database_made_at: Option<Timestamp>,
}

impl BackupFacts {
    pub(super) fn findings(
        &self,
        now: Timestamp,
        started_at: Timestamp,
    ) -> impl Iterator<Item = Finding> {
        [
            self.old(now, started_at),
            self.failing(),
            self.not_restorable(),
        ]
        .into_iter()
        .flatten()
    }

    /// Twice the time between two has gone by, since the start of the server where the clock was ahead before it. Who has none made by
    /// itself has another way.
    fn old(&self, now: Timestamp, started_at: Timestamp) -> Option<Finding> {
        let most = SignedDuration::try_from(self.every?.saturating_mul(2)).ok()?;
        let good = self.state.last_good.as_ref().map(|good| good.at);
        let since = good.or(self.database_made_at)?;
        let since = if since > now { started_at } else { since };
        (now.duration_since(since) > most).then(|| {
            let fault = match good {
                Some(at) => format!("the newest backup that is sound was made at {at}"),
                None => "there is no backup that is sound".to_owned(),
            };
            Finding::new(
                "backup_old",
                fault,
                "the log says why none was made since; `tollkeeper backup` makes one now",
            )
        })
    }

    fn failing(&self) -> Option<Finding> {
        let failed = self.state.last_failure.as_ref()?;
        let good = self.state.last_good.as_ref();
        good.is_none_or(|good| failed.at > good.at).then(|| {
            Finding::new(
                "backup_failed",
                format!("the backup of {} came to nothing", failed.at),
                "GET /api/backups and the log say why; one that is made by itself is tried again within an hour, and `tollkeeper backup` makes one now",
            )
        })
    }

    fn not_restorable(&self) -> Option<Finding> {
        let drill = self.state.last_drill.as_ref()?;
        (!drill.passed).then(|| {
            Finding::new(
                "backup_drill_failed",
                format!("the backup {} can't be restored", drill.name),
                "GET /api/backups and the log say why; make another with `tollkeeper backup` and try that one out",
            )
        })
    }
}
