//! The name of the model in a request: the same rules as in every other question about a call.

use super::fault::RequestFault;
use crate::domain::credential::may_hold_token;
use crate::domain::credential::token_like::looks_like_token;
use crate::domain::models::model_name;
use crate::domain::values::unseen::{find_unseen, why_not};

/// What is said of a key in the place of a name.
const NO_KEY: &str =
    "must not hold a credential; a virtual key belongs into the header authorization";

/// The name without blanks around it. `param` is where it stands.
///
/// # Errors
/// Blank, longer than `max` characters, with a comma, with what can't be seen, or with something in it that looks like a key.
pub fn read_model<'n>(param: &str, text: &'n str, max: usize) -> Result<&'n str, RequestFault> {
    let name = text.trim();
    let refuse = |sentence: &str| Err(RequestFault::at(param, sentence));
    if name.is_empty() {
        return refuse("must not be blank; it names the model");
    }
    // More bytes than this are more characters, too; nobody counts megabytes.
    if name.len() > max.saturating_mul(4) || name.chars().count() > max {
        return refuse(&format!("must have at most {max} characters"));
    }
    if let Some(unseen) = find_unseen(name) {
        return refuse(&why_not(unseen));
    }
    if let Some(sentence) = model_name::refuse(name) {
        return refuse(sentence);
    }
    if may_hold_token(name) || looks_like_token(name) {
        return refuse(NO_KEY);
    }
    Ok(name)
}
