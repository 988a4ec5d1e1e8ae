//! The counters: what every copy of an access profile has used and holds. Knows no HTTP.
//!
//! [`engine`] decides, in memory. One thread owns it. It takes everything that is waiting, decides it in order, and hands what is to be
//! written to the store as one closure, with the answers, which are given after the commit. Whatever changes who holds what goes
//! through [`Ledger::change`], in the same queue, so that decisions see it before the change is answered.

mod change;
mod changed;
mod charging;
mod clock;
mod commit;
mod ending;
pub mod engine;
mod figures;
mod handle;
mod known_expressions;
mod known_requests;
mod known_rules;
mod load;
mod message;
mod nonces;
mod queue;
mod recover;
mod reload;
mod reply;
mod requests;
mod runtime;
mod sweep;
mod thread;
mod watch;

pub use self::ending::{Ender, FoundReservation};
pub use self::engine::{Counts, Decision, Ended, Extension, NearLimit, OpenQuery};
pub use self::figures::LedgerFigures;
pub use self::handle::{Ledger, OpenReservations};
pub use self::known_expressions::{KnownExpressions, ReadyExpressions};
pub use self::reply::Pending;
