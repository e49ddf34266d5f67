//! The simulated families, each with its file of rules.

use crate::rules::Rules;
use crate::{ant_media, mediamtx, oven_media_engine, srs, zlmediakit};

/// A simulated family of media servers.
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
    pub(crate) fn rules(self) -> Rules {
        match self {
            Self::Srs => srs::RULES,
            Self::MediaMtx => mediamtx::RULES,
            Self::OvenMediaEngine => oven_media_engine::RULES,
            Self::ZlMediaKit => zlmediakit::RULES,
            Self::AntMedia => ant_media::RULES,
        }
    }
}
