//! The stream key: the secret that lets a publisher in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ports::{Entropy, EntropyError};

/// A stream key: 1 to 255 characters of `A-Z a-z 0-9 _ -`.
///
/// Anybody who knows it may publish, so it has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StreamKey(String);

impl StreamKey {
    /// The longest key that the database can hold, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// How many random bytes make a new key.
    pub const ENTROPY_BYTES: usize = 32;

    /// Makes a new key: 32 random bytes as unpadded base64url, 43 characters.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; Self::ENTROPY_BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a key as a client sent it or a store kept it.
    ///
    /// Keys that were made by an earlier service have other lengths; all of the alphabet are accepted.
    pub fn parse(text: &str) -> Result<Self, InvalidStreamKey> {
        if text.is_empty() {
            return Err(InvalidStreamKey::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidStreamKey::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return Err(InvalidStreamKey::ForeignCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key itself, for an answer to its owner, an address, or a query; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(redacted)")
    }
}

/// Why a text is no stream key; says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStreamKey {
    /// There was no text.
    #[error("a stream key is not empty")]
    Empty,
    /// The text is longer than [`StreamKey::MAX_LENGTH`].
    #[error("a stream key has at most 255 characters")]
    TooLong,
    /// The text has a character outside the alphabet.
    #[error("a stream key consists of letters, digits, `_` and `-`")]
    ForeignCharacter,
}
