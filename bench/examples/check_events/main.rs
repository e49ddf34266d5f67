//! Holds the log of events to what docs/reliability.md says, under load and with instances that are killed:
//! `make events-check`.
//!
//! The service is built in release mode; two instances share a PostgreSQL of their own. What is counted is compared with
//! the table `streams` itself, and a figure that does not hold ends the program with an error.

mod log;
mod pair;
mod readers;

use std::process::Command;

use stream_tests::workspace;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--package", "stream-server"]);
    assert!(build.current_dir(workspace()).status().expect("cargo runs").success());
    log::check_log().await;
    readers::check_readers().await;
    readers::check_silent_reader().await;
}
