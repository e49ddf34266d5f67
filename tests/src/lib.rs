//! The harness of the journeys: the real binary on a free port, a client with tokens, databases that tests can query,
//! media servers, and programs that end with the test.

mod binary;
mod client;
mod collector;
pub mod documents;
pub mod encoder;
mod file_graph;
mod media;
mod media_setup;
mod npm;
pub mod pages;
mod pgbouncer;
mod program;
mod receivers;
mod relay;
mod service;
mod stage;
mod store;
mod token;
pub mod tools;
mod typescript_client;
pub mod viewers;
mod waiting;

pub use binary::{server_binary, target_folder, workspace};
pub use client::{Answer, Api};
pub use collector::{Collector, Span};
pub use file_graph::FileGraph;
pub use media::{MediaPorts, NginxRtmp, NodeMediaServer, NodeVersion};
pub use media_setup::MediaSetup;
pub use pgbouncer::PgBouncer;
pub use program::{Program, succeed};
pub use receivers::{Delivered, DocumentedReceiver, Language, Receiver};
pub use relay::Relay;
pub use service::{Service, ServiceBuilder, find_secret};
pub use stage::{Encoder, Owner, Stage};
pub use store::{StoreKind, TestStore};
pub use token::{SECRET_KEY, claims_of, sign, token_of};
pub use typescript_client::TypescriptClient;
pub use waiting::eventually;
