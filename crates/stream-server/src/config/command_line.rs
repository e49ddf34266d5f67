//! What the program was called with, and what it is to do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser as _;
use clap_complete::Shell;
use stream_domain::ports::SessionFilter;
use stream_domain::{SessionId, StreamId, UserId};

use crate::config::broadcasts::BroadcastConfig;
use crate::config::commands::{
    EventsCommand, KeysCommand, ScheduleCommand, ServersCommand, SessionsCommand, StreamsCommand, Subcommand,
    UsersCommand,
};
use crate::config::database::DatabaseConfig;
use crate::config::flags::{Arguments, Flags, variables};
use crate::config::logs::LogConfig;
use crate::config::near_names::NearName;
use crate::config::service::Config;
use crate::config::tokens::TokenConfig;
use crate::config::traces::TracesConfig;
use crate::config::{files, near_names};
use crate::failure::Failure;

/// What the program is to do, with the settings for it.
pub(crate) enum Command {
    /// Serve until a signal.
    Serve(Box<Config>),
    /// Examine the installation.
    Doctor(Box<Examination>),
    /// Work on streams and sessions as an operator.
    Operate { settings: Box<OperatorConfig>, order: Order, is_json: bool },
    /// Bring the database up to date, or only print what would change.
    Migrate { database: DatabaseConfig, is_dry_run: bool },
    /// Print a token for development.
    Token { tokens: TokenConfig, user: i64, lifetime: time::Duration },
    /// Ask the instance at this address whether it is ready.
    Healthcheck { address: SocketAddr },
    /// Print completions.
    Completions { shell: Shell },
    /// Write man pages.
    Man { folder: PathBuf },
}

/// What an examination looks at; settings that are wrong are a part of what it finds.
pub(crate) struct Examination {
    /// Every setting, or what is wrong with one.
    pub(crate) config: Result<Config, String>,
    /// The database, which may be looked at where another setting is wrong.
    pub(crate) database: Result<DatabaseConfig, String>,
    /// Where a token of the user-service is, if it is to be tried; `-` is standard input.
    pub(crate) token_file: Option<PathBuf>,
    /// Whether JSON is wanted.
    pub(crate) is_json: bool,
}

/// What operators' commands need.
pub(crate) struct OperatorConfig {
    /// The database.
    pub(crate) database: DatabaseConfig,
    /// The media servers, and how publishers are admitted there.
    pub(crate) broadcasts: BroadcastConfig,
}

/// What an operator wants; streams and keys are as they were typed.
pub(crate) enum Order {
    /// Judge a key.
    CheckKey { key: String },
    /// List streams: a user's in every state, or the active ones, or those of them that are live or have some words.
    ListStreams { user: Option<i64>, is_live: bool, search: Option<String>, limit: u32 },
    /// Show a stream.
    ShowStream { stream: String },
    /// Stop a stream.
    StopStream { stream: String },
    /// Stop a user's active stream.
    StopUser { user: i64 },
    /// List sessions.
    ListSessions { filter: SessionFilter, limit: u32 },
    /// Kick a publisher.
    KickSession { session: SessionId },
    /// List schedules of everybody or of a user: those that are to come, or all that are kept.
    ListSchedules { user: Option<UserId>, is_all: bool, limit: u32 },
    /// Show events of everybody or of a user: those that happen, or those after a position; on and on, or to the end.
    TailEvents { user: Option<UserId>, after: Option<i64>, is_ended: bool },
    /// List media servers.
    ListServers,
    /// Block a user, and stop the active stream.
    BlockUser { user: UserId, reason: Option<String> },
    /// Lift a user's block.
    UnblockUser { user: UserId },
    /// List the users who are blocked.
    ListBlocked { limit: u32 },
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

