//! The decisions themselves: who may use what, what was used, and what becomes of it, all in memory.
//!
//! Pure: it knows no store, no thread and no clock. `now_ms` is an argument, and what has to be written down is noted in
//! [`Effects`] for the caller. [`LedgerState`] has two parts: the [`Directory`] says who holds what, and with each copy what its limits
//! count; `reservations` are what is open, with how each is let in and brought to an end. `decision` says whether a [`Demand`] is let in;
//! `effects/counting.rs` is where anything counts.

mod decision;
mod directory;
mod effects;
mod reservations;
mod state;

pub use self::decision::demand::{Decision, Demand, Payer, RefusedCall};
pub use self::decision::near::NearLimit;
pub use self::decision::refuse::{before_copies, beyond, expired_key};
pub use self::directory::Directory;
pub use self::directory::counter::Counter;
pub use self::directory::counters::Counters;
pub use self::directory::key::{Ended, Key};
pub use self::directory::mcp::{ToolGrants, ToolGroups};
pub use self::directory::rules::Rules;
pub use self::directory::user_profile::{Counts, UserProfile};
pub use self::effects::Effects;
pub use self::effects::history::Refusals;
pub use self::effects::pending_rows::{PendingRows, Planned};
pub use self::reservations::counted_reservation::CountedReservation;
pub use self::reservations::extend::Extension;
pub use self::reservations::{OpenQuery, OpenSlice, Reservations};
pub use self::state::{LedgerState, day_of};
