//! `tollkeeper serve`: the server, and what a first start says.

use std::io::IsTerminal;
use std::path::Path;

use super::{logging, print_line};
use crate::app::{self, Reach};
use crate::config::Settings;
use crate::error::Result;
use crate::service::{Clock, rotated_keys};

/// Runs the server until it is asked to stop.
///
/// # Errors
/// One sentence when it can't start.
pub fn run(settings: &Settings) -> Result<()> {
    logging::start(settings);
    let app = app::build(settings, Clock::new(jiff::Timestamp::now), Reach::Network)?;
    let url = format!("http://{}:{}", shown_host(settings), app.port());
    let key_file = app.services().store.directory().initial_key();
    match app.first_key() {
        Some(token) if std::io::stdout().is_terminal() => {
            print_line(&welcome(&url, Some(token.reveal()), &key_file));
        }
        Some(_) => print_line(&welcome(&url, None, &key_file)),
        None if key_file.exists() => log::warn!(
            "the first key still lies in {}: store it somewhere safe and remove the file",
            key_file.display()
        ),
        None => {}
    }
    if let Err(error) = rotated_keys::settle(app.services()) {
        log::warn!("putting rotated virtual keys in their places: {error}");
    }
    let directory = app.services().store.directory();
    match directory.count_rotated_keys() {
        0 => {}
        waiting => log::warn!(
            "{waiting} rotated virtual keys lie in {}: hand them to their holders and remove the files",
            directory.rotated_keys().display()
        ),
    }
    let root = directory.root().to_owned();
    let ended = app.run(|| log::info!("listening on {url}, data in {}", root.display()));
    log::info!("stopped");
    ended
}

fn shown_host(settings: &Settings) -> String {
    let ip = settings.listen.ip();
    match ip {
        _ if ip.is_unspecified() => "localhost".to_owned(),
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The three things to do next. `key` is shown on a terminal only: a secret never reaches a log.
fn welcome(url: &str, key: Option<&str>, key_file: &Path) -> String {
    let file = key_file.display();
    let (link, header) = match key {
        Some(key) => (format!("{url}/#key={key}"), format!("Bearer {key}")),
        None => (
            format!("{url}/  (sign in with the key in {file})"),
            format!("Bearer $(cat {file})"),
        ),
    };
    format!(
        "
  Tollkeeper is ready. The first key, which may do everything, is in
  {file}

  1. Open the admin page:
     {link}

  2. Create an access profile:
     curl {url}/api/access-profiles \\
       -H \"Authorization: {header}\" -H 'Content-Type: application/json' \\
       -d '{{\"name\":\"developers\",\"budgets\":[{{\"max_limit\":100}}]}}'

  3. Make a key for each gateway and person, then remove the file above:
     tollkeeper keys create my-gateway --permission Decisions:Create
"
    )
}
