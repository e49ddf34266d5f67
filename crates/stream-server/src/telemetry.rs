//! Logs: one event a line, on standard error; and traces, for whoever collects them.
//!
//! Our own crates log at the level that is set, all others only warnings: at debug level a database driver shows the
//! parameters of queries, and those are stream keys.
//! Without a terminal every line is JSON, those of a panic and of a fatal error included.

mod collector;
mod lines;
mod our_crates;
mod traces;

use std::io::IsTerminal as _;
use std::io::Write as _;
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat};
use crate::telemetry::lines::Lines;
use crate::telemetry::our_crates::OUR_CRATES;
pub(crate) use crate::telemetry::traces::Traces;

/// This crate logs an ERROR for each client that sends anything but HTTP; the service logs those itself.
const NOISY_CRATE: &str = "actix_http";

/// Starts to log, and to trace where traces go somewhere; the returned value writes the last lines when it is dropped.
pub(crate) fn start(config: LogConfig, traces: Option<Traces>) -> Log {
    let LogConfig { level, format } = config;
    let others = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_targets(OUR_CRATES.map(|name| (name, level)));
    let filter = filter.with_target(NOISY_CRATE, LevelFilter::OFF);
    let is_text = is_text(format);
    let lines = Lines::to(std::io::stderr()).expect("the system gives a process that starts one more thread");
    let log = Log { lines: lines.clone(), format, traces };
    // Lines say what they are about themselves. Where nothing else takes spans, none is made.
    let filter = filter.and(filter_fn(|metadata| metadata.is_event()));
    let form = fmt::layer().with_writer(lines);
    let mut layers = vec![if is_text {
        form.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed()
    } else {
        form.json().flatten_event(true).with_filter(filter).boxed()
    }];
    layers.extend(log.traces.as_ref().map(|traces| traces.layer().boxed()));
    tracing_subscriber::registry().with(layers).init();
    traces::read_trace_context();
    std::panic::set_hook(Box::new(log_panic));
    log
}

/// Logs why the process ends when its settings cannot be read, in the form of `LOG_FORMAT` if that can be read.
pub(crate) fn fatal(sentence: &str) {
    let format = std::env::var("LOG_FORMAT").ok().and_then(|text| LogFormat::parse(&text).ok());
    log_fatal(format.unwrap_or_default(), sentence);
}

/// Logs it whatever the level is: it is the one line that explains why the process ended.
fn log_fatal(format: LogFormat, sentence: &str) {
    if is_text(format) {
        // There is nowhere to report that standard error is closed.
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

/// Logs a panic in any thread as an event with its place.
fn log_panic(panic: &PanicHookInfo<'_>) {
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
    traces: Option<Traces>,
}

impl Log {
    /// Writes the remaining lines, then why the process ends.
    pub(crate) fn end_with(self, sentence: &str) {
        self.flush();
        log_fatal(self.format, sentence);
    }

    fn flush(&self) {
        // Sending the last spans may cause a line.
        if let Some(traces) = &self.traces {
            traces.end();
        }
        self.lines.flush();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
pub(crate) mod tests;
