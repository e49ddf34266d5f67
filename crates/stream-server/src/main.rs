//! The stream service: hands out stream keys, tells media servers who may publish, and viewers what is live.

mod app;
mod background;
mod banner;
mod commands;
mod config;
mod development;
mod failure;
mod refusal;
mod secret;
mod signals;
mod store;
mod system;
mod telemetry;
mod value;
mod wiring;

use std::process::ExitCode;

use crate::config::CommandLine;
use crate::telemetry::Traces;

#[tokio::main]
async fn main() -> ExitCode {
    let command_line = match CommandLine::read() {
        Ok(command_line) => command_line,
        Err(error) => return refusal::report(&error),
    };
    let environment = system::environment();
    let traces = command_line.traces(&environment);
    let traces = traces.and_then(|config| config.as_ref().map(Traces::to).transpose());
    let (traces, wrong_traces) = match traces {
        Ok(traces) => (traces, None),
        Err(failure) => (None, Some(failure)),
    };
    let log = telemetry::start(command_line.log(), traces);
    let done = match (wrong_traces, command_line.parse(&environment)) {
        (None, Ok(command)) => commands::run(command).await,
        (Some(failure), _) | (None, Err(failure)) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log.end_with(&failure.to_string());
            failure.exit_code()
        }
    }
}
