//! The rules of a family: everything in which media servers differ.

use std::time::Duration;

use crate::http::{Answer, Call, Reply, Request};
use crate::process::Process;
use crate::session::Session;

/// Everything in which the families differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Names that the server refuses by itself are never asked about.
    pub(crate) name_is_allowed: fn(&str) -> bool,
    /// How publish requests wait for one another.
    pub(crate) requests: Requests,
    /// What is sent at an event, in the family's own words; several requests go out at the same time.
    pub(crate) drafts: fn(&Process, &Event<'_>) -> Vec<Draft>,
    /// What an answer means; `None` is a hook that is down, hung up, or was too slow.
    pub(crate) judge: fn(Option<&Reply>) -> Verdict,
    /// What a 3xx leads to.
    pub(crate) redirects: Redirects,
    /// How long a publish request may take.
    pub(crate) request_timeout: Duration,
    /// How long any other event may take.
    pub(crate) event_timeout: Duration,
    /// The pause before a faulty exchange is tried once more; `None` where it never is.
    pub(crate) retry: Option<Duration>,
    /// How often the same publisher is asked about; every answer must accept.
    pub(crate) requests_per_publisher: u32,
    /// The pauses before denials, taken in turn, so that runs are alike.
    pub(crate) pauses_before_denial: &'static [Duration],
    /// Who wins a name.
    pub(crate) second_publisher: SecondPublisher,
    /// From the accept to the event that reports the begin; `None` where there is no such event.
    /// A publisher that leaves before it yields no end either.
    pub(crate) begin_after: Option<Duration>,
    /// From the end of a publisher to the event that reports it.
    pub(crate) end_after: Duration,
    /// How long the playlist of a stream stays that has ended.
    pub(crate) playlist_stays: Duration,
    /// How long a publisher that sends nothing counts as connected.
    pub(crate) frozen_after: Duration,
    /// Whether an end is reported of publishers that were never live, because they were denied or came second.
    pub(crate) reports_end_of_refused: bool,
    /// The signals at which the server still reports the ends of its publishers.
    pub(crate) reports_ends_at: &'static [Signal],
    /// How often the server sends a heartbeat.
    pub(crate) server_heartbeat: Option<Duration>,
    /// How often the server sends a heartbeat for a publisher.
    pub(crate) publisher_heartbeat: Option<Duration>,
    /// Names the n-th connection of a process.
    pub(crate) session_id: fn(u64) -> String,
    /// The control interface.
    pub(crate) control: Option<Control>,
}

/// A control interface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    /// What stands before the host in its address.
    pub(crate) credentials: Option<&'static str>,
    /// What a call leads to.
    pub(crate) react: fn(&Process, &Call) -> Reaction,
}

/// What a call of the control interface leads to.
pub(crate) enum Reaction {
    /// An answer, and nothing else.
    Answer(Answer),
    /// The first live publisher that `is_meant` is kicked.
    Kick {
        /// Finds the publisher.
        is_meant: Box<dyn Fn(&Session) -> bool + Send>,
        /// The answer if there was one.
        kicked: Answer,
        /// The answer if there was none.
        missing: Answer,
    },
}

impl Reaction {
    /// JSON with a status.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer(Answer::json(status, body))
    }
}

/// How an operator asks a server to end; a crash is no signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGQUIT, which some servers take as a graceful end.
    Quit,
}

/// How publish requests wait for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requests {
    /// Not at all.
    Concurrent,
    /// One after the other.
    OneByOne,
    /// One after the other, and viewers and control calls wait too.
    BlockingTheServer {
        /// The prefix of paths that do not wait.
        free: &'static str,
    },
}

/// What a 3xx leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Redirects {
    /// It is an answer like others.
    AreAnswers,
    /// It is followed; the function renders the next request, or `None` to stop.
    AreFollowed(fn(&Process, &Request, &Reply) -> Option<Request>),
}

/// Who wins a name that is live already; the second publisher is asked about first in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondPublisher {
    /// The first one stays.
    IsRefused,
    /// The first one is kicked when the media of the second arrive.
    TakesOver,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may publish.
    Accept,
    /// It may not.
    Deny(String),
    /// This was no answer: retried where the family does so, and a denial otherwise.
    Fault(String),
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A publisher asks to be let in.
    PublishRequest(&'a Session),
    /// It is live.
    Begin(&'a Session),
    /// It still is.
    Heartbeat(&'a Session),
    /// It is gone.
    End(&'a Session),
    /// The server is there.
    ServerHeartbeat,
}

/// A request that is rendered anew for each attempt, because counters and times go on.
pub(crate) type Draft = Box<dyn Fn(&Process) -> Request + Send + Sync>;

/// A draft that stays as it is.
pub(crate) fn fixed(request: Request) -> Draft {
    Box::new(move |_| request.clone())
}

/// For families that ask their hook about any name.
pub(crate) fn any_name(_: &str) -> bool {
    true
}
