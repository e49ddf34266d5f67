//! What the program was called with, and what it is to do.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Parser as _;

use crate::config::database::DatabaseConfig;
use crate::config::flags::{Arguments, Flags, Subcommand, variables};
use crate::config::logs::LogConfig;
use crate::config::service::Config;
use crate::config::tokens::TokenConfig;
use crate::config::{files, near_names};
use crate::failure::Failure;

/// What the program is to do, with the settings for it.
pub(crate) enum Command {
    /// Serve until a signal.
    Serve(Box<Config>),
    /// Bring the database up to date, or only print what would change.
    Migrate { database: DatabaseConfig, is_dry_run: bool },
    /// Print a token for development.
    Token { tokens: TokenConfig, user: i64, lifetime: time::Duration },
    /// Ask the instance at this address whether it is ready.
    Healthcheck { address: SocketAddr },
}

/// Flags and variables that clap accepted.
pub(crate) struct CommandLine {
    command: Subcommand,
    flags: Flags,
}

impl CommandLine {
    /// Reads the arguments and the environment of the process; an error may also be `--help` or `--version`.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        Arguments::try_parse().map(Self::from)
    }

    /// How to log.
    pub(crate) fn log(&self) -> LogConfig {
        LogConfig::new(self.flags.log_level, self.flags.flask_debug, self.flags.log_format)
    }

    /// Parses the settings that the command needs; `environment` is searched for misspelt names of settings.
    pub(crate) fn parse(self, environment: &BTreeMap<String, String>) -> Result<Command, Failure> {
        let command = parse(self, environment);
        command.map_err(Failure::wrong_setting)
    }
}

impl From<Arguments> for CommandLine {
    fn from(arguments: Arguments) -> Self {
        Self { command: arguments.command.unwrap_or(Subcommand::Serve), flags: arguments.flags }
    }
}

fn parse(
    CommandLine { command, mut flags }: CommandLine,
    environment: &BTreeMap<String, String>,
) -> Result<Command, String> {
    files::read_into(&mut flags)?;
    let near_names = near_names::find(environment, &variables());
    Ok(match command {
        Subcommand::Serve => Command::Serve(Box::new(Config::parse(flags, near_names)?)),
        Subcommand::Migrate { dry_run } => {
            Command::Migrate { database: DatabaseConfig::parse(&flags, &near_names)?, is_dry_run: dry_run }
        }
        Subcommand::Token { user, minutes } => Command::Token {
            tokens: TokenConfig::parse(&flags, &near_names)?,
            user,
            lifetime: time::Duration::minutes(minutes.into()),
        },
        Subcommand::Healthcheck => Command::Healthcheck { address: SocketAddr::new(flags.host, flags.port) },
    })
}
