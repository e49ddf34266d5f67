//! The stream service: hands out stream keys, tells media servers who may publish, and viewers what is live.

mod app;
mod banner;
mod broadcasts;
mod commands;
mod config;
mod media_servers;
mod secret;
mod system;
mod telemetry;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::Command;
use crate::config::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, settings } = Arguments::parse();
    let log = telemetry::start(&settings);
    let done = match command.unwrap_or(Command::Serve) {
        Command::Serve => app::serve(settings).await,
        Command::Migrate { dry_run } => commands::migrate(&settings, dry_run).await,
        Command::Token { user, minutes } => commands::token(&settings, user, minutes),
        Command::Healthcheck => commands::healthcheck(&settings),
    };
    drop(log);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "stream-server: {failure}");
            ExitCode::FAILURE
        }
    }
}
