//! What calls used and what that costs: units, prices from a date on, and the arithmetic between them, in whole nanodollars.

mod clause;
mod compact_dates;
pub mod cost;
pub mod dollars;
pub mod entry;
pub mod entry_body;
pub mod entry_text;
pub mod import;
pub mod list;
pub mod listing;
pub mod model_price;
pub mod overlay;
pub mod prices;
pub mod rates;
pub mod stored;
pub mod unit_kind;
pub mod usage;
pub mod usage_object;
