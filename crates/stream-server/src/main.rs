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

/// What the process ends with where a setting is wrong, as with a flag that is.
const WRONG_SETTINGS: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, settings } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refusal::tell(&error),
    };
    let log = telemetry::start(&settings);
    let settings = match settings.complete(&system::environment()) {
        Ok(settings) => settings,
        Err(reason) => {
            log.end_with(&reason);
            return ExitCode::from(WRONG_SETTINGS);
        }
    };
    match commands::run(command.unwrap_or(Command::Serve), settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log.end_with(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
