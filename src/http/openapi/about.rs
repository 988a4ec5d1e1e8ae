//! What the OpenAPI document says of every route: the rules of names, and what each permission shows.

use crate::domain::api_key::permission::Permission;

/// What is true of every route.
pub fn about() -> String {
    let sight = Permission::table_of_sight();
    format!(
        "Access profiles for AI gateways. Paths under /api and /api/governance answer the same.\n\n\
         Names are trimmed and hold no character that nobody sees (400 `invalid_character` names it, such as U+200B), but joiners between letters, \
         which Persian and the scripts of India need, and what makes emoji. Where a name must be unique, neither case nor how accents are \
         composed (NFC) makes a difference, nor do joiners. Names of providers and models, which gateways write, differ by everything but \
         case. Nothing that looks like a Tollkeeper key is taken in a name, a description or a tag (400 `credential_here`). These rules \
         judge what is sent: what is stored already can be sent back with a change of the same thing.\n\n\
         In a change, a field that is left out or `null` keeps its value: generated clients send `null` for what nobody set. A list is emptied by \
         `[]` and an expiry by an empty text; `rate_limit: null` is no limit, and `role_id: null` no role. In what makes something `null` is as if the \
         field were left out, and so it is inside an object. Fields and query parameters that are not known are refused; fields that the server \
         sets may be sent back.\n\n\
         What answers show beside ids, by the permissions of the management API key that asks; every key may read itself and the list of \
         permissions, and holds no more than the sum of its rows:\n\n{sight}"
    )
}
