//! The rules of the stream service, and nothing else.
//!
//! A user asks for a stream key, holds at most one active stream, and may publish with the key until the
//! stream is stopped or its life has passed.
//! A media server asks whether a publisher may go live ([`broadcasts::admission`]); one publisher's time there is a [`broadcasts::session`].
//! This crate says what those words mean ([`key`], [`stream`], [`lifecycle`]), which use cases there are
//! ([`Authenticator`], [`Keys`], [`Catalog`], [`Broadcasts`]) and what it needs of the outside world ([`ports`]).
//! It does no I/O, reads no clock and draws no randomness: adapters do, behind the ports.

#![warn(clippy::future_not_send)]

pub mod authenticator;
pub mod blocks;
pub mod broadcasts;
pub mod catalog;
pub mod details;
pub mod events;
pub mod finding;
pub mod key;
pub mod keys;
pub mod lifecycle;
pub mod media_server;
pub mod pace;
pub mod page;
pub mod playback;
pub mod ports;
pub mod schedules;
pub mod stream;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;
pub mod token;
pub mod user;
pub mod webhooks;

pub use authenticator::Authenticator;
pub use blocks::{Block, Blocks};
pub use broadcasts::Broadcasts;
pub use broadcasts::session::{Publisher, Session, SessionId};
pub use catalog::Catalog;
pub use details::{Descriptions, Details};
pub use events::{Event, Events};
pub use finding::{Finding, FindingState};
pub use key::StreamKey;
pub use keys::Keys;
pub use media_server::{Family, MediaServers, ServerName};
pub use page::{ListRow, PageRequest, Position, StreamPage};
pub use playback::PlaybackId;
pub use schedules::{Schedule, ScheduleId, Schedules};
pub use stream::{KeyRequest, NewStream, Stream, StreamId, StreamStatus};
pub use timestamp::Timestamp;
pub use token::BearerToken;
pub use user::UserId;
pub use webhooks::{Deliveries, Webhook, WebhookId, Webhooks};

#[cfg(test)]
mod tests;
