//! The commands as clap reads them; `--help`, completions and man pages are generated from the comments here.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;
use stream_domain::{ServerName, UserId};

/// The commands; without one, `serve` runs.
#[derive(clap::Subcommand)]
pub(super) enum Subcommand {
    /// Serves until SIGTERM or SIGINT (the default).
    Serve,
    /// Examines settings, database, ports, media servers and viewers' addresses, and says what to do; exits with 1 if
    /// something does not work.
    Doctor {
        /// File with a token of the user-service, to see whether it is accepted; - reads standard input.
        #[arg(long, value_name = "PATH")]
        token_file: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Judges stream keys.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Lists, shows and stops the streams of all users.
    Streams {
        #[command(subcommand)]
        command: StreamsCommand,
    },
    /// Lists the sessions of publishers, and kicks publishers.
    Sessions {
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Lists what users have planned.
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Shows what happens to streams and schedules.
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Lists the media servers.
    Servers {
        #[command(subcommand)]
        command: ServersCommand,
    },
    /// Keeps users from streaming, and lets them again.
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Brings the database to the shape that this version needs, and exits.
    Migrate {
        /// Only print what would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// Prints a token for development, as the user-service would issue it.
    Token {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: i64,
        /// How long it is valid.
        #[arg(long, value_name = "MINUTES", default_value_t = 60)]
        minutes: u32,
    },
    /// Asks the instance on HOST and PORT whether it is ready; exits with 1 if not.
    Healthcheck,
    /// Prints a shell's completions for this program.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes man pages into a folder.
    #[command(hide = true)]
    Man {
        /// The folder, which is created if it is missing.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// How a result is shown.
#[derive(Args, Clone, Copy)]
pub(super) struct Output {
    /// Prints JSON, as lists do without a terminal in any case.
    #[arg(long)]
    pub(super) json: bool,
}

/// What can be asked of keys.
#[derive(clap::Subcommand)]
pub(super) enum KeysCommand {
    /// Says whether a publisher with this key would be let in now, at which media server, and if not why; changes nothing
    /// and exits with 1 if it would be refused.
    Check {
        /// The key, or an address that holds it; - reads standard input, which keeps it out of the shell's history.
        // One key in 64 begins with a hyphen.
        #[arg(value_name = "KEY", allow_hyphen_values = true)]
        key: String,
        #[command(flatten)]
        output: Output,
    },
}

/// What can be done with streams.
#[derive(clap::Subcommand)]
pub(super) enum StreamsCommand {
    /// Lists the active streams of all users, newest first.
    List {
        /// Only those that are live.
        #[arg(long)]
        live: bool,
        /// Only public ones whose title, tags or description have these words, the last by its beginning.
        #[arg(long, value_name = "WORDS", conflicts_with = "user")]
        search: Option<String>,
        /// Those of this user, in every state.
        #[arg(long, value_name = "ID", conflicts_with = "live")]
        user: Option<i64>,
        /// How many at most.
        #[arg(long, value_name = "STREAMS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Shows one stream with its last sessions.
    Show {
        /// Its number, its playback id, or its key; - reads standard input.
        #[arg(value_name = "STREAM", allow_hyphen_values = true)]
        stream: String,
        #[command(flatten)]
        output: Output,
    },
    /// Stops a stream, as its owner would: its key admits no publisher any more, and the one that is live is kicked.
    Stop {
        /// Its number, its playback id, or its key; - reads standard input.
        #[arg(
            value_name = "STREAM",
            required_unless_present = "user",
            conflicts_with = "user",
            allow_hyphen_values = true
        )]
        stream: Option<String>,
        /// The user whose active stream is meant.
        #[arg(long, value_name = "ID")]
        user: Option<i64>,
        #[command(flatten)]
        output: Output,
    },
}

/// What can be done with sessions.
#[derive(clap::Subcommand)]
pub(super) enum SessionsCommand {
    /// Lists the open sessions of all users, newest first.
    List {
        /// Only those at this media server.
        #[arg(long, value_name = "NAME", value_parser = parse_server)]
        server: Option<ServerName>,
        /// Only those of the stream with this number.
        #[arg(long, value_name = "NUMBER")]
        stream: Option<i32>,
        /// Those that have ended as well.
        #[arg(long)]
        all: bool,
        /// How many at most.
        #[arg(long, value_name = "SESSIONS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Has its media server end a publisher; its key stays valid, so an encoder may come back: to keep it out, stop the
    /// stream.
    Kick {
        /// The session's number.
        #[arg(value_name = "SESSION")]
        session: i64,
        #[command(flatten)]
        output: Output,
    },
}

/// What can be asked of schedules.
#[derive(clap::Subcommand)]
pub(super) enum ScheduleCommand {
    /// Lists the schedules of all users that have not ended, soonest first; unlisted and canceled ones included.
    List {
        /// Only this user's.
        #[arg(long, value_name = "ID", value_parser = parse_user)]
        user: Option<UserId>,
        /// Those that have ended as well, as long as they are kept.
        #[arg(long)]
        all: bool,
        /// How many at most.
        #[arg(long, value_name = "SCHEDULES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
}

/// What can be asked of events.
#[derive(clap::Subcommand)]
pub(super) enum EventsCommand {
    /// Prints the events of all users as they happen, a line each, until it is stopped.
    Tail {
        /// Only this user's.
        #[arg(long, value_name = "ID", value_parser = parse_user)]
        user: Option<UserId>,
        /// Begin with what follows this position; 0 for all.
        #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(0..))]
        after: Option<i64>,
        /// Print what there is, all that is kept without --after, and exit.
        #[arg(long)]
        no_follow: bool,
        #[command(flatten)]
        output: Output,
    },
}

/// What can be asked of media servers.
#[derive(clap::Subcommand)]
pub(super) enum ServersCommand {
    /// Lists the media servers of MEDIA_SERVERS and those that were heard of, with their publishers.
    #[expect(clippy::doc_markdown, reason = "this comment is what --help prints")]
    List {
        #[command(flatten)]
        output: Output,
    },
}

/// What can be done about users.
#[derive(clap::Subcommand)]
pub(super) enum UsersCommand {
    /// Blocks a user: the active stream is stopped, its publisher is kicked, and there is no new key.
    Block {
        /// The user's number.
        #[arg(value_name = "USER", value_parser = parse_user)]
        user: UserId,
        /// Why, in words that the user is told: a line of at most 500 characters.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Lifts a user's block.
    Unblock {
        /// The user's number.
        #[arg(value_name = "USER", value_parser = parse_user)]
        user: UserId,
        #[command(flatten)]
        output: Output,
    },
    /// Lists the users who are blocked, the latest block first.
    ListBlocked {
        /// How many at most.
        #[arg(long, value_name = "USERS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
}

fn parse_user(text: &str) -> Result<UserId, String> {
    UserId::parse(text).map_err(|error| error.to_string())
}

fn parse_server(text: &str) -> Result<ServerName, String> {
    ServerName::parse(text).map_err(|error| error.to_string())
}
