//! SIGHUP under load: certificates, upstreams, prices and the level of the log follow the settings, no call is dropped, and a mistake
//! changes nothing.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, ScopedJoinHandle};

use rustls::ClientConfig;
use serde_json::json;

use crate::support::Client;
use crate::support::process::{Process, tollkeeper};
use crate::support::tls::{self, Issued, connect, trusting};
use crate::support::upstream::{Upstream, chat};

const ROUNDS: usize = 6;
/// What ends every reload that finds a mistake.
pub const NOTHING_CHANGED: &str = "settings: nothing was changed";

/// Ends those who call meanwhile, also when the test fails.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits until so many more calls were answered.
fn wait_for_calls(calls: &AtomicU64, more: u64, callers: &[ScopedJoinHandle<'_, ()>]) {
    let seen = calls.load(Ordering::SeqCst);
    while calls.load(Ordering::SeqCst) < seen + more {
        assert!(!callers.iter().any(ScopedJoinHandle::is_finished));
        thread::yield_now();
    }
}

/// A server with a settings file.
pub fn start(folder: &Path, settings: &str) -> Process {
    write(folder, settings);
    let mut command = tollkeeper();
    command.arg("serve").arg("--config").arg(config(folder));
    command.arg("--data-dir").arg(folder.join("data"));
    command.env("SECOND_KEY", "sk-of-a-variable");
    Process::start_command(command, &folder.join("data"))
}

pub fn config(folder: &Path) -> std::path::PathBuf {
    folder.join("config.toml")
}

pub fn write(folder: &Path, settings: &str) {
    std::fs::write(config(folder), settings).unwrap();
}

/// Calls until it is told to stop: on a connection that is kept, and every third time on a new one.
fn call_encrypted(
    (port, config): (u16, &Arc<ClientConfig>),
    key: &str,
    (stop, calls): (&AtomicBool, &AtomicU64),
) {
    let request = format!(
        "GET /api/session HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    let mut kept = connect(port, config).unwrap();
    while !stop.load(Ordering::SeqCst) {
        let mut fresh = connect(port, config).unwrap();
        for wire in [&mut kept, &mut fresh] {
            assert!(wire.send(request.as_bytes()));
            wire.answer().expect(200);
            calls.fetch_add(1, Ordering::SeqCst);
        }
        kept.send(request.as_bytes());
        kept.answer().expect(200);
        calls.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_certificate_is_changed_under_load_and_no_call_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let place = Issued::new(folder.path(), "served");
    let issued: Vec<_> = (0..ROUNDS)
        .map(|round| Issued::new(folder.path(), &format!("new-{round}")))
        .collect();
    let listen = "[server]\nlisten = [\"127.0.0.1:0\", \"https://127.0.0.1:0\"]\n";
    let mut server = start(folder.path(), &format!("{listen}{}", tls::settings(&place)));
    let port = server.ports()[1];
    let trusted: Vec<_> = issued.iter().chain([&place]).collect();
    let config = trusting(&trusted);
    let shown = || connect(port, &config).unwrap().shown();
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let key = server.client.key.clone();
    thread::scope(|scope| {
        let _end = StopAtEnd(&stop);
        let callers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| call_encrypted((port, &config), &key, (&stop, &calls))))
            .collect();
        assert_eq!(shown(), place.seen());
        for (round, new) in issued.iter().enumerate() {
            new.put(&place.certificate, &place.key);
            server.hang_up();
            server.wait_for_line("settings: tls: the certificate in", round + 1);
            assert_eq!(shown(), new.seen(), "round {round}");
            wait_for_calls(&calls, 60, &callers);
        }
        // The key of another certificate: the pair of before is served on.
        let last = issued.last().unwrap();
        std::fs::copy(&issued[0].key, &place.key).unwrap();
        server.hang_up();
        server.wait_for_line(NOTHING_CHANGED, 1);
        assert!(server.log().contains("not the key of the certificate in"));
        assert_eq!(shown(), last.seen());
    });
    let calls = calls.into_inner();
    println!("{calls} calls while the certificate was changed {ROUNDS} times");
    assert!(server.terminate().success());
}

/// Settings with an upstream, the file of its key and a file of prices.
pub fn carrying(folder: &Path, upstream: &Upstream, dollars: u32) -> String {
    let prices = "[[price]]\nprovider = \"openai\"\nmodel = \"ours\"\nrates = { output = ";
    let file = folder.join("prices.toml");
    std::fs::write(&file, format!("{prices}{dollars} }}\n")).unwrap();
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[prices]\nfile = '{}'\n[[upstreams]]\nname = \"openai\"\n\
         base_url = \"http://127.0.0.1:{}/v1\"\napi_key_file = '{}'\n",
        file.display(),
        upstream.port,
        folder.join("key").display()
    )
}

