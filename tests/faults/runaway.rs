//! A client that runs away with a dead key: it is found by the log and the metrics, the log stays small, and nobody else is harmed.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::exposition::Exposed;
use crate::support::process::Process;
use crate::support::{Client, Reply};

/// Requests of the runaway, over some connections.
const CALLS: usize = 2_000;
const CONNECTIONS: usize = 4;
/// Lines of the log about them in a period, however many they are: five for each code, and a count; and the bytes of a line.
const MOST_LINES: usize = 12;
const MOST_BYTES: usize = 400;

/// Sends a call again and again, while another client works; answers how many of each status came.
fn run_away(call: impl Fn() -> Reply + Sync, other: &Client) -> (usize, usize) {
    let over = AtomicBool::new(false);
    let statuses = std::thread::scope(|scope| {
        let bystander = scope.spawn(|| {
            let mut served = 0;
            while !over.load(Ordering::SeqCst) || served == 0 {
                other.get("/api/users").expect(200);
                served += 1;
            }
        });
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    (0..CALLS / CONNECTIONS)
                        .map(|_| call().status)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let statuses = senders
            .into_iter()
            .flat_map(|sender| sender.join().unwrap());
        let statuses: Vec<u16> = statuses.collect();
        over.store(true, Ordering::SeqCst);
        bystander.join().unwrap();
        statuses
    });
    let count = |status: u16| statuses.iter().filter(|known| **known == status).count();
    (count(401), count(429))
}

/// What the log and the metrics tell of a runaway with this key id.
fn assert_found(mut server: Process, key_id: &str, tried: &str, (refused, slowed): (usize, usize)) {
    assert_eq!(refused + slowed, CALLS);
    // 50 at once, and one a second.
    assert!(slowed > CALLS / 2 && refused >= 50, "{refused} {slowed}");
    let seen = Exposed::read(&server.client.get("/metrics").expect(200).text);
    let counted = |code| {
        let labels = [("code", code)];
        let sum = seen.sum("tollkeeper_credentials_refused_total", &labels);
        sum.to_string()
    };
    assert_eq!(counted("too_many_failed_attempts"), slowed.to_string());
    assert_eq!(counted(tried), refused.to_string());
    let left_out = seen.sum("tollkeeper_log_lines_left_out_total", &[("why", "counted")]);
    assert!(server.terminate().success());
    let log = server.log();
    let about: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("tried_id="))
        .collect();
    let (counts, whole): (Vec<&str>, Vec<&str>) =
        about.iter().partition(|line| line.contains(" count="));
    let count_of =
        |line: &&str| -> usize { line[line.find("count=").unwrap() + 6..].parse().unwrap() };
    let counted: usize = counts.iter().map(count_of).sum();
    assert_eq!(whole.len() + counted, CALLS, "{about:?}");
    assert_eq!(left_out.to_string(), counted.to_string());
    // A slow machine may take more than a minute.
    let periods = counts
        .iter()
        .filter(|line| line.contains("code=too_many_failed_attempts"));
    assert!(about.len() <= MOST_LINES * periods.count(), "{about:?}");
    for line in about {
        assert!(line.len() < MOST_BYTES, "{line}");
        assert!(
            line.contains("from=127.0.0.1") && line.contains(&format!("tried_id={key_id}")),
            "{line}"
        );
    }
}

#[test]
fn a_runaway_with_a_revoked_management_key_is_found_and_harms_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let (id, dead) = server.client.make_key("dead", &["Users:View"]);
    server
        .client
        .delete(&format!("/api/api-keys/{id}"))
        .expect(200);
    let came = run_away(|| dead.get("/api/users"), &server.client);
    let key_id = dead.key["tk_mgmt_".len()..][..12].to_owned();
    assert_found(server, &key_id, "api_key_revoked", came);
}

#[test]
fn a_runaway_with_the_virtual_key_of_somebody_who_left_is_found_and_harms_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let user = format!("/api/users/{}", holder.user_id);
    server.client.delete(&user).expect(200);
    let dead = server.client.with_virtual_key(&holder.key);
    let came = run_away(|| dead.get("/v1/quota"), &server.client);
    assert_found(server, holder.key_id(), "access_not_found", came);
}
