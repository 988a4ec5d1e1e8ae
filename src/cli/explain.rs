//! `tollkeeper explain`: what would be decided on a call, and every step that leads to it.

use std::io::Read;

use clap::Args;
use hyper::Method;
use serde_json::{Number, Value, json};

use super::control::Control;
use super::table::{print_line, print_table};
use crate::config::Settings;
use crate::domain::decision::input::MAX_KEY_TEXT;
use crate::error::{Error, Result};

/// The call to explain.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tollkeeper explain - --provider openai --model gpt-5 --cost 0.05 < virtual-key\n\nNothing is counted."
)]
pub struct ExplainArguments {
    /// The virtual key (`tk_vk`_…); - reads it from standard input, where other users of the machine don't see it
    #[arg(value_name = "VIRTUAL_KEY|-")]
    virtual_key: String,
    /// The model
    #[arg(long)]
    model: String,
    /// The provider; without one, the first that allows the model
    #[arg(long)]
    provider: Option<String>,
    /// The MCP server
    #[arg(long)]
    mcp_server: Option<String>,
    /// The tool of that server
    #[arg(long)]
    mcp_tool: Option<String>,
    /// Tokens that the call will probably use
    #[arg(long, value_name = "N")]
    tokens: Option<i64>,
    /// US dollars that it will probably cost
    #[arg(long, value_name = "DOLLARS")]
    cost: Option<Number>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Explains a decision.
///
/// # Errors
/// One sentence about what went wrong; a refusal of the call is no failure.
pub fn run(arguments: ExplainArguments, settings: &Settings) -> Result<()> {
    let key = match arguments.virtual_key.as_str() {
        "-" => from_standard_input()?,
        _ => arguments.virtual_key,
    };
    let body = json!({
        "virtual_key": key.trim(), "model": arguments.model, "provider": arguments.provider,
        "mcp_server": arguments.mcp_server, "mcp_tool": arguments.mcp_tool,
        "estimated_tokens": arguments.tokens, "estimated_cost": arguments.cost,
    });
    let answer = Control::with(settings, |control| {
        control.call(Method::POST, "/v1/explain", Some(&body))
    })?;
    if arguments.json {
        print_line(&answer.to_string());
    } else {
        print_steps(&answer);
    }
    Ok(())
}

fn from_standard_input() -> Result<String> {
    let mut text = String::new();
    let most = u64::try_from(MAX_KEY_TEXT).unwrap_or(u64::MAX);
    std::io::stdin()
        .take(most)
        .read_to_string(&mut text)
        .map_err(|error| Error::refused(format!("can't read the virtual key: {error}")))?;
    Ok(text)
}

fn print_steps(answer: &Value) {
    let steps = answer["steps"].as_array().into_iter().flatten();
    let row = |step: &Value| {
        ["step", "access_profile_id", "subject", "outcome", "detail"].map(|name| {
            match &step[name] {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            }
        })
    };
    let rows: Vec<_> = steps.map(row).collect();
    print_table(["step", "profile", "subject", "outcome", "detail"], &rows);
    let verdict = if answer["allowed"] == true {
        "allowed"
    } else {
        "refused"
    };
    let reason = answer["type"]
        .as_str()
        .map_or_else(String::new, |code| format!(" ({code})"));
    let message = answer["message"].as_str().unwrap_or_default();
    print_line(&format!("\n{verdict}{reason}: {message}"));
}
