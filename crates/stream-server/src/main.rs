//! The stream service: hands out stream keys, tells media servers who may publish, and viewers what is live.

mod app;
mod background;
mod banner;
mod commands;
mod config;
mod failure;
mod refusal;
mod secret;
mod signals;
mod store;
mod system;
mod telemetry;
mod value;

use std::process::ExitCode;

use crate::config::CommandLine;

#[tokio::main]
async fn main() -> ExitCode {
    let command_line = match CommandLine::read() {
        Ok(command_line) => command_line,
        Err(error) => return refusal::report(&error),
    };
    let log = telemetry::start(command_line.log());
    let done = match command_line.parse(&system::environment()) {
        Ok(command) => commands::run(command).await,
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log.end_with(&failure.to_string());
            failure.exit_code()
        }
    }
}
