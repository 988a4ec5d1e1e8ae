//! Bringing a database to this version's schema.
//!
//! All pending migrations and their history are one transaction (`set_grouped`): a crash leaves the old schema or the new one.

use rusqlite::{Connection, params};

use super::fault::Doing;
use crate::error::{Error, Result};
use crate::store::sql::Reading;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The newest schema this version knows; also `PRAGMA user_version` of the file.
pub fn newest() -> i64 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0)
}

/// The number and the name of each migration after a schema, in order.
pub(super) fn after(schema: i64) -> Vec<(i64, String)> {
    let runner = embedded::migrations::runner();
    let all = runner.get_migrations().iter();
    let numbered = all.map(|one| (i64::from(one.version()), one.name().to_owned()));
    let mut later: Vec<_> = numbered.filter(|(number, _)| *number > schema).collect();
    later.sort_unstable();
    later
}

/// Applies what is missing, and notes which version of the program did.
///
/// # Errors
/// [`Error::Internal`] when a migration fails or leaves broken references; the database is as before then.
pub fn run(connection: &mut Connection) -> Result<()> {
    // A migration that rebuilds a table would delete the rows that refer to it; inside a transaction the pragma does nothing.
    connection
        .execute_batch("PRAGMA foreign_keys = OFF")
        .doing("preparing to migrate")?;
    embedded::migrations::runner()
        .set_grouped(true)
        .run(connection)
        .map_err(|error| Error::internal("migrating the database", error))?;
    let broken: i64 = Reading::of(connection).value(
        "checking references after the migration",
        "SELECT count(*) FROM pragma_foreign_key_check",
        [],
    )?;
    if broken > 0 {
        return Err(Error::internal(
            "migrating the database",
            format!("{broken} rows refer to nothing"),
        ));
    }
    connection
        .execute(
            "INSERT INTO settings (name, value) VALUES ('app_version', ?1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![env!("CARGO_PKG_VERSION")],
        )
        .doing("noting the version that migrated")?;
    connection
        .execute_batch("PRAGMA foreign_keys = ON")
        .doing("switching references on again")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::Timestamp;
    use rusqlite::{Connection, params};

    use crate::domain::audit::{
        Actor, ChainKey, MAC_LENGTH, NamedVersions, NewAuditEntry, Verdict,
    };
    use crate::domain::list::Page;
    use crate::store::access_profiles::versions;
    use crate::store::audit::chain::Milestone;
    use crate::store::audit::walk::walk;
    use crate::store::sql::Reading;
    use crate::store::virtual_keys::former_secrets;
    use crate::store::virtual_keys::former_secrets::EarlierSecret;
    use crate::store::{audit, journal, virtual_keys};

    /// Every migration, in order: the program finds them in that of their names.
    fn migrations() -> Vec<refinery::Migration> {
        let mut all = super::embedded::migrations::runner()
            .get_migrations()
            .clone();
        all.sort_by_key(refinery::Migration::version);
        all
    }

    /// Runs some of them.
    fn migrate(connection: &Connection, versions: std::ops::RangeInclusive<i32>) {
        for migration in migrations() {
            if versions.contains(&migration.version()) {
                connection.execute_batch(migration.sql().unwrap()).unwrap();
            }
        }
    }

    /// As a crash at each commit of a migration would: everything before it is there, nothing after it.
    #[test]
    fn a_migration_that_breaks_off_at_any_commit_is_made_up_for_by_the_next_start() {
        let root = tempfile::tempdir().unwrap();
        for broken in 0.. {
            let path = root.path().join(format!("{broken}.db"));
            let mut connection = Connection::open(&path).unwrap();
            let commits = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&commits);
            connection
                .commit_hook(Some(move || {
                    counted.fetch_add(1, Ordering::SeqCst) >= broken
                }))
                .unwrap();
            let outcome = super::run(&mut connection);
            drop(connection);
            super::run(&mut Connection::open(&path).unwrap()).unwrap();
            let schema: i64 = Connection::open(&path)
                .unwrap()
                .query_row("PRAGMA user_version", [], |row| row.get(0))
                .unwrap();
            assert_eq!(schema, super::newest());
            if outcome.is_ok() {
                assert!(broken > 1, "nothing was broken off");
                return;
            }
        }
    }

    /// A log that was written before entries named versions is still intact, and so are the versions.
    #[test]
    fn a_log_and_versions_of_the_first_release_are_as_they_were() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../../../migrations/V1__access_profiles.sql"))
            .unwrap();
        let chain = ChainKey([7; MAC_LENGTH]);
        let (actor, action) = (Actor::server("test"), "access_profile.create");
        let new = Some(serde_json::json!({}));
        let entry = NewAuditEntry::about_profile(actor, action, 1, None, new);
        let none = NamedVersions::default();
        let mac = chain.mac(&[0; MAC_LENGTH], 1, Timestamp::UNIX_EPOCH, &entry, &none);
        connection
            .execute_batch(
                "INSERT INTO access_profiles VALUES (1, 'a', 'a', '', 1, 1, 0, 0);
                 INSERT INTO access_profile_versions VALUES (1, 1, '{}', 0, 'test');",
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO audit_logs VALUES (1, 0, 'server', 'tollkeeper', 'access_profile.create', 'access_profile', '1',
                                                1, NULL, NULL, '{}', 'test', ?1)",
                params![mac],
            )
            .unwrap();
        migrate(&connection, 2..=i32::MAX);
        let reading = Reading::of(&connection);
        assert_eq!(
            walk(&reading, &chain, &mut Milestone::START.clone()).unwrap(),
            Verdict::Intact { entries: 1 }
        );
        let listed = audit::list(
            &reading,
            &audit::AuditFilter::default(),
            Page {
                limit: 25,
                offset: 0,
                ends_early: false,
            },
        )
        .unwrap();
        assert_eq!(listed.items[0].entry, entry);
        let version = versions::get(&reading, 1, 1).unwrap();
        assert_eq!(version.snapshot, "{}");
        connection
            .execute("DELETE FROM access_profiles", [])
            .unwrap();
        let kept: i64 = connection
            .query_row("SELECT count(*) FROM access_profile_versions", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(kept, 1, "the audit log needs the versions of what is gone");
    }

    #[test]
    fn reservations_of_an_older_schema_are_kept_and_the_open_ones_are_found() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, 1..=7);
        connection
            .execute_batch(
                "UPDATE journal SET next_number = 5;
                 INSERT INTO reservations (id, nonce, state, finished_at, virtual_key_id, user_id, user_access_profile_id,
                     access_profile_id, provider, model, held_tokens, held_cost, created_at, expires_at)
                 VALUES (1, 9, 'settled', 8, 1, 1, 1, 1, 'p', 'm', 7, 0, 1, 2), (2, 9, 'open', NULL, 1, 1, 1, 1, 'p', 'm', 7, 0, 1, 2),
                     (3, 9, 'expired', 8, 1, 1, 1, 1, 'p', 'm', 7, 0, 1, 2), (4, 9, 'open', NULL, 1, 1, 1, 1, 'p', 'm', 7, 0, 1, 2)",
            )
            .unwrap();
        migrate(&connection, 8..=i32::MAX);
        let reading = Reading::of(&connection);
        let read = |open_only| {
            let mut found = Vec::new();
            let each = |row: crate::domain::decision::journal::ReservationRow| {
                let (record, end) = (row.record, row.end);
                found.push((
                    record.id.number,
                    record.held.tokens,
                    end.map(|end| end.finished_at),
                ));
                Ok(())
            };
            journal::for_each(&reading, open_only, each).unwrap();
            found
        };
        let all = [(1, 7, Some(8)), (2, 7, None), (3, 7, Some(8)), (4, 7, None)];
        assert_eq!(read(false), all);
        assert_eq!(read(true), [all[1], all[3]]);
    }

    #[test]
    fn a_profile_that_was_deleted_before_there_were_versions_keeps_its_name() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, 1..=13);
        connection
            .execute_batch(
                "INSERT INTO audit_logs (created_at, actor_id, actor_name, action, subject_kind, subject_id, access_profile_id,
                     previous_value, request_id, mac)
                 VALUES (9, 'a', 'a', 'access_profile.delete', 'access_profile', '4', 4, '{\"name\":\"gone\"}', 'r', zeroblob(32))",
            )
            .unwrap();
        migrate(&connection, 14..=i32::MAX);
        let kept = "SELECT kind || ' ' || id || ' ' || name || ' ' || gone_at FROM gone_names";
        let kept: String = connection.query_row(kept, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "access_profile 4 gone 9");
    }

    #[test]
    fn a_secret_that_works_beside_the_current_one_still_does_after_the_schema_changed() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, 1..=9);
        connection
            .execute_batch(
                "INSERT INTO users (id, name, name_key, email, email_key, created_at, updated_at) VALUES (3, 'a', 'a', 'a@b', 'a@b', 0, 0);
                 INSERT INTO virtual_keys (id, public_id, user_id, name, name_key, description, is_managed, secret_hash, previous_hash,
                     previous_expires_at, created_at, updated_at)
                 VALUES (5, 'aaaaaaaaaaaa', 3, 'k', 'k', '', 0, zeroblob(32), randomblob(32), 77, 0, 0)",
            )
            .unwrap();
        migrate(&connection, 10..=i32::MAX);
        let reading = Reading::of(&connection);
        let mut found = Vec::new();
        former_secrets::for_each_earlier(&reading, Some(3), |secret| found.push(secret)).unwrap();
        let [
            EarlierSecret {
                public_id,
                works_until,
                ..
            },
        ] = found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!((public_id, works_until), (*b"aaaaaaaaaaaa", 77));
        assert_eq!(
            virtual_keys::get(&reading, 5)
                .unwrap()
                .previous_expires_at
                .unwrap()
                .as_millisecond(),
            77
        );
    }

    #[test]
    fn names_that_the_server_gave_to_virtual_keys_show_no_more_who_the_user_is() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, 1..=15);
        connection
            .execute_batch(
                "INSERT INTO access_profiles (id, name, name_key, description, is_active, version, created_at, updated_at)
                     VALUES (2, 'dev', 'dev', '', 1, 1, 0, 0);
                 INSERT INTO users (id, name, name_key, email, email_key, created_at, updated_at)
                     VALUES (3, 'Ada', 'ada', 'a@b', 'a@b', 0, 0);
                 PRAGMA foreign_keys = OFF;
                 INSERT INTO user_access_profiles (id, user_id, access_profile_id, policy_id, source, template_version, created_at, updated_at)
                     VALUES (4, 3, 2, 1, 'direct', 1, 0, 0);
                 INSERT INTO virtual_keys (id, public_id, user_id, user_access_profile_id, name, name_key, description, is_managed,
                     secret_hash, created_at, updated_at)
                 SELECT key, 'aaaaaaaaaa' || (10 + key), 3, iif(key < 5, 4, NULL), value, lower(value), '', 0, randomblob(32), 0, 0
                 FROM json_each('[\"Ada · dev\", \"Ada · was called otherwise\", \"Was · dev\", \"laptop\", \"dev · user 3\", \"Ada\", \"phone\"]')",
            )
            .unwrap();
        migrate(&connection, 16..=i32::MAX);
        let mut names = connection
            .prepare("SELECT name FROM virtual_keys WHERE name_key = lower(name) ORDER BY id")
            .unwrap();
        let names = names.query_map([], |row| row.get(0)).unwrap();
        let names: Vec<String> = names.collect::<Result<_, _>>().unwrap();
        let given = "dev · user 3";
        assert_eq!(
            names,
            [given, given, given, "laptop", given, "user 3", "phone"]
        );
    }

    /// What was released never changes: a database that has run a migration refuses to start on another text of it.
    #[test]
    fn released_migrations_are_unchanged() {
        let found: Vec<_> = migrations()
            .iter()
            .map(|m| (m.version(), m.checksum()))
            .collect();
        assert_eq!(found[..RELEASED.len()], RELEASED);
        let numbers: Vec<i32> = found.iter().map(|(number, _)| *number).collect();
        let last = i32::try_from(found.len()).unwrap();
        assert_eq!(
            numbers,
            (1..=last).collect::<Vec<_>>(),
            "each number is one file's"
        );
    }

    const RELEASED: [(i32, u64); 1] = [(1, 1_620_363_681_300_167_261)];
}