pub fn ask(caller: &Client) -> crate::support::Reply {
    let body = json!({ "model": "ours", "max_tokens": 100, "messages": [{ "role": "user", "content": "hello" }] });
    caller.post("/v1/chat/completions", &body)
}

#[test]
fn upstreams_their_keys_and_prices_follow_the_settings_and_calls_under_way_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let is_stuck = Arc::new(AtomicBool::new(false));
    let (entered, waiting) = mpsc::channel();
    let stuck = Arc::clone(&is_stuck);
    let first = Upstream::start(move |request| {
        if stuck.load(Ordering::SeqCst) {
            let _ = entered.send(());
            while stuck.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        }
        chat(&request.json())
    });
    let second = Upstream::chats();
    std::fs::write(folder.path().join("key"), "sk-first").unwrap();
    let mut server = start(folder.path(), &carrying(folder.path(), &first, 1));
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let caller = server.client.with_virtual_key(&holder.key);
    let cost =
        |reply: &crate::support::Reply| reply.header("x-tollkeeper-cost").unwrap().to_owned();
    assert_eq!(cost(&ask(&caller).expect(200)), "0.0001");
    is_stuck.store(true, Ordering::SeqCst);
    let under_way = thread::spawn({
        let caller = caller.clone();
        move || ask(&caller)
    });
    waiting.recv().unwrap();
    std::fs::write(folder.path().join("key"), "sk-second").unwrap();
    write(folder.path(), &carrying(folder.path(), &second, 3));
    server.hang_up();
    server.wait_for_line("upstreams: openai changed, its key too", 1);
    assert!(
        server
            .log()
            .contains("settings: prices: 1 of the file hold")
    );
    assert_eq!(cost(&ask(&caller).expect(200)), "0.0003");
    assert_eq!(
        second.last().header("authorization"),
        Some("Bearer sk-second")
    );
    // It began with the first upstream and its price.
    is_stuck.store(false, Ordering::SeqCst);
    assert_eq!(cost(&under_way.join().unwrap().expect(200)), "0.0001");
    assert!(
        first
            .received()
            .iter()
            .all(|request| !request.text().contains("sk-second"))
    );
    // The key alone, of which the settings file says nothing.
    std::fs::write(folder.path().join("key"), "sk-third").unwrap();
    server.hang_up();
    server.wait_for_line("upstreams: openai changed, its key too", 2);
    ask(&caller).expect(200);
    assert_eq!(
        second.last().header("authorization"),
        Some("Bearer sk-third")
    );
    assert!(!server.log().contains("sk-"), "{}", server.log());
}

