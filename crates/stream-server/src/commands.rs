//! The commands: `serve`, and what else the binary does at a terminal.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use stream_domain::UserId;
use stream_domain::ports::Clock as _;

use crate::app;
use crate::config::{Command, DatabaseConfig, TokenConfig};
use crate::failure::Failure;
use crate::store::Store;
use crate::system::{OsEntropy, SystemClock};

/// How long a health check waits for each step.
const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs the command to its end.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(config) => app::serve(*config).await,
        Command::Migrate { database, is_dry_run } => migrate(&database, is_dry_run).await,
        Command::Token { tokens, user, lifetime } => token(&tokens, user, lifetime),
        Command::Healthcheck { address } => healthcheck(address),
    }
}

/// `migrate`.
async fn migrate(database: &DatabaseConfig, is_dry_run: bool) -> Result<(), Failure> {
    let store = Store::open(database)?;
    if is_dry_run {
        return print(&store.plan_migration().await?);
    }
    let done = store.migrate().await?;
    if done.is_empty() {
        return print("The database is up to date.");
    }
    print(&format!("Ran the migrations {}.", done.join(", ")))
}

/// `token`.
fn token(tokens: &TokenConfig, user: i64, lifetime: time::Duration) -> Result<(), Failure> {
    let user = UserId::new(user).map_err(|error| Failure::new(format!("--user: {error}")))?;
    let secret = tokens.secret.read(&OsEntropy)?;
    let token = tokens.rules.mint(secret.main(), user, SystemClock.now(), lifetime);
    let token = token.ok_or_else(|| Failure::new("the token could not be signed"))?;
    print(token.expose())
}

/// `healthcheck`.
fn healthcheck(address: SocketAddr) -> Result<(), Failure> {
    let host = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let address = SocketAddr::new(host, address.port());
    let answer = ask(address).map_err(|error| Failure::new(format!("{address} does not answer: {error}")))?;
    let status_line = answer.lines().next().unwrap_or_default();
    if status_line.split(' ').nth(1) == Some("200") {
        return print("ready");
    }
    let reason = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(Failure::new(format!("{address} is not ready: {status_line} {reason}")))
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTHCHECK_TIMEOUT)?;
    stream.set_read_timeout(Some(HEALTHCHECK_TIMEOUT))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn print(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Failure::new(format!("standard output: {error}")))
}
