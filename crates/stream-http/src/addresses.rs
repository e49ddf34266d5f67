//! Where a stream is published to and watched from.

use stream_domain::Stream;
use stream_domain::admission::AddressForm;

/// The bases that names are appended to, and where the key stands.
#[derive(Debug, Clone)]
pub struct Addresses {
    rtmp_base: String,
    hls_base: String,
    form: AddressForm,
}

/// Whom an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever has the key: its owner, or a media server that asks about it.
    Owner,
    /// Everybody.
    Public,
}

impl Addresses {
    /// Takes the bases, with or without a slash at their ends.
    pub fn new(rtmp_base: &str, hls_base: &str, form: AddressForm) -> Self {
        let trimmed = |base: &str| base.trim_end_matches('/').to_owned();
        Self { rtmp_base: trimmed(rtmp_base), hls_base: trimmed(hls_base), form }
    }

    /// What the stream goes by in an answer to this audience: its key, unless that is hidden from them.
    pub(crate) fn name<'a>(&self, stream: &'a Stream, audience: Audience) -> &'a str {
        match (self.form, audience) {
            (AddressForm::Key, _) | (_, Audience::Owner) => stream.key.expose(),
            (_, Audience::Public) => stream.playback_id.as_str(),
        }
    }

    /// Where the publisher goes; what everybody is shown lets nobody in where the key is hidden.
    pub(crate) fn rtmp_url(&self, stream: &Stream, audience: Audience) -> String {
        let name = self.name(stream, audience);
        match (self.form, audience) {
            (AddressForm::Playback, Audience::Owner) => {
                [&self.rtmp_base, "/", stream.playback_id.as_str(), "?key=", name].concat()
            }
            _ => [&self.rtmp_base, "/", name].concat(),
        }
    }

    /// Where viewers go.
    pub(crate) fn hls_url(&self, stream: &Stream) -> String {
        [&self.hls_base, "/", self.name(stream, Audience::Public), "/index.m3u8"].concat()
    }
}
