//! One function per write: it says what is changed in its unit of work (`unit_of_work.rs`), and from what happened there follow audit
//! entries, what is searched, and what is held in memory. And one for each read that joins ledger and store. Knows no HTTP and no SQL.

pub mod access_profiles;
pub mod api_keys;
pub mod audit_log;
pub mod backups;
pub mod changed_settings;
pub mod decisions;
pub mod once;
pub mod people;
pub mod price_book;
pub mod prices;
pub mod revocations;
pub mod sign_in;
pub mod status;
pub mod tool_groups;
mod unit_of_work;
pub mod virtual_keys;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::server_status::StartFacts;
use crate::ledger::Ledger;
use crate::store::Store;
use api_keys::keyring::Keyring;
use backups::known::Backups;
use price_book::PriceBook;
use revocations::waiting::Revocations;
use sign_in::codes::SignInCodes;

/// What every function of this folder works with.
pub struct Services {
    /// The database.
    pub store: Arc<Store>,
    /// What was used, and who may use what.
    pub ledger: Ledger,
    /// Management API keys that were verified.
    pub keyring: Keyring,
    /// What was taken away and is not stored yet.
    pub revocations: Revocations,
    /// What links carry that open the page signed in.
    pub sign_in_codes: SignInCodes,
    /// Backups, and what became of the last ones.
    pub backups: Backups,
    /// What models cost.
    pub prices: PriceBook,
    /// The one clock.
    pub clock: Clock,
    /// Where days and months begin.
    pub time_zone: TimeZone,
    /// What is known from the start on.
    pub start: StartFacts,
}

/// The time as the program sees it; tests bring their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `read` for the time.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time now, to the millisecond, as it is stored.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}
