//! Media servers of the families that cannot be installed here, simulated down to the bytes of their hooks.
//!
//! One engine plays five tables of rules, one file each; a table says what the real server does with an answer,
//! with silence, with a second publisher and at its own end, and renders what it sends.
//! No media flows: an encoder is a publisher that stays until somebody ends it.

mod ant_media;
mod encoder;
mod engine;
mod hooks;
mod http;
mod mediamtx;
mod oven_media_engine;
mod rules;
mod server;
mod session;
mod srs;
mod text;
mod zlmediakit;

#[cfg(test)]
mod tests;

pub use encoder::Encoder;
pub use server::MediaServer;

use rules::Rules;

/// A family of media servers that is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// SRS 6.
    Srs,
    /// MediaMTX 1.20.
    MediaMtx,
    /// OvenMediaEngine 0.20.
    OvenMediaEngine,
    /// ZLMediaKit.
    ZlMediaKit,
    /// Ant Media Server.
    AntMedia,
}

impl Family {
    fn rules(self) -> Rules {
        match self {
            Self::Srs => srs::RULES,
            Self::MediaMtx => mediamtx::RULES,
            Self::OvenMediaEngine => oven_media_engine::RULES,
            Self::ZlMediaKit => zlmediakit::RULES,
            Self::AntMedia => ant_media::RULES,
        }
    }
}

/// How an operator asks a server to end; [`MediaServer::crash`] does not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGQUIT, which some servers take as a graceful end.
    Quit,
}
