//! `tollkeeper healthcheck`: whether decisions can be made, for images that have no other client.

use std::process::ExitCode;

use super::print::{print_line, text};
use super::running::{ServerAnswer, ask, ask_address, ask_socket};
use crate::config::{Listen, Settings};
use crate::error::{Error, Result};

/// Asks `/ready` over the control socket, or at the address of the settings where there is none or this user may not open it.
///
/// # Errors
/// When nothing can be asked, or this user may ask nowhere.
pub fn run(settings: &Settings) -> Result<ExitCode> {
    let asked = match ask(&settings.storage.data_dir, "/ready") {
        Ok(ServerAnswer::Nobody) => ask_elsewhere(settings)?,
        // What another user's clients use may be open to this one.
        Err(denied @ Error::Forbidden { .. }) => match ask_elsewhere(settings) {
            Ok(ServerAnswer::Nobody) | Err(Error::Forbidden { .. }) => return Err(denied),
            asked => asked?,
        },
        asked => asked?,
    };
    let (code, said) = match asked {
        ServerAnswer::Answered { is_ok: true, body } => {
            let warnings = body["warnings"].as_array().into_iter().flatten();
            let codes: Vec<&str> = warnings.map(|warning| text(&warning["code"])).collect();
            let said = if codes.is_empty() {
                "ready".to_owned()
            } else {
                format!("ready; look after {}", codes.join(", "))
            };
            (ExitCode::SUCCESS, said)
        }
        ServerAnswer::Answered { body, .. } => {
            let why = text(&body["error"]["message"]).to_owned();
            (ExitCode::FAILURE, format!("not ready: {why}"))
        }
        ServerAnswer::Silent(why) => (
            ExitCode::FAILURE,
            format!("the server does not answer: {why}"),
        ),
        ServerAnswer::Nobody => (ExitCode::FAILURE, "no server is running".to_owned()),
    };
    print_line(&said);
    Ok(code)
}

/// Asks where clients do: the first plain address or Unix socket. An encrypted one would need a certificate for this machine's own name.
fn ask_elsewhere(settings: &Settings) -> Result<ServerAnswer> {
    for listen in &settings.server.listen {
        match listen {
            Listen::Address {
                address,
                encrypted: false,
            } => return ask_address(*address, "/ready"),
            Listen::Socket(path) => return ask_socket(path, "/ready"),
            Listen::Address { .. } => {}
        }
    }
    Ok(ServerAnswer::Nobody)
}
