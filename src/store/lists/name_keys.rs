//! The keys of names, made anew after a migration that says so: SQL can't make them.
//!
//! Two things that were stored as different may be twins under new keys. Both stay as they are and can be used and changed; the later
//! one's key gets its id behind it, so that each key is still there once, and nobody else gets the name (`taken.rs`).

use rusqlite::params;

use crate::domain::values::letter_case::name_key;
use crate::error::Result;
use crate::store::database::settings;
use crate::store::sql::Writing;

/// Stands between a key and the id of a twin, and in no name.
const TWIN: char = '\u{1}';
/// What is noted when all keys are made.
const NOTED: &str = "name_keys";
const DOING: &str = "making the keys of names";

/// Each table with names, the column of a name, and that of its key.
const KEYED: [(&str, &str, &str); 7] = [
    ("access_profiles", "name", "name_key"),
    ("roles", "name", "name_key"),
    ("mcp_tool_groups", "name", "name_key"),
    ("api_keys", "name", "name_key"),
    ("virtual_keys", "name", "name_key"),
    ("users", "name", "name_key"),
    ("users", "email", "email_key"),
];

/// Makes all keys anew if a migration asked for it.
pub(in crate::store) fn refresh(writing: &Writing<'_>) -> Result<()> {
    if settings::is_noted(writing, NOTED)? {
        return Ok(());
    }
    for (table, name, key) in KEYED {
        refresh_of(writing, table, name, key)?;
    }
    let sql = "INSERT INTO settings (name, value) VALUES (?1, '')";
    writing.run(DOING, sql, [NOTED])
}

fn refresh_of(writing: &Writing<'_>, table: &str, name: &str, key: &str) -> Result<()> {
    // Those alone that may have another key than their letters in lower case.
    let names = format!(
        "SELECT id, {name} AS name FROM {table} WHERE length({name}) <> length(CAST({name} AS BLOB)) ORDER BY id"
    );
    let names: Vec<(i64, String)> = writing.all(DOING, &names, [], |row| {
        Ok((row.get("id")?, row.get("name")?))
    })?;
    // None is changed where another has the key.
    let store = format!("UPDATE OR IGNORE {table} SET {key} = ?2 WHERE id = ?1");
    for (id, name) in names {
        let key = name_key(&name);
        if writing.change(DOING, &store, params![id, key])? == 0 {
            writing.run(DOING, &store, params![id, format!("{key}{TWIN}{id}")])?;
        }
    }
    Ok(())
}

/// The keys of a name's twins lie between these two.
pub(in crate::store) fn twins_of(key: &str) -> [String; 2] {
    [format!("{key}{TWIN}"), format!("{key}\u{2}")]
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::domain::audit::{ChainKey, MAC_LENGTH};
    use crate::store::database::migrate;

    #[test]
    fn twins_of_an_older_schema_stay_and_every_name_gets_its_key() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::run(&mut connection).unwrap();
        connection
            .execute_batch(
                "INSERT INTO roles (id, name, name_key, description, created_at, updated_at) VALUES
                 (1, 'E\u{301}quipe', 'e\u{301}quipe', '', 0, 0), (2, 'Équipe', 'équipe', '', 0, 0),
                 (3, 'Straße', 'straße', '', 0, 0), (4, 'STRASSE', 'strasse', '', 0, 0),
                 (5, 'plain', 'plain', '', 0, 0), (6, 'Ö', 'ö', '', 0, 0)",
            )
            .unwrap();
        for _ in 0..2 {
            let chain = ChainKey([7; MAC_LENGTH]);
            let writing = Writing::of(&connection, &chain);
            refresh(&writing).unwrap();
            let sql = "SELECT name_key FROM roles ORDER BY id";
            let keys: Vec<String> = writing.values(DOING, sql, []).unwrap();
            assert_eq!(
                keys,
                [
                    "équipe\u{1}1",
                    "équipe",
                    "strasse\u{1}3",
                    "strasse",
                    "plain",
                    "ö"
                ]
            );
        }
    }
}
