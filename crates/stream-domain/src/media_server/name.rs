//! What an instance of a media server is called.

use std::fmt;

/// The name that an instance of a media server goes by: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

impl ServerName {
    /// Reads a name as a setting, an address or a store has it.
    pub fn parse(text: &str) -> Result<Self, InvalidServerName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=64).contains(&text.len());
        if fits && text.bytes().all(plain) { Ok(Self(text.to_owned())) } else { Err(InvalidServerName) }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot name a media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a media server's name has 1 to 64 letters, digits, `.`, `_` and `-`")]
pub struct InvalidServerName;
