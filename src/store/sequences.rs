//! Numbers for new provider lines, budgets and rate limits. They are taken inside the write transaction, so that none is given
//! twice and an undone write gives its numbers back.

use super::sql::Reading;
use super::unit_of_work::Work;
use crate::error::Result;

/// The next number that is free.
pub fn next_policy_part(reading: &Reading<'_>) -> Result<i64> {
    reading.value(
        "reading the next number",
        "SELECT next_value FROM sequences WHERE name = 'policy_part'",
        [],
    )
}

/// Takes every number before `next`.
pub fn take_policy_parts(work: &Work<'_>, next: i64) -> Result<()> {
    work.run(
        "taking numbers",
        "UPDATE sequences SET next_value = ?1 WHERE name = 'policy_part' AND next_value < ?1",
        [next],
    )
}
