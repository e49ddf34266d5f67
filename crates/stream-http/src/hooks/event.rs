//! What a hook means, in the same terms for every family, and what is answered.

use stream_domain::PlaybackId;
use stream_domain::admission::Refusal;
use stream_domain::broadcasts::PublisherReport;

/// What a media server asks or reports.
#[derive(Debug, Clone)]
pub(crate) enum HookEvent {
    /// A publisher wants to publish, or goes on.
    Publisher(PublisherReport),
    /// A question whether a key may publish; no session begins.
    Question(PublisherReport),
    /// A publisher that is refused in any case; its report reveals whose key it has.
    Refused { report: PublisherReport, refusal: Refusal },
    /// The publisher with this session id has left, if it publishes this name where one is given.
    Left { session: String, name: Option<String> },
    /// The publisher of this name has left, where the server gives no session id.
    NameLeft { name: String },
    /// The server is up, with its boot id if it sends one.
    Heartbeat { boot_id: Option<String> },
    /// The server has restarted.
    Restarted,
    /// An event that does not concern this service, such as a viewer, and is accepted.
    Ignored,
    /// A request for the server's own interfaces, which only its own settings may grant.
    Privileged,
}

impl HookEvent {
    /// The same, from a request that must change nothing.
    pub(super) fn into_question(self) -> Self {
        match self {
            Self::Publisher(report) => Self::Question(report),
            Self::Question(_) | Self::Refused { .. } | Self::Privileged => self,
            Self::Left { .. }
            | Self::NameLeft { .. }
            | Self::Heartbeat { .. }
            | Self::Restarted
            | Self::Ignored => Self::Ignored,
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Yes, with the name to publish under if it is another one.
    Accepted(Option<PlaybackId>),
    /// No.
    Refused(Refusal),
    /// Understood; nothing was asked.
    Noted,
}
