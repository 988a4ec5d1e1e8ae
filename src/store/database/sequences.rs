//! Numbers for new provider lines, budgets and rate limits. They are taken inside the write transaction, so that none is given
//! twice and an undone write gives its numbers back.

use crate::error::Result;
use crate::store::unit_of_work::Work;

/// Makes something with new numbers, which are taken once it is made.
///
/// # Errors
/// What `make` answers.
pub fn with_policy_parts<T>(
    work: &Work<'_>,
    make: impl FnOnce(&mut dyn FnMut() -> i64) -> Result<T>,
) -> Result<T> {
    let first: i64 = work.value(
        "reading the next number",
        "SELECT next_value FROM sequences WHERE name = 'policy_part'",
        [],
    )?;
    let mut next = first;
    let parts = make(&mut || {
        next += 1;
        next - 1
    })?;
    if next > first {
        work.run(
            "taking numbers",
            "UPDATE sequences SET next_value = ?1 WHERE name = 'policy_part'",
            [next],
        )?;
    }
    Ok(parts)
}
