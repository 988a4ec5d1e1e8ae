//! `tollkeeper sign-in`: a link that opens the admin page signed in, once.

use clap::Args;
use hyper::Method;
use serde_json::json;

use super::control::Control;
use super::{print_line, text};
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
    let control = Control::open(settings, false)?;
    let made = control.call(Method::POST, "/api/sign-in-codes", None);
    let database = control.database();
    control.close()?;
    let mut made = made?;
    if let Some(url) = &arguments.url {
        made["link"] = json!(format!(
            "{}/#code={}",
            url.trim_end_matches('/'),
            text(&made["code"])
        ));
    }
    if arguments.json {
        made["database"] = json!(database);
        print_line(&made.to_string());
        return Ok(());
    }
    print_line(&format!(
        "{}\n\nOpens the admin page signed in, once, until {}.\nIn {database}",
        text(&made["link"]),
        text(&made["expires_at"]),
    ));
    Ok(())
}
