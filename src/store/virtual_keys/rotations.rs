//! Which profiles are due to rotate the keys of their holders, and when they did.

use jiff::Timestamp;

use crate::domain::event::{Event, RotationDates};
use crate::error::Result;
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

/// The active profiles whose date has come, the earliest first.
pub fn list_due(reading: &Reading<'_>, now: Timestamp) -> Result<Vec<i64>> {
    reading.values(
        "looking for keys to rotate",
        "SELECT id FROM access_profiles WHERE next_rotation_at IS NOT NULL AND next_rotation_at <= ?1 AND is_active = 1
         ORDER BY next_rotation_at, id",
        [now.as_millisecond()],
    )
}

/// Notes that the keys of a profile rotated, and the date of the next time. It makes no version: both are shown in place of what the
/// snapshot of the current one says.
pub fn note(
    work: &mut Work<'_>,
    access_profile_id: i64,
    before: RotationDates,
    after: RotationDates,
    virtual_keys: Vec<String>,
) -> Result<()> {
    let milliseconds = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    work.run(
        "noting a rotation",
        "UPDATE access_profiles SET last_rotation_at = ?2, next_rotation_at = ?3, rotated = 1 WHERE id = ?1",
        (access_profile_id, milliseconds(after.last), milliseconds(after.next)),
    )?;
    work.record(Event::KeysRotated {
        access_profile_id,
        before,
        after,
        virtual_keys,
    });
    Ok(())
}
