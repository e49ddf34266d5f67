//! The terms on which publishers are admitted.

use time::Duration;

/// Who may take over from a publisher that is still alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// Nobody: only a session whose lease is overdue gives way.
    Overdue,
    /// A publisher from the same address, as an encoder that lost its connection is, unless two of them alternate.
    SameAddress,
    /// The last publisher that asks.
    Newest,
}

impl Takeover {
    /// The word that settings use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::SameAddress => "same-address",
            Self::Newest => "newest",
        }
    }
}

/// The terms on which publishers are admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Who may take over.
    pub takeover: Takeover,
    /// How soon a reconnect counts as the same broadcast.
    pub reconnect_window: Duration,
    /// How long a session counts as live after it was last seen.
    pub lease: Duration,
}
