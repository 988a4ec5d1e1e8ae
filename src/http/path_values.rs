//! Values in paths that are more than a number, and the place of a new thing.

use super::call::Call;
use crate::domain::credential::ID_LENGTH;
use crate::domain::list::parse_id;
use crate::error::{Error, Result};

/// The id of a user in the path, which is a string on the wire.
///
/// # Errors
/// 404 for everything that is no id: then there is no such user.
pub fn user_id(call: &Call, name: &str) -> Result<i64> {
    let text = call.segment(name);
    parse_id(name, &text).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Error::not_found("user", shown)
    })
}

/// Where the new thing is that was posted to the path that was called.
pub fn location(call: &Call, id: impl std::fmt::Display) -> String {
    format!("{}/{id}", call.path())
}

/// The public id of a virtual key in the path.
///
/// # Errors
/// 404 for everything that is no such id: then there is no such key. It is not repeated, because it may be a key itself.
pub fn virtual_key_id(call: &Call) -> Result<String> {
    let id = call.segment("vk_id");
    if id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(id)
    } else {
        Err(Error::not_found("virtual key", "with this id"))
    }
}
