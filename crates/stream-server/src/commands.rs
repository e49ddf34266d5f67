//! What the binary does besides serving.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Subcommand;
use stream_domain::UserId;
use stream_domain::ports::Clock as _;

use crate::app::{self, Store};
use crate::config::Settings;
use crate::failure::Failure;
use crate::secret;
use crate::system::{OsEntropy, SystemClock};

/// How long a health check waits.
const HEALTHCHECK_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves until SIGTERM or SIGINT (the default).
    Serve,
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
}

/// Runs one.
pub(crate) async fn run(command: Command, settings: Settings) -> Result<(), Failure> {
    match command {
        Command::Serve => app::serve(settings).await,
        Command::Migrate { dry_run } => migrate(&settings, dry_run).await,
        Command::Token { user, minutes } => token(&settings, user, minutes),
        Command::Healthcheck => healthcheck(&settings),
    }
}

/// `migrate`.
async fn migrate(settings: &Settings, dry_run: bool) -> Result<(), Failure> {
    let store = Store::open(settings)?;
    if dry_run {
        return say(&store.plan_migration().await?);
    }
    let done = store.migrate().await?;
    if done.is_empty() {
        return say("The database is up to date.");
    }
    say(&format!("Ran the migrations {}.", done.join(", ")))
}

/// `token`.
fn token(settings: &Settings, user: i64, minutes: u32) -> Result<(), Failure> {
    let user = UserId::new(user).map_err(|error| Failure::new(format!("--user: {error}")))?;
    let (secret, _) = secret::find(settings, &OsEntropy)?;
    let lifetime = time::Duration::minutes(minutes.into());
    let token = settings.claim_rules().mint(secret.main(), user, SystemClock.now(), lifetime);
    let token = token.ok_or_else(|| Failure::new("the token could not be signed"))?;
    say(token.expose())
}

/// `healthcheck`.
fn healthcheck(settings: &Settings) -> Result<(), Failure> {
    let host = match settings.host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let address = SocketAddr::new(host, settings.port);
    let answer = ask(address).map_err(|error| Failure::new(format!("{address} does not answer: {error}")))?;
    let status_line = answer.lines().next().unwrap_or_default();
    if status_line.split(' ').nth(1) == Some("200") {
        return say("ready");
    }
    let reason = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(Failure::new(format!("{address} is not ready: {status_line} {reason}")))
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTHCHECK_PATIENCE)?;
    stream.set_read_timeout(Some(HEALTHCHECK_PATIENCE))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Failure::new(format!("standard output: {error}")))
}
