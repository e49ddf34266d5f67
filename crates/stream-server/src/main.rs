//! The stream service: hands out stream keys, tells media servers who may publish, and viewers what is live.

mod app;
mod background;
mod banner;
mod broadcasts;
mod commands;
mod config;
mod failure;
mod media_servers;
mod near_names;
mod preparation;
mod refusal;
mod secret;
mod signals;
mod skew;
mod supervisor;
mod system;
mod telemetry;
mod value;

use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::Command;
use crate::config::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, settings } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refusal::tell(&error),
    };
    let log = telemetry::start(&settings);
    let done = match settings.complete(&system::environment()) {
        Ok(settings) => commands::run(command.unwrap_or(Command::Serve), settings).await,
        Err(reason) => Err(failure::Failure::new(reason)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log.end_with(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
