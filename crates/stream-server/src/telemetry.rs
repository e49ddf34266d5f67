//! Logs: one event a line, on standard error.
//!
//! Our own crates log at the level that is set, all others only warnings: at debug level a database driver shows the
//! parameters of queries, and those are stream keys.

mod lines;

use std::io::IsTerminal as _;

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

/// Begins to log; what is returned writes the last lines when it is dropped.
pub(crate) fn start(settings: &Settings) -> Log {
    let level = settings.level();
    let others = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_targets(OUR_CRATES.map(|name| (name, level)));
    let is_terminal = std::io::stderr().is_terminal();
    let is_text = match settings.log_format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = Lines::to(std::io::stderr()).expect("the system gives a process that starts one more thread");
    let log = Log(lines.clone());
    let events = tracing_subscriber::registry().with(filter);
    if is_text {
        events.with(fmt::layer().with_writer(lines).with_ansi(is_terminal)).init();
    } else {
        events.with(fmt::layer().json().flatten_event(true).with_writer(lines)).init();
    }
    log
}

/// The log of the process.
pub(crate) struct Log(Lines);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}
