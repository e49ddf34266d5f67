//! Fakes of the ports, and the laws that hold for the real thing as well.
//!
//! `mockall` mocks (`MockStreamRepository` and its kin, beside the ports) are for injecting failure; for
//! behaviour use the fakes here: [`MemoryStore`] is held to the same laws as the databases.

mod clock;
mod entropy;
mod gate;
mod history;
pub mod laws;
mod memory;
mod model;
mod streams;
mod tokens;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use memory::MemoryStore;
pub use model::{Step, check_history};
pub use streams::{asking, new_stream, playback_id_of, publisher, terms};
pub use tokens::FakeTokens;
