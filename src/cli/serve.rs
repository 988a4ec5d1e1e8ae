//! `tollkeeper serve`: the server, and what a first start says.

use std::io::IsTerminal;

use super::logging;
use super::print::print_line;
use crate::app::{self, Reach};
use crate::config::Settings;
use crate::domain::credential::Token;
use crate::domain::values::shell_word::shell_word;
use crate::error::Result;
use crate::http::api_keys::sign_in::link;
use crate::service::access_profiles::rotated_keys;
use crate::service::sign_in::SignsIn;
use crate::service::{Clock, Services};

/// Runs the server until it is asked to stop.
///
/// # Errors
/// One sentence when it can't start.
pub fn run(settings: &Settings, program: &str) -> Result<()> {
    let faults = logging::start(settings);
    let mut app = app::build(settings, Clock::new(jiff::Timestamp::now), Reach::Network)?;
    let url = app.page_url().unwrap_or_default().to_owned();
    let key_file = app.services().store.directory().initial_key();
    match app.take_first_key() {
        Some(key) => print_line(&welcome(settings, program, app.services(), &url, key)?),
        None if app.services().store.directory().has_initial_key()? => log::warn!(
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
    faults.end();
    log::info!("stopped");
    ended
}

/// The three things to do next, as they can be typed. A link that signs in is shown on a terminal only: what opens something never
/// reaches a log.
fn welcome(
    settings: &Settings,
    program: &str,
    services: &Services,
    url: &str,
    key: Token,
) -> Result<String> {
    let directory = services.store.directory();
    let written = directory.initial_key();
    let key_file = settings.bootstrap_key_file.as_ref().unwrap_or(&written);
    let (file, data_dir) = (shell_word(key_file), shell_word(directory.root()));
    let (open, about) = if std::io::stdout().is_terminal() {
        let now = services.clock.now();
        let (code, _) = services.sign_in_codes.make(SignsIn::Holder(key), now)?;
        let about = format!(
            "works once, for half an hour; `{program} sign-in --data-dir {data_dir}` prints another"
        );
        (link(url, &code), about)
    } else {
        let open = format!("{program} sign-in --data-dir {data_dir}");
        (open, format!("prints a link that opens {url}/ signed in"))
    };
    Ok(format!(
        "
  Tollkeeper is ready. The first key, which may do everything, is in
  {file}

  1. Open the admin page:
     {open}
     ({about})

  2. Create an access profile:
     curl {url}/api/access-profiles \\
       -H \"Authorization: Bearer $(cat {file})\" -H 'Content-Type: application/json' \\
       -d '{{\"name\":\"developers\",\"provider_configs\":[{{\"provider_name\":\"openai\",\"all_models_allowed\":true}}],\"budgets\":[{{\"max_limit\":100}}]}}'

  3. Make a key for each gateway and person, then remove the file above:
     {program} keys create my-gateway --permission Decisions:Create --data-dir {data_dir}
"
    ))
}
