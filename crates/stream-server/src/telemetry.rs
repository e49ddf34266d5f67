//! Logs: one event a line, on standard error.
//!
//! Our own crates log at the level that is set, all others only warnings: at debug level a database driver shows the
//! parameters of queries, and those are stream keys.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, Settings};

const OUR_CRATES: [&str; 7] = [
    "stream_domain",
    "stream_http",
    "stream_jwt",
    "stream_media",
    "stream_postgres",
    "stream_server",
    "stream_sqlite",
];

/// Begins to log.
pub(crate) fn start(settings: &Settings) {
    let level = settings.level();
    let others = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_targets(OUR_CRATES.map(|name| (name, level)));
    let is_text = match settings.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::registry().with(filter);
    if is_text {
        lines
            .with(fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()))
            .init();
    } else {
        lines.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).init();
    }
}
