//! Log lines on standard error: text for people, JSON lines for programs.
//!
//! The level of the settings is for our own lines. Libraries log from `warn` up only: at `trace` they would print request
//! headers, and with them credentials. What looks like a credential is masked in every line all the same.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use env_logger::Target;
use env_logger::fmt::Formatter;
use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, LevelFilter, Record};
use serde_json::{Map, json};

use super::log_faults::Faults;
use crate::config::{LogFormat, Settings};
use crate::domain::credential::redacted;
use crate::domain::values::instant::write_instant_in_full;
use crate::http::core::log_lines::LogLines;

/// Bytes of most lines.
const LINE: usize = 256;

/// Starts logging as the settings say.
pub fn start(settings: &Settings) -> Arc<Faults> {
    let write = match settings.log.format {
        LogFormat::Text => text,
        LogFormat::Json => json_line,
    };
    let faults = Arc::new(Faults::default());
    let noted = Arc::clone(&faults);
    let write_all = move |out: &mut Formatter, record: &Record<'_>| {
        for left_out in noted.due(record) {
            let line = format!("{left_out}");
            let arguments = format_args!("{line}");
            let summary = Record::builder()
                .level(Level::Error)
                .args(arguments)
                .build();
            write(out, &summary)?;
        }
        if noted.is_told(record) {
            write(out, record)?;
        }
        Ok(())
    };
    env_logger::Builder::new()
        .filter_level(LevelFilter::Warn)
        .filter_module("tollkeeper", LevelFilter::Trace)
        .format(write_all)
        .target(Target::Pipe(Box::new(LogLines)))
        .init();
    // It can be changed while the process runs, and no line above it is put together.
    log::set_max_level(settings.log.level);
    faults
}

/// Writes when a line is written.
fn write_now(out: &mut String) {
    write_instant_in_full(out, jiff::Timestamp::now().as_millisecond());
}

fn text(out: &mut Formatter, record: &Record<'_>) -> std::io::Result<()> {
    struct Pairs<'a>(&'a mut String);
    impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            self.0.push(' ');
            self.0.push_str(key.as_str());
            self.0.push('=');
            if let Some(text) = value.to_borrowed_str() {
                // Where it ends must be seen, and nobody can make up what comes next.
                if text.contains([' ', '"']) {
                    write!(self.0, "{text:?}")?;
                } else {
                    self.0.push_str(text);
                }
            } else if let Some(number) = value.to_u64() {
                self.0.push_str(itoa::Buffer::new().format(number));
            } else {
                write!(self.0, "{value}")?;
            }
            Ok(())
        }
    }
    // There is a line for every request: it is put together once, and looked through once.
    let mut line = String::with_capacity(LINE);
    write_now(&mut line);
    let level = record.level().as_str();
    for part in [" ", level, &"     "[level.len()..], " "] {
        line.push_str(part);
    }
    match record.args().as_str() {
        Some(message) => line.push_str(message),
        None => write!(line, "{}", record.args()).map_err(std::io::Error::other)?,
    }
    record
        .key_values()
        .visit(&mut Pairs(&mut line))
        .map_err(std::io::Error::other)?;
    // A line of the log is one line, whatever a message carries.
    if memchr::memchr2(b'\n', b'\r', line.as_bytes()).is_some() {
        line = line.replace(['\n', '\r'], " ");
    }
    line.push('\n');
    out.write_all(redacted(&line).as_bytes())
}

fn json_line(out: &mut Formatter, record: &Record<'_>) -> std::io::Result<()> {
    struct Pairs(Map<String, serde_json::Value>);
    impl<'kvs> VisitSource<'kvs> for Pairs {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            let value = value.to_u64().map_or_else(
                || json!(redacted(&value.to_string())),
                |number| json!(number),
            );
            self.0.insert(key.to_string(), value);
            Ok(())
        }
    }
    let mut pairs = Pairs(Map::new());
    let mut time = String::new();
    write_now(&mut time);
    pairs.0.insert("time".to_owned(), json!(time));
    pairs
        .0
        .insert("level".to_owned(), json!(record.level().as_str()));
    pairs.0.insert(
        "message".to_owned(),
        json!(redacted(&record.args().to_string())),
    );
    record
        .key_values()
        .visit(&mut pairs)
        .map_err(std::io::Error::other)?;
    writeln!(out, "{}", serde_json::Value::Object(pairs.0))
}
