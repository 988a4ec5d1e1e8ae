//! `tollkeeper serve`: the server, and what a first start says.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use super::logging;
use super::print::print_line;
use crate::app::{self, Reach};
use crate::config::Settings;
use crate::domain::credential::Token;
use crate::domain::settings::upstream::UpstreamSettings;
use crate::domain::values::shell_word::shell_word;
use crate::error::Result;
use crate::http::api_keys::sign_in::link;
use crate::reload::ReadSettings;
use crate::service::access_profiles::rotated_keys;
use crate::service::sign_in::SignsIn;
use crate::service::{Clock, Services};
use crate::signals::survive_hangups;
use crate::supervisor;

/// Runs the server until it is asked to stop. `read` reads the settings.
///
/// # Errors
/// One sentence when it can't start.
pub fn run(read: ReadSettings, program: &str) -> Result<()> {
    survive_hangups()?;
    let settings = &read()?;
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
    let (places, socket) = (app.places(), directory.control_socket());
    app.reload_by(read, settings.clone());
    let watchdog = supervisor::watchdog(Arc::clone(app.services()), socket)?;
    let ended = app.run(|| {
        log::info!("listening on {places}, data in {}", root.display());
        supervisor::ready();
    });
    drop(watchdog);
    faults.end();
    log::info!("stopped");
    ended
}

/// What to do next, as it can be typed: the way to a call that is priced and charged first. A link that signs in is shown on a terminal
/// only: what opens something never reaches a log.
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
    let first = settings.upstreams.first();
    let provider = first.map_or("openai", |upstream| upstream.provider.as_str());
    let upstream = upstream_line(&settings.upstreams);
    let call = first_call(provider, url);
    let provider = shell_word(Path::new(provider));
    Ok(format!(
        "
  Tollkeeper is ready. The first key, which may do everything, is in
  {file}

  From here to a call that is priced and charged:

  1. {upstream}

  2. An access profile says what may be used, and for how much:
     {program} profiles create developers --provider {provider} --budget 100/1M --data-dir {data_dir}

  3. Somebody gets it, with a virtual key:
     VK=$({program} users create Bob bob@example.com --profile developers --data-dir {data_dir} | head -n 1); echo \"$VK\"

  4. That key takes the place of the provider's, and {url} that of its address:
     {call}

  The admin page: {open}
  ({about})

  Each gateway and person gets a key of their own; then remove the file above:
     {program} keys create my-gateway --permission Decisions:Create --data-dir {data_dir}
"
    ))
}

/// Which providers can be called, or how one is set up.
fn upstream_line(upstreams: &[UpstreamSettings]) -> String {
    if upstreams.is_empty() {
        return "No provider is set up yet. Stop this with Ctrl-C, type your provider's key in the place of sk-..., and start again:
     export OPENAI_API_KEY=sk-... TOLLKEEPER_UPSTREAMS='[{ name = \"openai\", api_key_variable = \"OPENAI_API_KEY\" }]'"
            .to_owned();
    }
    let names: Vec<&str> = upstreams.iter().map(|one| one.name.as_str()).collect();
    format!("Providers that are set up: {}.", names.join(", "))
}

/// A call of a provider; where nobody knows here what its models are called, what there is.
fn first_call(provider: &str, url: &str) -> String {
    let head = "-H \"Authorization: Bearer $VK\"";
    let hello = "\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]";
    match provider {
        "openai" => format!(
            "curl {url}/v1/chat/completions {head} -H 'Content-Type: application/json' -d '{{\"model\":\"gpt-5-mini\",{hello}}}'"
        ),
        "anthropic" => format!(
            "curl {url}/v1/messages {head} -H 'Content-Type: application/json' -H 'anthropic-version: 2023-06-01' -d '{{\"model\":\"claude-haiku-4-5\",\"max_tokens\":1000,{hello}}}'"
        ),
        _ => format!("curl {url}/v1/models {head}"),
    }
}
