//! The playback id: the name of a stream that everybody may know.

use std::fmt;

use crate::StreamId;
use crate::ports::{Entropy, EntropyError};

/// A stream's public name: 1 to 64 characters of `A-Z a-z 0-9 _ -`; a new one has 32, hexadecimal.
///
/// Viewers watch by it where addresses hide the key; nobody can publish with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaybackId(String);

impl PlaybackId {
    /// The longest id that the database can hold, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// Makes a new id of 16 random bytes; nothing of the key is in it.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    /// Reads an id as a client sent it or a store kept it.
    pub fn parse(text: &str) -> Result<Self, InvalidPlaybackId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=Self::MAX_LENGTH).contains(&text.len());
        if fits && text.bytes().all(plain) { Ok(Self(text.to_owned())) } else { Err(InvalidPlaybackId) }
    }

    /// The id of a stream that had ended before streams were given ids; nobody can look it up.
    pub fn for_legacy_stream(stream: StreamId) -> Self {
        Self(format!("ended-{}", stream.0))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlaybackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be a playback id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a playback id has 1 to 64 letters, digits, `_` and `-`")]
pub struct InvalidPlaybackId;
