//! The command line: one file per command; prints for people, `--json` for programs.

mod assign;
mod audit;
mod backup;
mod config;
mod control;
mod doctor;
mod exit;
mod expiry;
mod explain;
mod find;
mod healthcheck;
mod keys;
mod log_faults;
mod logging;
mod migrate;
mod overrides;
mod prices;
mod print;
mod profiles;
mod restore;
mod roles;
mod running;
mod serve;
mod sign_in;
mod status;
mod table;
mod upstreams;
mod usage;
mod users;
mod version;
mod virtual_keys;
mod written;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use self::print::print_line;
use crate::config::{Flags, Settings};
use crate::domain::values::shell_word::shell_word;
use crate::error::{Error, Result};
use crate::http::openapi;

/// Access profiles for AI gateways, in one binary and one SQLite file.
#[derive(Parser)]
#[command(name = "tollkeeper", version, about, after_help = exit::CODES)]
pub struct CommandLine {
    /// Whether an error is for programs, whatever command it is of.
    #[arg(skip)]
    as_json: bool,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArguments,
    /// The settings file [default: config.toml, or else /etc/tollkeeper/config.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is stored [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Args, Default)]
struct ServeArguments {
    /// Where to listen: addresses and ports, with https:// before those with TLS, unix:PATH; commas between them [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// How log lines look: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl ServeArguments {
    fn is_given(&self) -> bool {
        self.listen.is_some() || self.log_format.is_some()
    }
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (this is what happens without a command)
    Serve(ServeArguments),
    /// Make, list and revoke management API keys, with the server running or not
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Print a link that opens the admin page signed in, once
    SignIn(sign_in::SignInArguments),
    /// Give a user an access profile; prints the virtual key once
    Assign(assign::AssignArguments),
    /// List, show, make, copy, switch off and delete access profiles, and bring back their versions
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// List, show, make and delete users, and put them into roles
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// List, show, make, rotate and delete virtual keys
    #[command(subcommand)]
    VirtualKeys(virtual_keys::VirtualKeysCommand),
    /// Let single users spend more than their budgets say
    #[command(subcommand)]
    Overrides(overrides::OverridesCommand),
    /// Show what was called, used and refused
    Usage(usage::UsageArguments),
    /// List, make and delete roles
    #[command(subcommand)]
    Roles(roles::RolesCommand),
    /// Check that the audit log is as it was written
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Say what would be decided on a call, and every step that leads to it
    Explain(explain::ExplainArguments),
    /// Show, give, check and import what models cost
    #[command(subcommand)]
    Prices(prices::PricesCommand),
    /// List and show upstreams, and how each answered last
    #[command(subcommand)]
    Upstreams(upstreams::UpstreamsCommand),
    /// Check the settings, or show them
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Say what a start of this version would change in the database
    Migrate(migrate::MigrateArguments),
    /// Print what a shell needs to complete commands
    Completions {
        /// Which shell
        shell: written::KnownShell,
    },
    /// Print the manual page
    Man(written::ManArguments),
    /// Make a backup of everything, with the server running or not
    Backup(backup::BackupArguments),
    /// Put what is in a backup into the place of what is in the data directory of a stopped server
    Restore(restore::RestoreArguments),
    /// Check that a backup can be restored
    Verify(restore::VerifyArguments),
    /// Say how the server is: whether decisions can be made, and what to look after
    Status(status::StatusArguments),
    /// Look for what is wrong with settings, data directory and database, and say what to do
    Doctor(doctor::DoctorArguments),
    /// Exit with 0 while decisions can be made, else with 1; for images that have no other client
    #[command(after_help = "Example:\n  tollkeeper healthcheck")]
    Healthcheck,
    /// Print the version, and what it was made of
    #[command(after_help = "Example:\n  tollkeeper version --json")]
    Version(version::VersionArguments),
    /// Print the OpenAPI document
    Openapi,
}

/// Reads the command line; prints help, or what is wrong with it.
///
/// # Errors
/// The code to exit with.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> std::result::Result<CommandLine, ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let as_json = arguments.iter().any(|argument| argument == "--json");
    match CommandLine::try_parse_from(arguments) {
        Ok(line) => Ok(CommandLine { as_json, ..line }),
        Err(error) if as_json && error.use_stderr() => {
            let said = error.to_string();
            let said = said.trim().trim_start_matches("error: ");
            Err(exit::end(&Error::usage(said), true))
        }
        Err(error) => {
            // Nobody may be reading any more.
            let _ = error.print();
            Err(if error.use_stderr() {
                ExitCode::from(exit::USAGE)
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

/// Runs one command and says how it ended; `exit.rs` has the codes. `called` is what the program was called by.
pub fn run(
    line: CommandLine,
    called: Option<OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> ExitCode {
    let as_json = line.as_json;
    dispatch(line, &program(called), environment).unwrap_or_else(|error| exit::end(&error, as_json))
}

/// The program as it can be typed again: by the path that it was called by, or by its name where a shell finds that.
fn program(called: Option<OsString>) -> String {
    let path = called.map(PathBuf::from);
    let path = path.filter(|path| path.components().count() > 1);
    path.map_or_else(|| "tollkeeper".to_owned(), |path| shell_word(&path))
}

fn dispatch(
    line: CommandLine,
    program: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<ExitCode> {
    let command = line
        .command
        .unwrap_or(Command::Serve(ServeArguments::default()));
    if !matches!(command, Command::Serve(_)) && line.serve.is_given() {
        return Err(Error::usage(
            "--listen and --log-format are for `tollkeeper serve` only",
        ));
    }
    let mut flags = Flags {
        config: line.config,
        data_dir: line.data_dir,
        ..Flags::default()
    };
    match command {
        Command::Config(command) => config::run(command, flags, environment)?,
        Command::Completions { shell } => written::completions(shell, CommandLine::command())?,
        Command::Man(arguments) => written::man(&arguments, CommandLine::command())?,
        Command::Version(arguments) => version::run(&arguments),
        Command::Openapi => {
            print_line(&serde_json::to_string_pretty(&openapi::document()).unwrap_or_default());
        }
        Command::Serve(arguments) => {
            flags.listen = arguments.listen.or(line.serve.listen);
            flags.log_format = arguments.log_format.or(line.serve.log_format);
            let environment: Vec<_> = environment.into_iter().collect();
            let read = move || Settings::load(flags.clone(), environment.clone());
            serve::run(Box::new(read), program)?;
        }
        command => return with_settings(command, &Settings::load(flags, environment)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// The commands that work on a data directory.
fn with_settings(command: Command, settings: &Settings) -> Result<ExitCode> {
    match command {
        Command::Keys(command) => keys::run(command, settings)?,
        Command::SignIn(arguments) => sign_in::run(&arguments, settings)?,
        Command::Assign(arguments) => assign::run(&arguments, settings)?,
        Command::Profiles(command) => profiles::run(command, settings)?,
        Command::Users(command) => users::run(command, settings)?,
        Command::VirtualKeys(command) => virtual_keys::run(command, settings)?,
        Command::Overrides(command) => overrides::run(command, settings)?,
        Command::Usage(arguments) => usage::run(&arguments, settings)?,
        Command::Roles(command) => roles::run(command, settings)?,
        Command::Audit(command) => return audit::run(&command, settings),
        Command::Explain(arguments) => explain::run(arguments, settings)?,
        Command::Prices(command) => prices::run(command, settings)?,
        Command::Upstreams(command) => upstreams::run(command, settings)?,
        Command::Migrate(arguments) => migrate::run(&arguments, settings)?,
        Command::Status(arguments) => return status::run(&arguments, settings),
        Command::Doctor(arguments) => return doctor::run(&arguments, settings),
        Command::Healthcheck => return healthcheck::run(settings),
        Command::Backup(arguments) => return backup::run(&arguments, settings),
        Command::Restore(arguments) => restore::restore(&arguments, settings)?,
        Command::Verify(arguments) => restore::verify(&arguments, settings)?,
        Command::Serve(_)
        | Command::Config(_)
        | Command::Completions { .. }
        | Command::Man(_)
        | Command::Version(_)
        | Command::Openapi => {}
    }
    Ok(ExitCode::SUCCESS)
}
