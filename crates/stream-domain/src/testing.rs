//! Fakes of the ports, and the laws that hold for the real thing as well.
//!
//! `mockall` mocks (`MockKeyStore` and the like, beside the ports) inject failure.
//! For behaviour use the fakes here: [`MemoryStore`] is held to the same laws as the databases.

mod clock;
mod entropy;
mod examiner;
mod gate;
mod history;
pub mod laws;
mod memory;
mod model;
mod ports;
mod sender;
mod stores;
mod streams;
mod tokens;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use examiner::FakeExaminer;
pub use memory::MemoryStore;
pub use model::{Step, check_history};
pub use ports::{unused_session_ports, unused_stream_ports};
pub use sender::FakeSender;
pub use stores::Store;
pub use streams::{asking, new_stream, playback_id_of, publisher, terms};
pub use tokens::FakeTokens;
