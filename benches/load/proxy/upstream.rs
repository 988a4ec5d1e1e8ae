//! The provider that all proxies stand before: what it says, and the two servers that say it.
//!
//! A small document comes from nginx, which takes next to nothing for it. It can't send the chunks of a stream apart, so streams come
//! from this tool, in a process of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{App, Error, HttpResponse, HttpServer};
use futures_util::stream::unfold;
use memchr::memmem;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::nginx::nginx;
use crate::process::{LISTENING, Process};

pub const MODEL: &str = "gpt-4o";
/// What a call uses, in tokens of input and output, and what that costs in nanodollars: $2.50 and $10 a million.
pub const USAGE: [u64; 2] = [21, 198];
pub const COST: u64 = USAGE[0] * 2_500 + USAGE[1] * 10_000;
/// What is said, so many times.
pub const WORD: &str = "word ";
pub const WORDS: usize = PIECES - 2;
/// Pieces of a stream: the words, their end, and the usage.
pub const PIECES: usize = 200;
/// Before the milliseconds between two pieces in a call's `user`, which everybody passes on.
const GAP: &str = "gap-";

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A small document.
    Document,
    /// A stream whose pieces come so many milliseconds apart.
    Stream(u32),
}

impl Shape {
    /// The body of a call.
    pub fn call(self, model: &str) -> String {
        let more = match self {
            Self::Document => String::new(),
            Self::Stream(gap) => format!(
                r#","stream":true,"stream_options":{{"include_usage":true}},"user":"{GAP}{gap}""#
            ),
        };
        format!(
            r#"{{"model":"{model}","max_tokens":400,"messages":[{{"role":"user","content":"Say the word as often as you can."}}]{more}}}"#
        )
    }

    /// What is answered.
    pub fn answer(self) -> String {
        match self {
            Self::Document => document(),
            Self::Stream(_) => pieces().concat(),
        }
    }
}

fn document() -> String {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"{MODEL}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"logprobs":null,"finish_reason":"stop"}}]{}}}"#,
        WORD.repeat(WORDS),
        usage(),
    )
}

fn pieces() -> Vec<String> {
    let event = |choices: &str, usage: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"{MODEL}\",\"choices\":[{choices}]{usage}}}\n\n"
        )
    };
    let word = format!(r#"{{"index":0,"delta":{{"content":"{WORD}"}},"finish_reason":null}}"#);
    let mut pieces = vec![event(&word, ""); WORDS];
    pieces.push(event(
        r#"{"index":0,"delta":{},"finish_reason":"stop"}"#,
        "",
    ));
    pieces.push(event("", &usage()) + "data: [DONE]\n\n");
    pieces
}

fn usage() -> String {
    let [input, output] = USAGE;
    let total = input + output;
    format!(
        r#","usage":{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{total}}}"#
    )
}

/// What listens.
pub struct Upstream {
    pub documents: Process,
    pub streams: Process,
}

impl Upstream {
    pub fn start(nginx_command: Command, directory: &Path) -> Self {
        let answer = document();
        let server = format!(
            "default_type application/json; server {{ LISTEN location / {{ return 200 '{answer}'; }} }}"
        );
        Self {
            documents: nginx(nginx_command, directory, "upstream", &server),
            streams: start_streams(directory),
        }
    }

    /// Who answers calls of a shape.
    pub fn of(&self, shape: Shape) -> &Process {
        match shape {
            Shape::Document => &self.documents,
            Shape::Stream(_) => &self.streams,
        }
    }
}

/// Starts this tool once more, as an upstream of streams.
pub fn start_streams(directory: &Path) -> Process {
    let mut streams = Command::new(std::env::current_exe().unwrap());
    streams.arg("streams");
    Process::start(streams, &directory.join("streams.log"))
}

/// Serves streams until the process is killed.
pub fn serve_streams() {
    let pieces: Vec<Bytes> = pieces().into_iter().map(Bytes::from).collect();
    let server = HttpServer::new(move || {
        let pieces = pieces.clone();
        let handler = move |body: Bytes| {
            let answer = stream(pieces.clone(), gap(&body));
            async move { answer }
        };
        App::new().default_service(web::to(handler))
    });
    // Connections may be open for long before they are used.
    let server = server.client_request_timeout(Duration::ZERO).backlog(4_096);
    let server = server.bind("127.0.0.1:0").unwrap();
    eprintln!("{LISTENING}{}", server.addrs()[0].port());
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}

/// The first piece at once, and each of the others so much later than the one before, however late that was.
fn stream(pieces: Vec<Bytes>, gap: Duration) -> HttpResponse {
    let mut ticks = interval_at(Instant::now() + gap, gap);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let pieces = unfold(
        (pieces.into_iter(), ticks),
        async |(mut pieces, mut ticks)| {
            let piece = pieces.next()?;
            if pieces.len() + 1 < PIECES {
                ticks.tick().await;
            }
            Some((Ok::<_, Error>(piece), (pieces, ticks)))
        },
    );
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(pieces)
}

fn gap(call: &[u8]) -> Duration {
    let rest = memmem::find(call, GAP.as_bytes()).map(|at| &call[at + GAP.len()..]);
    let digits = rest.and_then(|rest| rest.split(|byte| !byte.is_ascii_digit()).next());
    let gap = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Duration::from_millis(gap.expect("a call says how far apart the pieces come"))
}