    /// Where the traces of what the command does go; only the service has any.
    pub(crate) fn traces(
        &self,
        environment: &BTreeMap<String, String>,
    ) -> Result<Option<TracesConfig>, Failure> {
        match self.command {
            Subcommand::Serve => {
                let endpoint = self.flags.otel_exporter_otlp_endpoint.as_deref();
                TracesConfig::parse(endpoint, environment).map_err(Failure::wrong_setting)
            }
            _ => Ok(None),
        }
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
    let files = files::read_into(&mut flags);
    let near_names = near_names::find(environment, &variables());
    let command = match command {
        // These need no settings, so that none can stop them.
        Subcommand::Completions { shell } => return Ok(Command::Completions { shell }),
        Subcommand::Man { folder } => return Ok(Command::Man { folder }),
        Subcommand::Doctor { token_file, output } => {
            return Ok(Command::Doctor(Box::new(Examination {
                database: files.clone().and_then(|()| DatabaseConfig::parse(&flags, &near_names)),
                config: files.and_then(|()| Config::parse(flags, near_names, environment)),
                token_file,
                is_json: output.json,
            })));
        }
        command => command,
    };
    files?;
    let (order, output) = match command {
        Subcommand::Keys { command: KeysCommand::Check { key, output } } => (Order::CheckKey { key }, output),
        Subcommand::Streams { command } => match command {
            StreamsCommand::List { live, search, user, limit, output } => {
                (Order::ListStreams { user, is_live: live, search, limit }, output)
            }
            StreamsCommand::Show { stream, output } => (Order::ShowStream { stream }, output),
            StreamsCommand::Stop { stream, user, output } => match (stream, user) {
                (Some(stream), _) => (Order::StopStream { stream }, output),
                (None, Some(user)) => (Order::StopUser { user }, output),
                (None, None) => return Err("name the stream, or its user by --user".to_owned()),
            },
        },
        Subcommand::Sessions { command } => match command {
            SessionsCommand::List { server, stream, all, limit, output } => {
                let streams = stream.map(|stream| vec![StreamId(stream)]);
                let filter = SessionFilter { server, streams, is_open: !all, ..SessionFilter::default() };
                (Order::ListSessions { filter, limit }, output)
            }
            SessionsCommand::Kick { session, output } => {
                (Order::KickSession { session: SessionId(session) }, output)
            }
        },
        Subcommand::Schedule { command: ScheduleCommand::List { user, all, limit, output } } => {
            (Order::ListSchedules { user, is_all: all, limit }, output)
        }
        Subcommand::Events { command: EventsCommand::Tail { user, after, no_follow, output } } => {
            (Order::TailEvents { user, after, is_ended: no_follow }, output)
        }
        Subcommand::Servers { command: ServersCommand::List { output } } => (Order::ListServers, output),
        Subcommand::Users { command } => match command {
            UsersCommand::Block { user, reason, output } => (Order::BlockUser { user, reason }, output),
            UsersCommand::Unblock { user, output } => (Order::UnblockUser { user }, output),
            UsersCommand::ListBlocked { limit, output } => (Order::ListBlocked { limit }, output),
        },
        other => return parse_other(&other, flags, near_names, environment),
    };
    let settings = OperatorConfig {
        database: DatabaseConfig::parse(&flags, &near_names)?,
        broadcasts: BroadcastConfig::parse(&flags)?,
    };
    Ok(Command::Operate { settings: Box::new(settings), order, is_json: output.json })
}

/// The commands that are no operator's.
fn parse_other(
    command: &Subcommand,
    flags: Flags,
    near_names: Vec<NearName>,
    environment: &BTreeMap<String, String>,
) -> Result<Command, String> {
    Ok(match *command {
        Subcommand::Migrate { dry_run } => {
            Command::Migrate { database: DatabaseConfig::parse(&flags, &near_names)?, is_dry_run: dry_run }
        }
        Subcommand::Token { user, minutes } => Command::Token {
            tokens: TokenConfig::parse(&flags, &near_names)?,
            user,
            lifetime: time::Duration::minutes(minutes.into()),
        },
        Subcommand::Healthcheck => Command::Healthcheck { address: SocketAddr::new(flags.host, flags.port) },
        _ => Command::Serve(Box::new(Config::parse(flags, near_names, environment)?)),
    })
}
