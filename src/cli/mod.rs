//! The command line: one file per command; prints for people, `--json` for programs.

mod assign;
mod audit;
mod control;
mod expiry;
mod explain;
mod find;
mod keys;
mod log_faults;
mod logging;
mod prices;
mod print;
mod profiles;
mod roles;
mod serve;
mod sign_in;
mod users;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::print::print_line;
use crate::config::{Flags, LogFormat, Settings};
use crate::domain::values::shell_word::shell_word;
use crate::error::{Error, Result};
use crate::http::openapi;

/// Access profiles for AI gateways, in one binary and one SQLite file.
#[derive(Parser)]
#[command(name = "tollkeeper", version, about)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArguments,
    /// The settings file [default: config.toml, if there is one]
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
    /// How log lines look [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
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
    /// List and make access profiles
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// List, make and delete users, and put them into roles
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// List, make and delete roles
    #[command(subcommand)]
    Roles(roles::RolesCommand),
    /// Check that the audit log is as it was written
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Say what would be decided on a call, and every step that leads to it
    Explain(explain::ExplainArguments),
    /// Show, check and import what models cost
    #[command(subcommand)]
    Prices(prices::PricesCommand),
    /// Print the OpenAPI document
    Openapi,
}

/// How a command line that is not understood ends (`EX_USAGE` of sysexits.h): 2 is what `audit verify` says of a bad log.
const USAGE: u8 = 64;

/// Reads the command line; prints help, or what is wrong with it.
///
/// # Errors
/// The code to exit with.
pub fn parse() -> std::result::Result<CommandLine, ExitCode> {
    CommandLine::try_parse().map_err(|error| {
        // Nobody may be reading any more.
        let _ = error.print();
        if error.use_stderr() {
            ExitCode::from(USAGE)
        } else {
            ExitCode::SUCCESS
        }
    })
}

/// Runs one command and says how it ended: 0 done, 1 failed, or what the command says of itself. `called` is what the program was
/// called by.
pub fn run(
    line: CommandLine,
    called: Option<OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> ExitCode {
    match dispatch(line, &program(called), environment) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tollkeeper: {error}");
            ExitCode::FAILURE
        }
    }
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
        return Err(Error::refused(
            "--listen and --log-format are for `tollkeeper serve` only",
        ));
    }
    let mut flags = Flags {
        config: line.config,
        data_dir: line.data_dir,
        ..Flags::default()
    };
    match command {
        Command::Serve(arguments) => {
            flags.listen = arguments.listen.or(line.serve.listen);
            flags.log_format = arguments.log_format.or(line.serve.log_format);
            let environment: Vec<_> = environment.into_iter().collect();
            let read = move || Settings::load(flags.clone(), environment.clone());
            serve::run(Box::new(read), program)?;
        }
        Command::Keys(command) => keys::run(command, &Settings::load(flags, environment)?)?,
        Command::SignIn(arguments) => {
            sign_in::run(&arguments, &Settings::load(flags, environment)?)?;
        }
        Command::Assign(arguments) => {
            assign::run(&arguments, &Settings::load(flags, environment)?)?;
        }
        Command::Profiles(command) => {
            profiles::run(command, &Settings::load(flags, environment)?)?;
        }
        Command::Users(command) => users::run(command, &Settings::load(flags, environment)?)?,
        Command::Roles(command) => roles::run(command, &Settings::load(flags, environment)?)?,
        Command::Audit(command) => {
            return audit::run(&command, &Settings::load(flags, environment)?);
        }
        Command::Explain(arguments) => {
            explain::run(arguments, &Settings::load(flags, environment)?)?;
        }
        Command::Prices(command) => {
            return prices::run(command, &Settings::load(flags, environment)?);
        }
        Command::Openapi => {
            print_line(&serde_json::to_string_pretty(&openapi::document()).unwrap_or_default());
        }
    }
    Ok(ExitCode::SUCCESS)
}
