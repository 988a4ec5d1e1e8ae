//! `tollkeeper sign-in`: a link that opens the admin page signed in, once.

use clap::Args;
use hyper::Method;
use serde_json::json;

use super::control::Control;
use super::print::{print_answer, text};
use crate::config::Settings;
use crate::error::Result;

/// How the link is printed.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tollkeeper sign-in --url https://tollkeeper.example --json\n\nThe server must be running. The link works once, for half an \
                  hour; the page then has a key that may do everything for 12 hours. `tollkeeper keys list` shows it."
)]
pub struct SignInArguments {
    /// The address by which your browser reaches the server [default: the address it listens on]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a link.
///
/// # Errors
/// One sentence about what went wrong.
pub fn run(arguments: &SignInArguments, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| {
        let mut made = control.call(Method::POST, "/api/sign-in-codes", None)?;
        if let Some(url) = &arguments.url {
            let (url, code) = (url.trim_end_matches('/'), text(&made["code"]));
            made["link"] = json!(format!("{url}/#code={code}"));
        }
        print_answer(control, made, arguments.json, |made| {
            format!(
                "{}\n\nOpens the admin page signed in, once, until {}.\nIn {}",
                text(&made["link"]),
                text(&made["expires_at"]),
                control.database()
            )
        });
        Ok(())
    })
}
