//! Types and pure rules: no SQL, no HTTP, no clock, no hidden randomness.

pub mod access_profile;
pub mod access_profile_change;
pub mod access_profile_input;
pub mod access_profile_parts;
pub mod access_profile_versions;
pub mod api_key;
pub mod audit;
pub mod credential;
pub mod duration;
pub mod idempotency;
pub mod input;
pub mod json;
pub mod letter_case;
pub mod list;
pub mod model_pattern;
pub mod money;
pub mod number;
pub mod permission;
pub mod policy;
pub mod seal;
pub mod settings;
pub mod throttle;
pub mod validator;
pub mod violation;
pub mod window;
