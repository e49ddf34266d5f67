//! The rules of the stream service, and nothing else.
//!
//! A user asks for a stream key, holds at most one active stream, and may publish with the key until the
//! stream is stopped or 24 hours have passed.
//! This crate says what those words mean ([`key`], [`stream`], [`lifecycle`]), which use cases there are
//! ([`Streams`]) and what it needs of the outside world ([`ports`]).
//! It does no I/O, reads no clock and draws no randomness: adapters do, behind the ports.

#![warn(clippy::future_not_send)]

pub mod key;
pub mod lifecycle;
pub mod page;
pub mod ports;
pub mod stream;
pub mod streams;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;
pub mod token;
pub mod user;

pub use key::StreamKey;
pub use page::{PageRequest, Position, StreamPage};
pub use stream::{NewStream, Stream, StreamId, StreamStatus};
pub use streams::Streams;
pub use timestamp::Timestamp;
pub use token::BearerToken;
pub use user::UserId;

#[cfg(test)]
mod tests;
