//! `kill -9` in the middle of a propagation: all copies changed, or none.

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;
use serde_json::json;

use crate::support::Client;
use crate::support::process::Process;

/// Users who hold a copy; `TOLLKEEPER_TEST_COPIES` asks for more, such as the 10,000 of the promise.
const COPIES: i64 = 1_500;
/// Rounds of a propagation and `kill -9`; `TOLLKEEPER_TEST_ROUNDS` asks for more.
const ROUNDS: u64 = 8;

fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Makes users in a role from several clients at once: their commits are shared.
fn create_users(client: &Client, role: i64, many: i64) {
    let next = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= many {
                        return;
                    }
                    let (name, email) =
                        (format!("user {number}"), format!("u{number}@example.com"));
                    client.create_user(&name, &email, Some(role));
                }
            });
        }
    });
}

#[test]
fn a_propagation_that_is_killed_changes_all_copies_or_none() {
    let rounds = asked("TOLLKEEPER_TEST_ROUNDS").unwrap_or(ROUNDS);
    let copies =
        asked("TOLLKEEPER_TEST_COPIES").map_or(COPIES, |many| i64::try_from(many).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let role = server.client.create_role("everybody");
    create_users(&server.client, role, copies);
    let profile = server.client.create_budgeted("p", 1);
    let applied = server
        .client
        .attach(profile, &[role], false, true)
        .expect(200)
        .json();
    assert_eq!(applied["users_applied"], copies);
    let mut seen = (false, false);
    for round in 0..rounds {
        let limit = i64::try_from(round).unwrap() + 2;
        let client = server.client.clone();
        client.change_profile(profile, &json!({ "budgets": [{ "max_limit": limit }] }));
        let body = json!({ "fields": ["budgets"] });
        let path = format!("/api/access-profiles/{profile}/propagate");
        let pushing = {
            let client = client.clone();
            std::thread::spawn(move || client.try_post(&path, &body))
        };
        // The moment is counted in calls that were answered meanwhile, not in time; the more copies, the more fit in.
        let calls = i64::try_from(round * 2).unwrap() * copies / COPIES;
        for _ in 0..calls {
            client.get("/health");
        }
        server.kill();
        let acknowledged = pushing
            .join()
            .unwrap()
            .is_some_and(|reply| reply.status == 200);
        server = Process::start(directory.path(), &[]);
        let changed = changed_copies(directory.path(), limit);
        assert!(
            changed == 0 || changed == copies,
            "round {round}: {changed} of {copies}"
        );
        assert!(
            !acknowledged || changed == copies,
            "round {round}: acknowledged and lost"
        );
        seen = (seen.0 || changed == 0, seen.1 || changed > 0);
        let shown = server.client.copies_of(1)[0]["budgets"][0]["max_limit"].clone();
        assert_eq!(shown == limit, changed == copies);
        let entries = server.client.audited("propagate");
        assert_eq!(
            entries
                .first()
                .is_some_and(|entry| entry["new_values"]["version"] == limit),
            changed == copies
        );
    }
    // Whether a kill comes before or after the commit is chance, but over rounds enough both occur.
    assert!(rounds <= ROUNDS || (seen.0 && seen.1), "{seen:?}");
}

/// How many copies have a budget with this limit; each follows one policy, and every policy is followed.
fn changed_copies(directory: &std::path::Path, limit: i64) -> i64 {
    let database = Connection::open(directory.join("tollkeeper.db")).unwrap();
    let one = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(one("SELECT count(*) FROM policies"), 1);
    assert_eq!(
        one("SELECT count(DISTINCT template_version) FROM user_access_profiles"),
        1
    );
    one(&format!(
        "SELECT count(*) FROM user_access_profiles c JOIN policies p ON p.id = c.policy_id
         WHERE p.content ->> '$.budgets[0].max_limit' = {limit}"
    ))
}
