//! Where a stream is published to and watched from.

use stream_domain::StreamKey;

/// The bases that a key is appended to.
#[derive(Debug, Clone)]
pub struct Addresses {
    rtmp_base: String,
    hls_base: String,
}

impl Addresses {
    /// Takes the bases, with or without a slash at their ends.
    pub fn new(rtmp_base: &str, hls_base: &str) -> Self {
        let trimmed = |base: &str| base.trim_end_matches('/').to_owned();
        Self { rtmp_base: trimmed(rtmp_base), hls_base: trimmed(hls_base) }
    }

    /// Where the publisher goes.
    pub(crate) fn rtmp_url(&self, key: &StreamKey) -> String {
        format!("{}/{}", self.rtmp_base, key.expose())
    }

    /// Where viewers go.
    pub(crate) fn hls_url(&self, key: &StreamKey) -> String {
        format!("{}/{}/index.m3u8", self.hls_base, key.expose())
    }
}
