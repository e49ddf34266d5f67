//! The commands and configurations of docs/operations, run as they are.

mod blocks;
mod commands;
pub(crate) mod containers;
mod databases;
mod proxies;
