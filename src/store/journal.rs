//! The journal of decisions: what is written for a batch of them, and what is read of those that are over.

mod folding;
mod many_rows;
mod prune;
mod read;
mod rebuild;
mod reservation_rows;
mod tail;
mod write;

pub use self::folding::LineBounds;
pub use self::prune::{prune_answers, prune_history, prune_reservations};
pub use self::read::{
    KEPT_MILLISECONDS, find, find_answer, find_high_water, find_request_rows, for_each,
    for_each_request,
};
pub use self::rebuild::{Rebuilt, rebuild};
pub use self::tail::for_each_of_tail;
pub use self::write::{catch_up, put_counters, put_high_water, write};
