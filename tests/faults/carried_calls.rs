//! Calls that are carried while the server is killed again and again: what the upstream served is charged, and nothing stays held.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use serde_json::{Value, json};

use crate::support::Reply;
use crate::support::holders::Holder;
use crate::support::process::{Process, tollkeeper};
use crate::support::upstream::{Script, Upstream, chat};

const PROVIDER_KEY: &str = "sk-canary-of-the-provider-0123456789";
const ROUNDS: u64 = 4;
const CLIENTS: u64 = 6;
/// Answers before the server is killed; `TOLLKEEPER_TEST_CALLS=2500` makes ten thousand in all.
const CALLS_A_ROUND: u64 = 60;
/// 8 input and 100 output tokens of gpt-4o, in nanodollars.
const COST: f64 = 0.001_02;
/// More than is ever held for one of these calls.
const MOST: f64 = 0.001_3;

/// What the upstream does, and has done.
#[derive(Default)]
struct Moods {
    /// Calls that it did not refuse: whoever sent them has to take them for served, at what was held.
    served: AtomicU64,
    /// It answers nobody.
    is_stuck: AtomicBool,
    /// Calls that wait for an answer meanwhile.
    waiting: AtomicU64,
}

/// Serves most calls.
fn moody(moods: Arc<Moods>) -> Upstream {
    let number = AtomicU64::new(0);
    Upstream::start(move |request| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        let answer = chat(&request.json());
        if number % 11 == 3 && !moods.is_stuck.load(Ordering::SeqCst) {
            return Script::Json(529, json!({ "error": { "message": "overloaded" } }));
        }
        moods.served.fetch_add(1, Ordering::SeqCst);
        moods.waiting.fetch_add(1, Ordering::SeqCst);
        while moods.is_stuck.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        moods.waiting.fetch_sub(1, Ordering::SeqCst);
        if number % 13 == 5 {
            return Script::HangUp;
        }
        match answer {
            Script::Events(mut events, _) if number % 5 == 1 => {
                events.truncate(1);
                Script::Events(events, true)
            }
            whole => whole,
        }
    })
}

fn start(directory: &Path, upstream: &Upstream) -> Process {
    Process::start_command(command(directory, upstream), directory)
}

fn command(directory: &Path, upstream: &Upstream) -> Command {
    let mut command = tollkeeper();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory)
        .env(
            "TOLLKEEPER_UPSTREAMS",
            format!(
                "[{{ name = \"openai\", base_url = \"http://127.0.0.1:{}/v1\", api_key_variable = \"PROVIDER\" }}]",
                upstream.port
            ),
        )
        .env("TOLLKEEPER_DECISIONS__RESERVATION_TTL", "2s")
        // What was sent is charged all the same.
        .env("TOLLKEEPER_DECISIONS__ON_EXPIRY", "release")
        .env("PROVIDER", PROVIDER_KEY);
    command
}

/// What became of calls, as their callers saw it.
#[derive(Default)]
struct Tally {
    tried: AtomicU64,
    /// Those whose answer came whole, with what was used.
    whole: AtomicU64,
    /// Those that were refused, by the provider or before it was asked.
    refused: AtomicU64,
}

