//! An upstream that behaves as providers do, and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Everything that came, as text.
    pub fn text(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {} {:?} {body}", self.method, self.target, self.headers)
    }
}

/// What it does with a request.
#[derive(Debug, Clone)]
pub enum Script {
    /// Answers JSON with this status.
    Json(u16, Value),
    /// Answers events, each of them a piece of its own; cut off before the end when told so.
    Events(Vec<String>, bool),
    /// Answers these bytes with this type.
    Bytes(&'static str, Vec<u8>),
    /// Takes the request and closes the connection.
    HangUp,
}

/// It runs as long as the test.
pub struct Upstream {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Upstream {
    /// One that does what `script` says to each request.
    pub fn start(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (all, script) = (Arc::clone(&received), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (all, script) = (Arc::clone(&all), Arc::clone(&script));
                thread::spawn(move || serve(stream, &all, &*script));
            }
        });
        Self { port, received }
    }

    /// One that answers chats of any model, piece by piece where it is asked to, with 8 input and 100 output tokens.
    pub fn chats() -> Self {
        Self::start(|request| chat(&request.json()))
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        let all = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// The last request.
    pub fn last(&self) -> Received {
        self.received().pop().unwrap()
    }
}

/// The answer to a chat.
pub fn chat(request: &Value) -> Script {
    let usage = json!({ "prompt_tokens": 8, "completion_tokens": 100, "total_tokens": 108 });
    let model = &request["model"];
    if request["stream"] != true {
        return Script::Json(
            200,
            json!({
                "id": "chatcmpl-1", "object": "chat.completion", "model": model, "usage": usage,
                "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "hello" } }],
            }),
        );
    }
    let chunk = |choices: Value| json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": choices });
    let mut events: Vec<String> = ["hel", "lo"]
        .iter()
        .map(|piece| {
            event(&chunk(
                json!([{ "index": 0, "delta": { "content": piece } }]),
            ))
        })
        .collect();
    if request["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!([]));
        last["usage"] = usage;
        events.push(event(&last));
    }
    events.push("data: [DONE]\n\n".to_owned());
    Script::Events(events, false)
}

/// A server-sent event.
pub fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn serve(
    stream: TcpStream,
    all: &Mutex<Vec<Received>>,
    script: &(impl Fn(&Received) -> Script + ?Sized),
) {
    let mut out = stream.try_clone().unwrap();
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        let script = script(&request);
        all.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        if answer(&mut out, script).is_none() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Received {
        method,
        target,
        headers,
        body,
    })
}

/// Nothing when the connection is over.
fn answer(out: &mut TcpStream, script: Script) -> Option<()> {
    match script {
        Script::Json(status, body) => {
            whole(out, status, "application/json", body.to_string().as_bytes())
        }
        Script::Bytes(kind, body) => whole(out, 200, kind, &body),
        Script::HangUp => None,
        Script::Events(events, is_cut) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            out.write_all(head.as_bytes()).ok()?;
            for event in events {
                out.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
                    .ok()?;
            }
            if is_cut {
                return None;
            }
            out.write_all(b"0\r\n\r\n").ok()
        }
    }
}

fn whole(out: &mut TcpStream, status: u16, kind: &str, body: &[u8]) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nset-cookie: a=b\r\nx-request-id: theirs\r\n\r\n",
        body.len()
    );
    out.write_all(&[head.as_bytes(), body].concat()).ok()
}
