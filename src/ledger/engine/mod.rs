//! The decisions themselves: who may use what, what was used, and what becomes of it, all in memory.
//!
//! Pure: it knows no store, no thread and no clock. `now_ms` is an argument, and what has to be written down is noted in
//! [`Effects`] for the caller. [`LedgerState`] has two parts: the [`Directory`] says who holds what, and with each copy what its limits
//! count; `reservations` are what is open. Around them stand the operations: a [`Demand`] is decided on (`decide`, `copy_decision`,
//! `refuse`), let in (`reserve`, `extend`) and brought to an end (`settle`); `counting` is where any of them counts.

mod copy_decision;
mod counter;
mod counting;
mod decide;
mod demand;
mod directory;
mod effects;
mod extend;
mod history;
mod key;
mod mcp;
mod near;
mod pending_rows;
mod questions;
mod refuse;
mod reservation;
mod reservations;
mod reserve;
mod rules;
mod settle;
mod state;
mod user_profile;

pub use self::counter::Counter;
pub use self::demand::{Decision, Demand, Payer, RefusedCall};
pub use self::directory::Directory;
pub use self::effects::Effects;
pub use self::extend::Extension;
pub use self::history::Refusals;
pub use self::key::{Ended, Key};
pub use self::mcp::{ToolGrants, ToolGroups};
pub use self::near::NearLimit;
pub use self::pending_rows::{PendingRows, Planned};
pub use self::refuse::{before_copies, beyond, expired_key};
pub use self::reservation::Reservation;
pub use self::reservations::{OpenQuery, OpenSlice};
pub use self::rules::Rules;
pub use self::state::{LedgerState, day_of};
pub use self::user_profile::{Amounts, Counts, UserProfile};
