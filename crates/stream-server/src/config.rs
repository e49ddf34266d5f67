//! Settings: flags and environment variables, parsed once at start into typed values.
//!
//! [`CommandLine`] is what clap took; [`Command`] is what the program does, with the settings that it needs.
//! A setting that a command does not need cannot stop that command.

mod admin;
mod alternatives;
mod bases;
mod broadcasts;
mod claims;
mod command_line;
mod commands;
mod database;
mod files;
mod flags;
mod logs;
mod media_servers;
mod metrics;
mod near_names;
mod networks;
mod origins;
mod service;
mod tokens;
mod traces;
mod values;
mod webhooks;

pub(crate) use crate::config::broadcasts::BroadcastConfig;
pub(crate) use crate::config::command_line::{Command, CommandLine, Examination, OperatorConfig, Order};
pub(crate) use crate::config::database::{DatabaseConfig, DbUrl};
pub(crate) use crate::config::flags::{variables, whole};
pub(crate) use crate::config::logs::{LogConfig, LogFormat};
pub(crate) use crate::config::metrics::MetricsAddress;
pub(crate) use crate::config::service::Config;
pub(crate) use crate::config::tokens::TokenConfig;
pub(crate) use crate::config::traces::TracesConfig;
pub(crate) use crate::config::webhooks::WebhookConfig;

#[cfg(test)]
mod tests;
