//! `tollkeeper upstreams …`: the providers that the proxy may call, and how each answered last.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::control::Control;
use super::print::{PrintedList, print_answer, shown, text};
use super::table::fields;
use crate::config::Settings;
use crate::domain::body::input::nearest;
use crate::error::{Error, Result};

/// What can be done with upstreams; they are set up in the settings.
#[derive(Subcommand)]
pub enum UpstreamsCommand {
    /// List upstreams
    #[command(after_help = "Example:\n  tollkeeper upstreams list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an upstream and how it answered last, never its key
    #[command(after_help = "Example:\n  tollkeeper upstreams show openai")]
    Show {
        /// The name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

const LIST: PrintedList<5> = PrintedList {
    thing: "upstream",
    field: "upstreams",
    hint: "set one up as [[upstreams]] in the settings, or as the variable TOLLKEEPER_UPSTREAMS",
    titles: ["name", "provider", "state", "answers", "address"],
    row: |one| ["name", "provider", "state", "answers", "base_url"].map(|field| shown(&one[field])),
};

/// Runs one of the commands.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(command: UpstreamsCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| {
        let mut answer = control.call(Method::GET, "/api/upstreams", None)?;
        let Value::Array(upstreams) = answer["upstreams"].take() else {
            return Err(Error::refused("the server's answer has no upstreams"));
        };
        match command {
            UpstreamsCommand::List { json } => LIST.print(control, &upstreams, None, json),
            UpstreamsCommand::Show { name, json } => {
                let upstream = find(&upstreams, &name)?;
                let answer = json!({ "upstream": upstream });
                print_answer(control, answer, json, |answer| {
                    described(&answer["upstream"])
                });
            }
        }
        Ok(())
    })
}

fn find<'u>(upstreams: &'u [Value], wanted: &str) -> Result<&'u Value> {
    let names = || upstreams.iter().map(|one| text(&one["name"]));
    let found = upstreams.iter().find(|one| text(&one["name"]) == wanted);
    found.ok_or_else(|| {
        let hint = nearest(wanted, names()).map_or_else(
            || "see `tollkeeper upstreams list`".to_owned(),
            |name| format!("did you mean {name:?}?"),
        );
        Error::absent(format!("there is no upstream {wanted:?}; {hint}"))
    })
}

fn described(upstream: &Value) -> String {
    let key = match (
        upstream["api_key_file"].as_str(),
        upstream["api_key_variable"].as_str(),
    ) {
        (Some(file), _) => format!("from the file {file}"),
        (_, Some(variable)) => format!("from the variable {variable}"),
        _ => "none".to_owned(),
    };
    let last = |field: &str, about: &str| {
        let seen = &upstream[field];
        seen["at"].as_str().map_or_else(
            || "never".to_owned(),
            |at| format!("{at}: {}", shown(&seen[about])),
        )
    };
    let plain = [
        ("Name", "name"),
        ("Provider", "provider"),
        ("Address", "base_url"),
        ("Dialect", "dialect"),
        ("Free", "free"),
        ("State", "state"),
        ("Answers", "answers"),
        ("Errors", "errors"),
        ("Failures", "failures"),
    ];
    let mut said = plain
        .map(|(title, field)| (title, shown(&upstream[field])))
        .to_vec();
    said.push(("Key", key));
    said.push(("Answered", last("last_answer", "status")));
    said.push(("Failed", last("last_failure", "message")));
    fields(&said)
}
