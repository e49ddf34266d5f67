//! What a publisher shows for its right to a stream.

use super::Refusal;
use crate::{PlaybackId, StreamKey};

/// Where the key stands in the addresses that the service hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressForm {
    /// `…/live/{stream_key}` for publishers and viewers alike, as the earlier service has it: every viewer knows the key.
    Key,
    /// `…/live/{playback_id}?key={stream_key}` for publishers, `…/live/{playback_id}/…` for viewers.
    Playback,
    /// `…/live/{stream_key}` for publishers, renamed by the media server to `{playback_id}` for viewers.
    Rename,
}

impl AddressForm {
    /// Whether the name is the key itself.
    ///
    /// A list shows the new name of one that was renamed; one that asks shows the old one, unless it came by both parts.
    pub(crate) fn shows_key_alone(self, trigger: Trigger, can_rename: bool, key: Option<&str>) -> bool {
        match self {
            Self::Key => true,
            Self::Playback => false,
            Self::Rename => {
                can_rename && key.is_none() && !matches!(trigger, Trigger::Poll | Trigger::GatedPoll)
            }
        }
    }
}

/// Why a publisher is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// It wants to begin, and waits for the answer.
    PublishRequest,
    /// Its server says by a hook that it goes on.
    Heartbeat,
    /// Its server lists it as live.
    Poll,
    /// Its server lists it as live, and a gate there has seen its key: the public name is proof enough.
    GatedPoll,
}

/// What a publisher shows for its right to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The key.
    Key(StreamKey),
    /// The key, together with the public name that it must belong to.
    KeyOf(PlaybackId, StreamKey),
    /// The public name alone: good only for a session that has shown its key before, here or at a gate.
    Name(PlaybackId),
}

impl Proof {
    /// Reads the proof from the name that is published and the `key` that stood behind its `?`.
    ///
    /// `can_rename` is whether this server can rename a publisher, which hides the key.
    pub fn read(
        form: AddressForm,
        trigger: Trigger,
        can_rename: bool,
        name: &str,
        key: Option<&str>,
    ) -> Result<Self, Refusal> {
        let parse_key = |text: &str| StreamKey::parse(text).map_err(|_| Refusal::MalformedKey);
        if form.shows_key_alone(trigger, can_rename, key) {
            return Ok(Self::Key(parse_key(name)?));
        }
        let playback_id = PlaybackId::parse(name).map_err(|_| Refusal::MalformedKey)?;
        match key {
            Some(key) => Ok(Self::KeyOf(playback_id, parse_key(key)?)),
            None if trigger == Trigger::PublishRequest => Err(Refusal::NoKey),
            None => Ok(Self::Name(playback_id)),
        }
    }

    /// The key that it shows, if it shows one.
    pub fn key(&self) -> Option<&StreamKey> {
        match self {
            Self::Key(key) | Self::KeyOf(_, key) => Some(key),
            Self::Name(_) => None,
        }
    }
}
