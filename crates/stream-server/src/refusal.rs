//! How a flag or variable that cannot be read is refused: by the name of the variable, in the form of the log.

use std::error::Error as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config;
use crate::failure::WRONG_SETTINGS;
use crate::telemetry;

/// Prints help or the version, or logs why the arguments are refused; returns what the process ends with.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed standard output is not an error.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    telemetry::fatal(&sentence_of(error));
    ExitCode::from(WRONG_SETTINGS)
}

/// The refusal in words; for a setting it names the variable and the flag.
fn sentence_of(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if error.kind() == ErrorKind::InvalidUtf8 {
        let is_bad = |name: &String| matches!(std::env::var(name), Err(std::env::VarError::NotUnicode(_)));
        if let Some(name) = config::variables().into_iter().find(is_bad) {
            return format!("{name}: it is not UTF-8 text");
        }
    }
    let flag = context(ContextKind::InvalidArg).and_then(|text| text.split(' ').next());
    let variable = flag.map(|flag| flag.trim_start_matches('-').to_uppercase().replace('-', "_"));
    let variable = variable.filter(|name| config::variables().contains(name));
    let reason = error.source().map(ToString::to_string);
    match (variable, flag, reason) {
        (Some(name), Some(flag), Some(reason)) => match context(ContextKind::InvalidValue) {
            None | Some("") if reason.starts_with("it is empty") => format!("{name} (or {flag}): {reason}"),
            None | Some("") => format!("{name} (or {flag}): it is empty; {reason}"),
            Some(value) => format!("{name} (or {flag}): {reason}, not '{value}'"),
        },
        // The rest is about flags and commands; clap says it well, over several lines.
        _ => error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
    }
}
