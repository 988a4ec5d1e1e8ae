//! `tollkeeper config …`: whether the settings are right, and what is in force.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::print::{names, print_line, shown};
use super::table::print_table;
use crate::config::{Flags, Settings};
use crate::domain::settings::origin::{SettingOrigin, ShownSetting};
use crate::error::Result;
use crate::http::settings::views::SettingView;
use crate::prepared::Prepared;

/// What can be done with settings.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Check the settings, all at once: the file, the variables and the flags, and the files that they name
    #[command(after_help = "Example:\n  tollkeeper config check --config config.toml")]
    Check(ConfigArguments),
    /// Show every setting as it would be in force, never a secret
    #[command(
        after_help = "Examples:\n  tollkeeper config show\n  tollkeeper config show --origin --json"
    )]
    Show {
        #[command(flatten)]
        arguments: ConfigArguments,
        /// Say where each value is from: a line of the file, a variable or a flag
        #[arg(long)]
        origin: bool,
    },
}

/// The flags of `serve` that are settings, to be judged with the others.
#[derive(Args)]
pub struct ConfigArguments {
    /// As for `serve`
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// As for `serve`
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands.
///
/// # Errors
/// Every mistake in the settings.
pub fn run(
    command: ConfigCommand,
    mut flags: Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<()> {
    let (arguments, shows) = match command {
        ConfigCommand::Check(arguments) => (arguments, None),
        ConfigCommand::Show { arguments, origin } => (arguments, Some(origin)),
    };
    flags.listen = arguments.listen;
    flags.log_format = arguments.log_format;
    let settings = Settings::load(flags, environment)?;
    match shows {
        Some(origin) => show(&settings.shown(), origin, arguments.json),
        None => check(&settings, arguments.json)?,
    }
    Ok(())
}

/// Says what a start or SIGHUP would say of the settings.
fn check(settings: &Settings, as_json: bool) -> Result<()> {
    Prepared::read(settings)?;
    let all = settings.shown();
    let set = all
        .iter()
        .filter(|one| one.origin != SettingOrigin::Default)
        .count();
    if as_json {
        print_line(&json!({ "right": true, "settings": all.len(), "set": set }).to_string());
    } else {
        let rest = all.len() - set;
        print_line(&format!(
            "The settings are all right: {set} are set, {rest} have their defaults"
        ));
    }
    Ok(())
}

/// The value as it is written; of upstreams the names, for the rest would be too much for a line.
fn value(setting: &ShownSetting) -> String {
    match &setting.value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) if items.iter().any(Value::is_object) => names(&setting.value),
        other => shown(other),
    }
}

fn show(settings: &[ShownSetting], origin: bool, as_json: bool) {
    if as_json {
        let views: Vec<SettingView> = settings.iter().map(SettingView::from).collect();
        return print_line(&json!({ "settings": views }).to_string());
    }
    if origin {
        let row = |one: &ShownSetting| [one.name.clone(), value(one), one.origin.to_string()];
        let rows: Vec<_> = settings.iter().map(row).collect();
        print_table(["setting", "value", "from"], &rows);
    } else {
        let row = |one: &ShownSetting| [one.name.clone(), value(one)];
        let rows: Vec<_> = settings.iter().map(row).collect();
        print_table(["setting", "value"], &rows);
    }
}