impl Tally {
    fn note(&self, reply: Option<&Reply>) {
        let of = match reply {
            Some(reply) if reply.status == 200 => &self.whole,
            // Whether the upstream served what it gave no answer to, its caller is not told.
            Some(reply) if reply.status != 502 => &self.refused,
            _ => return,
        };
        of.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes calls from several clients, and kills the server after so many answers, while each waits for one.
fn call_until_killed(
    server: &mut Process,
    holder: &Holder,
    (moods, tally): (&Moods, &Arc<Tally>),
    after: u64,
) {
    let (answered, answers) = mpsc::channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let caller = server.client.with_virtual_key(&holder.key);
            let (answered, tally) = (answered.clone(), Arc::clone(tally));
            thread::spawn(move || {
                let mut gone = 0;
                // A stream that is cut has no answer either.
                while gone < 20 {
                    let body = json!({
                        "model": "gpt-4o", "max_tokens": 100, "stream": client % 2 == 0,
                        "messages": [{ "role": "user", "content": "hello" }],
                    });
                    tally.tried.fetch_add(1, Ordering::SeqCst);
                    let reply = caller.try_post("/v1/chat/completions", &body);
                    tally.note(reply.as_ref());
                    gone = if reply.is_some() { 0 } else { gone + 1 };
                    if answered.send(()).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    for _ in 0..after {
        answers.recv().unwrap();
    }
    // All are on their way when it ends.
    moods.is_stuck.store(true, Ordering::SeqCst);
    while moods.waiting.load(Ordering::SeqCst) < CLIENTS {
        thread::yield_now();
    }
    server.kill();
    moods.is_stuck.store(false, Ordering::SeqCst);
    drop(answers);
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn what_was_served_is_charged_however_often_the_server_is_killed() {
    let moods = Arc::<Moods>::default();
    let upstream = moody(Arc::clone(&moods));
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path(), &upstream);
    let holder = server.client.make_holder(
        "ada",
        &json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o"] }],
                 "budgets": [{ "max_limit": 1000, "reset_duration": "1Y" }] }),
    );
    let calls = std::env::var("TOLLKEEPER_TEST_CALLS")
        .map_or(CALLS_A_ROUND, |calls| calls.parse().unwrap());
    let tally = Arc::<Tally>::default();
    for round in 0..ROUNDS {
        let counted = (&*moods, &tally);
        call_until_killed(&mut server, &holder, counted, calls + 7 * round);
        server = start(directory.path(), &upstream);
    }
    let held = |server: &Process| server.client.get("/v1/reservations").expect(200).json();
    while held(&server)["total_count"] != 0 {
        thread::yield_now();
    }
    let usage: Value = server.client.get("/api/usage").expect(200).json();
    let charged = usage["totals"]["cost"].as_f64().unwrap();
    let count = |of: &AtomicU64| u32::try_from(of.load(Ordering::SeqCst)).unwrap();
    let (fulfilled, tried) = (count(&moods.served), count(&tally.tried));
    let (whole, refused) = (count(&tally.whole), count(&tally.refused));
    let told = format!(
        "${charged} for {tried} calls: {fulfilled} served, {whole} answered, {refused} refused"
    );
    println!("{told}");
    assert!(fulfilled > 100 && whole > 50 && refused > 5, "{told}");
    assert!(charged >= f64::from(fulfilled) * COST - 1e-9, "{told}");
    // What was answered costs what it used, and each other call at most what was held for it.
    let unknown = f64::from(tried - whole - refused);
    let most = f64::from(whole) * COST + unknown * MOST;
    assert!(charged <= most + 1e-9, "{told}");
}

#[test]
fn the_keys_of_providers_and_callers_are_found_nowhere_when_all_is_logged() {
    let upstream = Upstream::start(|request| match request.json()["max_tokens"].as_i64() {
        Some(1) => Script::HangUp,
        Some(2) => Script::Json(400, json!({ "error": { "message": "no" } })),
        _ => chat(&request.json()),
    });
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), &upstream);
    command.env("TOLLKEEPER_LOG__LEVEL", "trace");
    let mut server = Process::start_command(command, directory.path());
    let holder = server.client.make_holder(
        "ada",
        &json!({ "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4o"] }] }),
    );
    let caller = server.client.with_virtual_key(&holder.key);
    let mut shown = String::new();
    for max_tokens in 1..4 {
        for (model, stream) in [("gpt-4o", false), ("gpt-4o", true), ("o3", false)] {
            let body = json!({ "model": model, "stream": stream, "max_tokens": max_tokens, "messages": [] });
            let reply = caller.post("/v1/chat/completions", &body);
            shown.push_str(&reply.text);
            shown.extend(reply.headers.into_iter().map(|(_, value)| value));
        }
    }
    assert!(server.terminate().success());
    shown.push_str(&server.log());
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            shown.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
    let sent = upstream.last();
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Bearer {PROVIDER_KEY}").as_str())
    );
    assert!(!shown.contains(PROVIDER_KEY));
    assert!(!shown.contains(&holder.key[20..]));
    assert!(!sent.text().contains("tk_vk_"));
}
