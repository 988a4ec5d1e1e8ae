//! Revoking, narrowing, rotating and expiring a key while 32 threads use it (R3): no request that began after the answer is
//! accepted, and during a grace period none is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// What a key that works no longer is told: slowed down when it goes on, or that the server is busy.
const DEAD: [u16; 3] = [401, 429, 503];
const PROFILES: &str = "/api/access-profiles?limit=1";
const THREADS: usize = 32;
/// Requests of each thread that must have begun after the change.
const AFTER: usize = 20;

/// What the threads saw: statuses of requests that ended before the change was asked for, of those that began after its answer, and
/// of those that overlapped with it, which may be either.
#[derive(Default)]
struct Seen {
    before: Vec<u16>,
    during: Vec<u16>,
    after: Vec<u16>,
}

impl Seen {
    /// Nothing that began after the change was accepted, and the key was refused before it was slowed down: on a slow machine
    /// already while the change was being answered.
    #[track_caller]
    fn assert_dead(&self) {
        assert_each(&self.after, &DEAD);
        let mut late = self.during.iter().chain(&self.after);
        assert!(late.any(|status| *status == 401), "{:?}", self.after);
    }
}

/// Lets every thread use one of `clients` while `change` runs.
fn under_load<T>(clients: &[Client], change: impl FnOnce() -> T) -> (Seen, T) {
    let (asked, answered) = (AtomicBool::new(false), AtomicBool::new(false));
    let warm = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (client, asked, answered, warm) =
                    (&clients[number % clients.len()], &asked, &answered, &warm);
                scope.spawn(move || {
                    let mut seen = Seen::default();
                    while seen.after.len() < AFTER {
                        // Read before the request begins; the other flag after it has ended.
                        let began_after = answered.load(Ordering::SeqCst);
                        let status = client.get(PROFILES).status;
                        if began_after {
                            seen.after.push(status);
                        } else if !asked.load(Ordering::SeqCst) {
                            seen.before.push(status);
                            if seen.before.len() == 3 {
                                warm.fetch_add(1, Ordering::SeqCst);
                            }
                        } else {
                            seen.during.push(status);
                        }
                    }
                    seen
                })
            })
            .collect();
        while warm.load(Ordering::SeqCst) < THREADS
            && !threads
                .iter()
                .any(std::thread::ScopedJoinHandle::is_finished)
        {
            std::thread::yield_now();
        }
        asked.store(true, Ordering::SeqCst);
        let outcome = change();
        answered.store(true, Ordering::SeqCst);
        let mut all = Seen::default();
        for thread in threads {
            let seen = thread.join().unwrap();
            all.before.extend(seen.before);
            all.during.extend(seen.during);
            all.after.extend(seen.after);
        }
        (all, outcome)
    })
}

/// Every status is one of these, the first of them among them. A machine that is slow may be too busy to verify all (503).
#[track_caller]
fn assert_all(statuses: &[u16], expected: &[u16]) {
    assert!(statuses.contains(&expected[0]), "{statuses:?}");
    assert_each(statuses, expected);
}

#[track_caller]
fn assert_each(statuses: &[u16], expected: &[u16]) {
    let odd = statuses
        .iter()
        .filter(|status| !expected.contains(status))
        .count();
    assert_eq!(
        odd,
        0,
        "{odd} of {} answers are not {expected:?}: {statuses:?}",
        statuses.len()
    );
}

/// A key that may read profiles: its path, and a client for it.
fn key(server: &Server, name: &str) -> (String, Client) {
    let (id, client) = server.client.make_key(name, &["AccessProfiles:View"]);
    (format!("/api/api-keys/{id}"), client)
}

#[test]
fn no_request_that_began_after_a_revocation_is_accepted() {
    let server = Server::start();
    for round in 0..3 {
        let (path, client) = key(&server, &format!("key {round}"));
        let (seen, _) = under_load(&[client], || server.client.delete(&path).expect(200));
        assert_all(&seen.before, &[200]);
        seen.assert_dead();
    }
}

