//! Logs: one event a line, on standard error.
//!
//! Our own crates log at the level that is set, all others only warnings: at debug level a database driver shows the
//! parameters of queries, and those are stream keys.
//! Where nobody sits at a terminal every line is JSON, the last one of a process that fails and a panic's included.

mod lines;

use std::io::IsTerminal as _;
use std::io::Write as _;
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, Settings};
use crate::telemetry::lines::Lines;

const OUR_CRATES: [&str; 8] = [
    "stream_coalesce",
    "stream_domain",
    "stream_http",
    "stream_jwt",
    "stream_media",
    "stream_postgres",
    "stream_server",
    "stream_sqlite",
];

/// What this crate says is an ERROR for each stranger who sends something else than HTTP; we log those ourselves.
const TALK_OF_STRANGERS: &str = "actix_http";

/// Begins to log; what is returned writes the last lines when it is dropped.
pub(crate) fn start(settings: &Settings) -> Log {
    let level = settings.level();
    let others = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_targets(OUR_CRATES.map(|name| (name, level)));
    let filter = filter.with_target(TALK_OF_STRANGERS, LevelFilter::OFF);
    let is_text = is_text(settings.log_format);
    let lines = Lines::to(std::io::stderr()).expect("the system gives a process that starts one more thread");
    let log = Log { lines: lines.clone(), format: settings.log_format };
    let events = tracing_subscriber::registry().with(filter);
    if is_text {
        events.with(fmt::layer().with_writer(lines).with_ansi(std::io::stderr().is_terminal())).init();
    } else {
        events.with(fmt::layer().json().flatten_event(true).with_writer(lines)).init();
    }
    std::panic::set_hook(Box::new(tell_of_panic));
    log
}

/// The last words of a process whose settings cannot be read, in the form that `LOG_FORMAT` names if that can.
pub(crate) fn fatal(sentence: &str) {
    let format = std::env::var("LOG_FORMAT").ok().and_then(|text| LogFormat::parse(&text).ok());
    say(format.unwrap_or_default(), sentence);
}

/// Says it at any level: nothing explains a process that ended as well as this.
fn say(format: LogFormat, sentence: &str) {
    if is_text(format) {
        // There is nowhere to say that it cannot be said.
        let _ = writeln!(std::io::stderr(), "stream-server: {sentence}");
        return;
    }
    let json = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(json);
    tracing::subscriber::with_default(subscriber, || tracing::error!("{sentence}"));
}

fn is_text(format: LogFormat) -> bool {
    match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    }
}

/// Whatever panics, in whichever thread, is an event with its place.
fn tell_of_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    let payload = panic.payload();
    let formatted = payload.downcast_ref::<String>().map(String::as_str);
    let reason = formatted.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    tracing::error!(place, thread = thread.name(), reason, "a defect: the program panicked");
}

/// The log of the process.
pub(crate) struct Log {
    lines: Lines,
    format: LogFormat,
}

impl Log {
    /// Writes what is left, and why the process ends.
    pub(crate) fn end_with(self, sentence: &str) {
        self.lines.flush();
        say(self.format, sentence);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.flush();
    }
}

#[cfg(test)]
pub(crate) mod tests;
