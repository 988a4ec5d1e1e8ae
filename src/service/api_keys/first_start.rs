//! The first key: made once in the life of a database, so that the README's commands work as they stand.

use std::path::Path;

use zeroize::Zeroizing;

use crate::domain::api_key::ApiKeySettings;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::audit::Actor;
use crate::domain::credential::{Kind, Token};
use crate::error::{Error, Result};
use crate::service::Services;
use crate::service::virtual_keys::tokens::random_token;
use crate::store::api_keys;
use crate::store::directory::MAX_KEY_FILE;
use crate::store::directory::private::{self, Rule};

/// The name of the first key.
const NAME: &str = "initial";

/// Makes the first key if there never was any key, and puts it in the file `initial-key` (0600) of the data directory. `pinned` names a
/// file with the key to use instead; then no file is written. It is believed as [`Rule::Given`] says.
///
/// # Errors
/// [`Error::Refused`] when a file can't be read or written.
pub fn make_first_key(services: &Services, pinned: Option<&Path>) -> Result<Option<Token>> {
    if services.store.read(api_keys::any_ever)? {
        return Ok(None);
    }
    let token = match pinned {
        Some(path) => read_pinned(path)?,
        None => random_token(Kind::Management)?,
    };
    let settings = ApiKeySettings {
        name: NAME.to_owned(),
        description: "Made at the first start".to_owned(),
        permissions: PermissionSet::ALL,
        expires_at: None,
    };
    let new = services.keyring.prepare(&token, settings)?;
    if pinned.is_none() {
        // The file first: a crash in between leaves a file that opens nothing, never a key that nobody has.
        let directory = services.store.directory();
        directory.write_private(
            &directory.initial_key(),
            format!("{}\n", token.reveal()).as_bytes(),
        )?;
    }
    services.write(Actor::server("first-start"), move |work| {
        api_keys::insert(work, &new)
    })?;
    Ok(Some(token))
}

fn read_pinned(path: &Path) -> Result<Token> {
    let shown = path.display();
    let named = "the file that TOLLKEEPER_BOOTSTRAP_KEY_FILE names";
    let bytes = private::read(path, Rule::Given, MAX_KEY_FILE)
        .map_err(|error| Error::refused(format!("{named}: {error}")))?
        .ok_or_else(|| Error::refused(format!("{named}, {shown}, is not there")))?;
    let text = Zeroizing::new(String::from_utf8(bytes).unwrap_or_default());
    match Token::parse(text.trim()) {
        Ok(token) if token.kind() == Kind::Management => Ok(token),
        _ => Err(Error::refused(format!(
            "{shown} (TOLLKEEPER_BOOTSTRAP_KEY_FILE) holds no management API key; \
             expected tk_mgmt_ and 62 more characters, as `tollkeeper keys create --json` prints them"
        ))),
    }
}