#[test]
fn no_request_that_began_after_a_narrowing_has_the_old_rights() {
    let server = Server::start();
    let (path, client) = key(&server, "key");
    let put = |body: Value| server.client.put(&path, &body).expect(200);
    for _ in 0..3 {
        let (seen, _) = under_load(std::slice::from_ref(&client), || {
            put(json!({ "scopes": ["Users:View"] }))
        });
        assert_all(&seen.before, &[200]);
        assert_all(&seen.after, &[403, 503]);
        // Every thread may have to be verified anew at once; whoever finds the queue full is told to come back.
        let (seen, _) = under_load(std::slice::from_ref(&client), || {
            put(json!({ "scopes": ["AccessProfiles:View"] }))
        });
        assert_all(&seen.after, &[200, 503]);
        client.get(PROFILES).expect(200);
    }
}

#[test]
fn no_request_that_began_after_a_rotation_is_accepted_with_the_old_secret() {
    let server = Server::start();
    let (path, old) = key(&server, "key");
    let rotate = || {
        server
            .client
            .post(&format!("{path}/rotate"), &json!({}))
            .expect(200)
            .json()
    };
    let (seen, answer) = under_load(std::slice::from_ref(&old), rotate);
    assert_all(&seen.before, &[200]);
    // Failures are counted, so the later ones are told to slow down; the new secret is let in from the same address.
    seen.assert_dead();
    server
        .client
        .with_key(answer["key"].as_str().unwrap())
        .get(PROFILES)
        .expect(200);
}

#[test]
fn during_the_grace_period_both_secrets_work_and_after_it_the_new_one_alone() {
    let server = Server::start();
    let (path, old) = key(&server, "key");
    let rotate = || {
        server
            .client
            .post(&format!("{path}/rotate"), &json!({ "grace": "1h" }))
            .expect(200)
            .json()
    };
    let (seen, answer) = under_load(std::slice::from_ref(&old), rotate);
    assert_all(&seen.before, &[200]);
    assert_all(&seen.after, &[200, 503]);
    let new = old.with_key(answer["key"].as_str().unwrap());
    for client in [&old, &new] {
        client.get(PROFILES).expect(200);
    }
    let end = || server.time.advance_seconds(3_600);
    let both = [old.clone(), new.clone()];
    std::thread::scope(|scope| {
        // Both at once, each with its own expectation, and the same end of the grace period for both.
        let ended = scope.spawn(|| under_load(&both[..1], end));
        let (news, ()) = under_load(&both[1..], || ());
        assert_all(&news.before, &[200]);
        assert_all(&news.after, &[200]);
        let (olds, ()) = ended.join().unwrap();
        assert_all(&olds.before, &[200]);
        olds.assert_dead();
    });
    assert!(DEAD.contains(&old.get(PROFILES).status));
    new.get(PROFILES).expect(200);
}

#[test]
fn no_request_that_began_after_the_expiry_of_a_key_is_accepted() {
    let server = Server::start();
    for round in 0..3 {
        let (path, client) = key(&server, &format!("key {round}"));
        let until = server.time.now() + jiff::SignedDuration::from_secs(60);
        server
            .client
            .put(&path, &json!({ "expires_at": until }))
            .expect(200);
        client.get(PROFILES).expect(200);
        let (seen, ()) = under_load(&[client], || server.time.advance_seconds(60));
        assert_all(&seen.before, &[200]);
        seen.assert_dead();
    }
}

#[test]
fn a_change_while_a_key_is_being_verified_is_not_overlooked() {
    let server = Server::start();
    let (path, client) = key(&server, "key");
    let put = |scope: &str| {
        server
            .client
            .put(&path, &json!({ "scopes": [scope] }))
            .expect(200)
    };
    // A change that changes nothing forgets nothing.
    put("Users:View");
    for _ in 0..5 {
        put("AccessProfiles:View");
        let before = server.services.keyring.hashes();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                // Those that began before the change may be accepted or not.
                scope.spawn(|| client.get(PROFILES));
            }
            // The count rises when a hash begins, and several wait behind it: the change comes while they are under way.
            while server.services.keyring.hashes() == before {
                std::thread::yield_now();
            }
            put("Users:View");
        });
        client.get(PROFILES).expect(403);
    }
}
