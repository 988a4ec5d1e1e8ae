//! The keys of names, made anew after a migration that says so: SQL can't make them.
//!
//! Two things that were stored as different may be twins under new keys. Both stay as they are and can be used and changed; the later
//! one's key gets its id behind it, so that each key is still there once, and nobody else gets the name (`taken.rs`).

use rusqlite::{Connection, params};

use super::fault::{Doing, is_unique_violation};
use super::{Reading, settings};
use crate::domain::letter_case::name_key;
use crate::error::Result;

/// Stands between a key and the id of a twin, and in no name.
const TWIN: char = '\u{1}';
/// What is noted when all keys are made.
const NOTED: &str = "name_keys";
const DOING: &str = "making the keys of names";

/// The names of a table, and where their keys are.
struct Keyed {
    /// Those that may have another key than their letters in lower case.
    names: &'static str,
    /// Stores a key.
    store: &'static str,
}

const KEYED: [Keyed; 7] = [
    Keyed {
        names: "SELECT id, name FROM access_profiles WHERE length(name) <> length(CAST(name AS BLOB)) ORDER BY id",
        store: "UPDATE access_profiles SET name_key = ?2 WHERE id = ?1",
    },
    Keyed {
        names: "SELECT id, name FROM roles WHERE length(name) <> length(CAST(name AS BLOB)) ORDER BY id",
        store: "UPDATE roles SET name_key = ?2 WHERE id = ?1",
    },
    Keyed {
        names: "SELECT id, name FROM mcp_tool_groups WHERE length(name) <> length(CAST(name AS BLOB)) ORDER BY id",
        store: "UPDATE mcp_tool_groups SET name_key = ?2 WHERE id = ?1",
    },
    Keyed {
        names: "SELECT id, name FROM api_keys WHERE length(name) <> length(CAST(name AS BLOB)) ORDER BY id",
        store: "UPDATE api_keys SET name_key = ?2 WHERE id = ?1",
    },
    Keyed {
        names: "SELECT id, name FROM virtual_keys WHERE length(name) <> length(CAST(name AS BLOB)) ORDER BY id",
        store: "UPDATE virtual_keys SET name_key = ?2 WHERE id = ?1",
    },
    Keyed {
        names: "SELECT id, name FROM users WHERE length(name) <> length(CAST(name AS BLOB)) ORDER BY id",
        store: "UPDATE users SET name_key = ?2 WHERE id = ?1",
    },
    Keyed {
        names: "SELECT id, email FROM users WHERE length(email) <> length(CAST(email AS BLOB)) ORDER BY id",
        store: "UPDATE users SET email_key = ?2 WHERE id = ?1",
    },
];

/// Makes all keys anew if a migration asked for it, all or nothing.
pub fn refresh(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction().doing(DOING)?;
    let reading = Reading {
        connection: &transaction,
        remembered: None,
    };
    if settings::is_noted(&reading, NOTED)? {
        return Ok(());
    }
    for keyed in KEYED {
        keyed.refresh(&transaction).doing(DOING)?;
    }
    transaction
        .execute(
            "INSERT INTO settings (name, value) VALUES (?1, '')",
            [NOTED],
        )
        .doing(DOING)?;
    transaction.commit().doing(DOING)
}

impl Keyed {
    fn refresh(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut names = connection.prepare(self.names)?;
        let names = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let names: Vec<(i64, String)> = names.collect::<rusqlite::Result<_>>()?;
        let mut store = connection.prepare(self.store)?;
        for (id, name) in names {
            let key = name_key(&name);
            match store.execute(params![id, key]) {
                Err(error) if is_unique_violation(&error) => {
                    store.execute(params![id, format!("{key}{TWIN}{id}")])?
                }
                other => other?,
            };
        }
        Ok(())
    }
}

/// The keys of a name's twins lie between these two.
pub(super) fn twins_of(key: &str) -> [String; 2] {
    [format!("{key}{TWIN}"), format!("{key}\u{2}")]
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::migrate;

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
            refresh(&mut connection).unwrap();
            let mut keys = connection
                .prepare("SELECT name_key FROM roles ORDER BY id")
                .unwrap();
            let keys = keys.query_map([], |row| row.get(0)).unwrap();
            let keys: Vec<String> = keys.collect::<rusqlite::Result<_>>().unwrap();
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
