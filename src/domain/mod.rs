//! Types and pure rules: no SQL, no HTTP, no clock, no hidden randomness.

pub mod access_profile;
pub mod api_key;
pub mod audit;
pub mod backup;
pub mod body;
pub mod credential;
pub mod decision;
pub mod event;
pub mod finding;
pub mod idempotency;
pub mod limits;
pub mod list;
pub mod mcp;
pub mod models;
pub mod people;
pub mod price;
pub mod server_status;
pub mod settings;
pub mod validator;
pub mod values;
pub mod virtual_key;
