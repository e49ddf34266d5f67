//! What journeys need: the real binary on a free port, a client with tokens, a database to look into, and programs
//! that end with the test.

mod binary;
mod client;
pub mod encoder;
mod media;
mod npm;
mod pgbouncer;
mod program;
mod relay;
mod service;
pub mod simulated;
mod stage;
mod store;
mod token;
pub mod viewers;

pub use binary::{server_binary, target_folder, workspace};
pub use client::{Answer, Api};
pub use media::{MediaPorts, NginxRtmp, NodeMediaServer, NodeVersion};
pub use pgbouncer::PgBouncer;
pub use program::Program;
pub use relay::Relay;
pub use service::{Service, Setup, find_secret};
pub use stage::{Encoder, Owner, SetUp, Stage};
pub use store::{StoreKind, TestStore};
pub use token::{claims_of, sign, token_of};

use std::time::Duration;

/// The secret that tests share with the services they start.
pub const SECRET_KEY: &str = "a secret that is shared by this test and its service";

/// Waits until something holds, for at most 30 seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come about within 30 seconds");
}
