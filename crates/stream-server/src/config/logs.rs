//! `LOG_LEVEL`, `LOG_FORMAT` and `FLASK_DEBUG`: how much is logged, and in which form.

use tracing::level_filters::LevelFilter;

use crate::value;

/// How to log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LogConfig {
    /// The level of this service's own crates.
    pub(crate) level: LevelFilter,
    /// The form of a line.
    pub(crate) format: LogFormat,
}

impl LogConfig {
    /// `is_debug` is `FLASK_DEBUG`, which counts where no level is set.
    pub(super) fn new(level: Option<LogLevel>, is_debug: bool, format: LogFormat) -> Self {
        let default = if is_debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
        Self { level: level.and_then(|level| level.0).unwrap_or(default), format }
    }
}

/// A level; `None` where the setting is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LogLevel(Option<LevelFilter>);

impl LogLevel {
    /// Reads the word; the names of the earlier service's levels count too.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = value::plain(text);
        if text.is_empty() {
            return Ok(Self(None));
        }
        let level = match text.to_ascii_lowercase().as_str() {
            "off" => LevelFilter::OFF,
            "error" | "critical" => LevelFilter::ERROR,
            "warn" | "warning" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return Err("it must be off, error, warn, info, debug or trace".to_owned()),
        };
        Ok(Self(Some(level)))
    }
}

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For collectors, one object a line.
    Json,
}

impl LogFormat {
    /// Reads the word.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match value::plain(text).to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it must be one of auto, text, json".to_owned()),
        }
    }
}
