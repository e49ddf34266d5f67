//! Holds the log of events to what docs/reliability.md says, under load and with instances that are killed:
//! `make events-check`. A part of it alone: `cargo run --release -p stream-bench --example check_events -- readers`.
//!
//! The service is built in release mode; two instances share a PostgreSQL of their own. What is counted is compared with
//! the table `streams` itself, and a figure that does not hold ends the program with an error.

mod log;
mod pair;
mod readers;
mod receivers;
mod webhooks;

use std::process::Command;

use stream_tests::workspace;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--package", "stream-server"]);
    assert!(build.current_dir(workspace()).status().expect("cargo runs").success());
    let only = std::env::args().nth(1);
    let is_wanted = |part: &str| only.as_ref().is_none_or(|only| only == part);
    if is_wanted("log") {
        log::check_log().await;
    }
    if is_wanted("readers") {
        readers::check_readers().await;
        readers::check_silent_reader().await;
    }
    if is_wanted("webhooks") {
        webhooks::check_webhooks().await;
    }
}
