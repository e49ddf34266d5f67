//! Where an open session stands, in one word.

/// Where an open session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Its publisher is live.
    Live,
    /// Its publisher was admitted, and brings no media yet.
    Admitted,
    /// Its publisher is connected, and brings no media.
    Stalled,
    /// Nothing was heard of its publisher for longer than its lease.
    Overdue,
    /// Its publisher is to be ended at its media server.
    ToBeKicked,
}

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Live, Self::Admitted, Self::Stalled, Self::Overdue, Self::ToBeKicked];

    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Admitted => "admitted",
            Self::Stalled => "stalled",
            Self::Overdue => "overdue",
            Self::ToBeKicked => "to_be_kicked",
        }
    }
}