#[test]
fn no_call_is_dropped_while_upstreams_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let upstreams = [Upstream::chats(), Upstream::chats()];
    std::fs::write(folder.path().join("key"), "sk-first").unwrap();
    let mut server = start(folder.path(), &carrying(folder.path(), &upstreams[0], 1));
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let (stop, calls) = (&stop, &calls);
        let _end = StopAtEnd(stop);
        let call = |_| {
            let caller = server.client.with_virtual_key(&holder.key);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    ask(&caller).expect(200);
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let callers: Vec<_> = (0..4).map(call).collect();
        for round in 1..=2 * ROUNDS {
            let upstream = &upstreams[round % 2];
            write(folder.path(), &carrying(folder.path(), upstream, 1));
            server.hang_up();
            server.wait_for_line("upstreams: openai changed", round);
            wait_for_calls(calls, 8, &callers);
        }
    });
    let sent: usize = upstreams.iter().map(|one| one.received().len()).sum();
    assert_eq!(sent as u64, calls.into_inner());
    assert!(upstreams.iter().all(|one| one.received().len() > 20));
}

#[test]
fn a_mistake_changes_nothing_and_every_mistake_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::chats();
    std::fs::write(folder.path().join("key"), "sk-first").unwrap();
    let right = carrying(folder.path(), &upstream, 1);
    let mut server = start(folder.path(), &right);
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let caller = server.client.with_virtual_key(&holder.key);
    let cases = [
        (
            "[server]\nlisen = 1\n[log]\nlevel = \"loud\"\n".to_owned(),
            vec!["no setting \"server.lisen\"", "line 4: log.level"],
        ),
        (
            "[server]\nlisten = \":0\"\n[prices]\nfile = \"/gone/prices.toml\"\n[[upstreams]]\nname = \"openai\"\nca_file = \"/gone/ca\"\n\
             [[upstreams]]\nname = \"groq\"\nca_file = \"/gone/other\"\n"
                .to_owned(),
            vec![
                "plaintext = true",
                "/gone/prices.toml",
                "/gone/ca",
                "/gone/other",
            ],
        ),
        (
            right.replace("/key'", "/gone-key'"),
            vec!["can't read the key from", "gone-key"],
        ),
    ];
    for (count, (wrong, told)) in (1..).zip(&cases) {
        write(folder.path(), wrong);
        server.hang_up();
        server.wait_for_line(NOTHING_CHANGED, count);
        for text in told {
            assert!(server.log().contains(text), "{text} in {}", server.log());
        }
        ask(&caller).expect(200);
        assert_eq!(
            upstream.last().header("authorization"),
            Some("Bearer sk-first")
        );
    }
    write(folder.path(), &right);
    server.hang_up();
    server.wait_for_line("settings: everything is as it was", 1);
}

#[test]
fn the_level_of_the_log_follows_and_what_needs_a_restart_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let listen = "[server]\nlisten = \"127.0.0.1:0\"\n";
    let mut server = start(folder.path(), &format!("{listen}[log]\nlevel = \"info\"\n"));
    let lines = |server: &mut Process| server.log().matches("route=/health").count();
    server.client.get("/health").expect(200);
    server.wait_for_line("route=/health", 1);
    // Neither is another way to write what holds.
    let quiet = format!(
        "{listen}max_connections = 77\n[log]\nlevel = \"warn\"\n[decisions]\nqueue = 9\nreservation_ttl = \"600s\"\n"
    );
    write(folder.path(), &quiet);
    server.hang_up();
    server.wait_for_line("settings: log.level: warn, after info", 1);
    server.wait_for_line(
        "decisions.queue was changed, which takes effect when the server starts anew",
        1,
    );
    server.wait_for_line("server.max_connections was changed", 1);
    assert!(!server.log().contains("reservation_ttl"));
    // Reloads come one after the other: what the second says is said at the level that the first has set last of all.
    server.hang_up();
    server.wait_for_line("server.max_connections was changed", 2);
    server.client.get("/health").expect(200);
    write(folder.path(), &quiet.replace("warn", "debug"));
    server.hang_up();
    server.wait_for_line("settings: log.level: debug, after warn", 1);
    // It is still to come.
    server.wait_for_line("server.max_connections was changed", 3);
    server.client.get("/health").expect(200);
    server.wait_for_line("route=/health", 2);
    assert!(server.terminate().success());
    assert_eq!(lines(&mut server), 2, "{}", server.log());
}
