//! Where a stream is published to and watched from.

use std::borrow::Cow;

use serde::Serialize;
use stream_domain::Stream;
use stream_domain::broadcasts::admission::AddressForm;
use utoipa::ToSchema;

/// The base URLs that names are appended to, and where the key goes.
#[derive(Debug, Clone)]
pub struct Addresses {
    rtmp_base: String,
    hls_base: String,
    form: AddressForm,
    /// Other ways to publish: the protocol, and its URL with names in braces.
    alternatives: Vec<(String, String)>,
}

/// The two fields of an encoder: a server, and a stream key to paste, which is not always the bare key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ingest)]
pub(crate) struct Ingest<'a> {
    /// The encoder's "Server".
    server: &'a str,
    /// The encoder's "Stream Key": joined to `server` by a slash it is `rtmp_url`.
    stream_key: Cow<'a, str>,
    /// The other ways to publish that the settings name; absent in public.
    #[serde(skip_serializing_if = "Option::is_none")]
    alternatives: Option<Vec<Alternative<'a>>>,
}

/// Another way to publish.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IngestAlternative)]
struct Alternative<'a> {
    /// `srt`, `whip`, `rtsp` or `rtmp`.
    protocol: &'a str,
    /// Where to publish; in OBS it is entered as "Server".
    url: String,
}

/// Who reads an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A client that has the key: its owner, or a media server that looks it up.
    Owner,
    /// Everybody.
    Public,
}

impl Addresses {
    /// Takes the base URLs, with or without a slash at their ends.
    pub fn new(rtmp_base: &str, hls_base: &str, form: AddressForm) -> Self {
        let trimmed = |base: &str| base.trim_end_matches('/').to_owned();
        Self { rtmp_base: trimmed(rtmp_base), hls_base: trimmed(hls_base), form, alternatives: Vec::new() }
    }

    /// The origin of what viewers watch: scheme, host and port.
    pub(crate) fn hls_origin(&self) -> String {
        self.hls_base.split('/').take(3).collect::<Vec<_>>().join("/")
    }

    /// Adds other ways to publish: the protocol, and its URL with `{stream_key}` and `{playback_id}`.
    #[must_use]
    pub fn with_alternatives(self, alternatives: Vec<(String, String)>) -> Self {
        Self { alternatives, ..self }
    }

    /// The stream's name for this audience: its key, or its playback id where the key is hidden.
    pub(crate) fn name<'a>(&self, stream: &'a Stream, audience: Audience) -> &'a str {
        match (self.form, audience) {
            (AddressForm::Key, _) | (_, Audience::Owner) => stream.key.expose(),
            (_, Audience::Public) => stream.playback_id.as_str(),
        }
    }

    /// What follows the base URL of a publisher.
    fn published<'a>(&self, stream: &'a Stream, audience: Audience) -> Cow<'a, str> {
        let name = self.name(stream, audience);
        match (self.form, audience) {
            (AddressForm::Playback, Audience::Owner) => {
                [stream.playback_id.as_str(), "?key=", name].concat().into()
            }
            _ => name.into(),
        }
    }

    /// Where to publish; where the key is hidden, the public URL admits nobody.
    pub(crate) fn rtmp_url(&self, stream: &Stream, audience: Audience) -> String {
        [&self.rtmp_base, "/", &self.published(stream, audience)].concat()
    }

    /// The same in the two fields of an encoder, and for the owner the other ways to publish.
    pub(crate) fn ingest<'a>(&'a self, stream: &'a Stream, audience: Audience) -> Ingest<'a> {
        let alternatives = self.alternatives.iter().map(|(protocol, template)| Alternative {
            protocol,
            url: template
                .replace("{stream_key}", stream.key.expose())
                .replace("{playback_id}", stream.playback_id.as_str()),
        });
        let alternatives = (audience == Audience::Owner).then(|| alternatives.collect());
        Ingest { server: &self.rtmp_base, stream_key: self.published(stream, audience), alternatives }
    }

    /// Where to watch.
    pub fn hls_url(&self, stream: &Stream) -> String {
        [&self.hls_base, "/", self.name(stream, Audience::Public), "/index.m3u8"].concat()
    }
}

#[cfg(test)]
mod tests;
