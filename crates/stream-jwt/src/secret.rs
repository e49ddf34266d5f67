//! The secret that is shared with the user-service.

use std::fmt;

/// A signing secret; its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SharedSecret(String);

impl SharedSecret {
    /// The least length that HS256 asks for (RFC 7518, section 3.2), in bytes.
    pub const RECOMMENDED_BYTES: usize = 32;

    /// Takes the secret's text, byte for byte.
    pub fn new(text: impl Into<String>) -> Result<Self, EmptySecret> {
        let text = text.into();
        if text.is_empty() { Err(EmptySecret) } else { Ok(Self(text)) }
    }

    /// The secret itself, for signing and for the file it is kept in; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(redacted)")
    }
}

/// With an empty secret anybody could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty")]
pub struct EmptySecret;
