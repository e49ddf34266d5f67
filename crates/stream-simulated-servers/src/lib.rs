//! Simulations of media servers that cannot be installed from packages, exact to the bytes of their hooks.
//!
//! One engine follows five sets of rules, one file per family. The rules define how the real server reacts to a
//! response, a timeout, a second publisher and its own end, and render its requests.
//! There is no media: an [`Encoder`] is a publisher that remains until it disconnects or is kicked.
//! README.md lists what is simulated and the sources.

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
