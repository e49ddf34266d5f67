//! The rules of a family: all differences between the media servers.

use std::time::Duration;

use crate::http::{Answer, Call, Reply, Request};
use crate::process::Process;
use crate::session::Session;

/// All differences between the families.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether the server asks about a name; it refuses the others itself.
    pub(crate) name_is_allowed: fn(&str) -> bool,
    /// How publish requests wait for one another.
    pub(crate) requests: Requests,
    /// The family's requests for an event; several are sent at the same time.
    pub(crate) drafts: fn(&Process, &Event<'_>) -> Vec<Draft>,
    /// The meaning of a response; `None` if the hook is down, closed the connection, or was too slow.
    pub(crate) judge: fn(Option<&Reply>) -> Verdict,
    /// The effect of a redirect.
    pub(crate) redirects: Redirects,
    /// How long a publish request may take.
    pub(crate) request_timeout: Duration,
    /// How long any other event may take.
    pub(crate) event_timeout: Duration,
    /// The pause before the retry of a failed exchange; `None` without retries.
    pub(crate) retry: Option<Duration>,
    /// How often the server asks about the same publisher; every response must accept.
    pub(crate) requests_per_publisher: u32,
    /// The pauses before denials, in a fixed order, so that runs are reproducible.
    pub(crate) pauses_before_denial: &'static [Duration],
    /// Which publisher keeps a name.
    pub(crate) second_publisher: SecondPublisher,
    /// The time from the admission to the report of the begin; `None` without such a report.
    /// For a publisher that leaves before that, no end is reported, either.
    pub(crate) begin_after: Option<Duration>,
    /// The time from the end of a publisher to its report.
    pub(crate) end_after: Duration,
    /// How long the playlist of an ended stream remains.
    pub(crate) playlist_kept_for: Duration,
    /// The timeout for a publisher that sends nothing.
    pub(crate) frozen_after: Duration,
    /// Whether ends are reported of publishers that were never live, because they were denied or came second.
    pub(crate) reports_end_of_refused: bool,
    /// The signals at which the server reports the ends of its publishers.
    pub(crate) reports_ends_at: &'static [Signal],
    /// How often the server sends a heartbeat.
    pub(crate) server_heartbeat: Option<Duration>,
    /// How often the server sends a heartbeat for a publisher.
    pub(crate) publisher_heartbeat: Option<Duration>,
    /// The id of the n-th connection of a process.
    pub(crate) session_id: fn(u64) -> String,
    /// The control interface.
    pub(crate) control: Option<Control>,
}

/// A control interface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    /// The user info of its URL.
    pub(crate) credentials: Option<&'static str>,
    /// Handles a call.
    pub(crate) react: fn(&Process, &Call) -> Reaction,
}

/// The effect of a call of the control interface.
pub(crate) enum Reaction {
    /// Only a response.
    Answer(Answer),
    /// The first live publisher that `is_meant` is kicked.
    Kick {
        /// Finds the publisher.
        is_meant: Box<dyn Fn(&Session) -> bool + Send>,
        /// The response if there was one.
        kicked: Answer,
        /// The response if there was none.
        missing: Answer,
    },
}

impl Reaction {
    /// JSON with a status.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer(Answer::json(status, body))
    }
}

/// A signal that stops a server in an orderly way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGQUIT, which stops some servers gracefully.
    Quit,
}

/// How publish requests wait for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requests {
    /// Not at all.
    Concurrent,
    /// One after the other.
    OneByOne,
    /// One after the other, and viewers and control calls wait as well.
    BlockingTheServer {
        /// The prefix of paths that do not wait.
        free: &'static str,
    },
}

/// The effect of a redirect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Redirects {
    /// It is a response like others.
    AreAnswers,
    /// It is followed; the function renders the next request, or `None` to stop.
    AreFollowed(fn(&Process, &Request, &Reply) -> Option<Request>),
}

/// Which publisher keeps a name that is already live; the server asks about the second one in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondPublisher {
    /// The first one.
    IsRefused,
    /// The second one: the first is kicked when the media of the second arrive.
    TakesOver,
}

/// The meaning of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may publish.
    Accept,
    /// It may not.
    Deny(String),
    /// The response is invalid: retried if the family does that, otherwise a denial.
    Fault(String),
}

/// An event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A publisher asks to publish.
    PublishRequest(&'a Session),
    /// Its media have begun.
    Begin(&'a Session),
    /// It is still live.
    Heartbeat(&'a Session),
    /// It has ended.
    End(&'a Session),
    /// The server is running.
    ServerHeartbeat,
}

/// A request that is rendered again for each attempt, because counters and times change.
pub(crate) type Draft = Box<dyn Fn(&Process) -> Request + Send + Sync>;

/// A draft that renders the same request each time.
pub(crate) fn fixed(request: Request) -> Draft {
    Box::new(move |_| request.clone())
}

/// For families that ask their hook about every name.
pub(crate) fn any_name(_: &str) -> bool {
    true
}
