//! The commands: `serve`, and what else the binary does at a terminal, one file each.

mod check_key;
mod desk;
mod doctor;
mod events;
mod generated;
mod healthcheck;
mod migrate;
mod operate;
mod output;
mod schedules;
mod servers;
mod sessions;
mod streams;
mod token;
mod users;

use crate::app;
use crate::config::Command;
use crate::failure::Failure;

/// Runs the command to its end.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(config) => app::serve(*config, doctor::in_service).await,
        Command::Doctor(examination) => doctor::examine(*examination).await,
        Command::Operate { settings, order, is_json } => operate::run(&settings, order, is_json).await,
        Command::Migrate { database, is_dry_run } => migrate::migrate(&database, is_dry_run).await,
        Command::Token { tokens, user, lifetime } => token::token(&tokens, user, lifetime),
        Command::Healthcheck { address } => healthcheck::healthcheck(address),
        Command::Completions { shell } => generated::completions(shell),
        Command::Man { folder } => generated::man_pages(&folder),
    }
}
