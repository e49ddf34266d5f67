//! Media servers that cannot be installed from packages, simulated down to the bytes of their hooks.
//!
//! One engine follows five sets of rules, one file per family. The rules say what the real server does with an answer,
//! with silence, with a second publisher and at its own end, and render what it sends.
//! No media flows: an [`Encoder`] is a publisher that stays until it leaves or is kicked.
//! README.md says what is simulated and from which sources.

mod ant_media;
mod encoder;
mod engine;
mod family;
mod hooks;
mod http;
mod mediamtx;
mod oven_media_engine;
mod process;
mod rules;
mod server;
mod session;
mod srs;
mod text;
mod zlmediakit;

#[cfg(test)]
mod tests;

pub use encoder::Encoder;
pub use family::Family;
pub use rules::Signal;
pub use server::MediaServer;
