//! The kinds of events.

/// What an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A key was generated, or an earlier service inserted a stream.
    StreamCreated,
    /// What is said of an active stream was changed.
    StreamUpdated,
    /// The owner, or the platform that deleted it, ended a stream.
    StreamStopped,
    /// A stream's time was up.
    StreamExpired,
    /// A publisher brings media, after a time without any.
    StreamLive,
    /// No publisher brings media any more, and none came back within the reconnect window.
    StreamOffline,
    /// Another publisher, or the same one after a drop, goes on with the broadcast.
    StreamPublisherChanged,
    /// A media server was told to refuse a publisher; once for attempts that follow each other within a minute.
    StreamPublishRefused,
    /// A stream was planned.
    ScheduleCreated,
    /// A plan was changed.
    ScheduleUpdated,
    /// A plan was given up.
    ScheduleCanceled,
    /// The time of a plan passed without a stream.
    ScheduleMissed,
    /// Nothing is sent to an endpoint any more.
    WebhookDisabled,
    /// An endpoint's owner wants to see whether it works.
    WebhookTest,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::StreamCreated,
        Self::StreamUpdated,
        Self::StreamStopped,
        Self::StreamExpired,
        Self::StreamLive,
        Self::StreamOffline,
        Self::StreamPublisherChanged,
        Self::StreamPublishRefused,
        Self::ScheduleCreated,
        Self::ScheduleUpdated,
        Self::ScheduleCanceled,
        Self::ScheduleMissed,
        Self::WebhookDisabled,
        Self::WebhookTest,
    ];

    /// The word that is stored, and that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StreamCreated => "stream.created",
            Self::StreamUpdated => "stream.updated",
            Self::StreamStopped => "stream.stopped",
            Self::StreamExpired => "stream.expired",
            Self::StreamLive => "stream.live",
            Self::StreamOffline => "stream.offline",
            Self::StreamPublisherChanged => "stream.publisher_changed",
            Self::StreamPublishRefused => "stream.publish_refused",
            Self::ScheduleCreated => "schedule.created",
            Self::ScheduleUpdated => "schedule.updated",
            Self::ScheduleCanceled => "schedule.canceled",
            Self::ScheduleMissed => "schedule.missed",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// The kind of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
